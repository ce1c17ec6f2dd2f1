"""Every row of the table of session conflicts: setting, who was first, what is said, who keeps the session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway_simulator.session import State as SessionState
from gateway_simulator.stand_in.words import State
from tests.support.stand_in import Bench

Make = Callable[..., Bench]

CHOOSE = "User must choose whether to continue with this session (scenario 1)"
YIELD = "End this session and let the other session proceed (scenario 2)"
TRY = "Don't know the type of the other session, so continue this one (scenario 3)"
REFUSED = (
    "Other session must be primary or primary override, so end this session and let the other one proceed (scenario 4)"
)
INSIST = "Continue this session and let the other session exit (scenario 5)"
OVERRIDE = "Other session may be primary, so end this session and let the other one proceed (scenario 6)"


def arrived(stage: Bench) -> Bench:
    """The owner is logged in first; we come with the right credentials."""
    stage.do("owner_logs_in")
    stage.start().until(State.SECOND_FACTOR)
    stage.do("approve")
    return stage.until(State.EXISTING).wait(3)


def overtaken(stage: Bench) -> Bench:
    """We are logged in and the owner comes."""
    stage.started_and_approved().do("owner_logs_in")
    assert stage.sim.session.state is SessionState.CONTENDED
    return stage.until(State.EXISTING).wait(3)


@pytest.mark.parametrize("before", [arrived, overtaken])
@pytest.mark.parametrize("setting", ["secondary", "SECONDARY", "nonsense"])
def test_secondary_always_yields(bench: Make, setting: str, before: Callable[[Bench], Bench]) -> None:
    """The owner stays, the container ends with 0, and a restart policy begins it anew."""
    stage = before(bench(existing_action=setting))
    assert stage.heard(YIELD) == 1
    assert stage.until_the_end() == 0
    assert stage.broker.occupied
    assert stage.heard("ExistingSessionDetectedAction has an invalid value") == (setting == "nonsense")


@pytest.mark.parametrize("setting", ["primary", "primaryoverride"])
def test_a_primary_that_starts_pushes_the_owner_out_once(bench: Make, setting: str) -> None:
    """It cannot know who the other is, so it continues."""
    stage = arrived(bench(existing_action=setting))
    assert stage.heard(TRY) == 1
    stage.until(State.READY)
    assert not stage.broker.occupied
    assert len(stage.sim.ledger.of("other_session_ended")) == 1


def test_a_primary_that_starts_gives_up_when_the_other_insists(bench: Make) -> None:
    """The second conflict before its login has completed ends it."""
    stage = arrived(bench(existing_action="primary"))
    assert stage.state is State.CONFIGURING
    stage.do("owner_logs_in")
    stage.until(State.EXISTING).wait(3)
    assert (stage.heard(TRY), stage.heard(REFUSED)) == (1, 1)
    assert stage.until_the_end() == 0


def test_a_primary_that_runs_takes_its_session_back(bench: Make) -> None:
    """1100 while the owner is in, Re-login, and 1102 when the gateway has the session again; the owner is out."""
    stage = overtaken(bench(existing_action="primary"))
    assert (stage.heard("Re-login to session"), stage.heard(INSIST)) == (1, 1)
    stage.until(State.READY)
    assert stage.sim.session.state is SessionState.READY
    assert not stage.broker.occupied


def test_a_primaryoverride_that_runs_ends_itself(bench: Make) -> None:
    """The next start of the container would push the owner out."""
    stage = overtaken(bench(existing_action="primaryoverride"))
    assert stage.heard(OVERRIDE) == 1
    assert stage.until_the_end() == 0


@pytest.mark.parametrize("before", [arrived, overtaken])
@pytest.mark.parametrize("setting", ["manual", ""])
def test_manual_waits_for_a_person(bench: Make, setting: str, before: Callable[[Bench], Bench]) -> None:
    """An empty value is manual; the dialog stays for hours, and the person decides."""
    stage = before(bench(existing_action=setting)).wait(7_200)
    assert stage.heard(CHOOSE) == 1
    assert stage.state is State.EXISTING
    stage.do("choose", button="continue")
    stage.until(State.READY)
    assert not stage.broker.occupied


def test_manual_lets_a_person_end_the_gateway(bench: Make) -> None:
    """Exit Application leaves the session to the owner."""
    stage = overtaken(bench(existing_action="manual"))
    stage.do("choose", button="cancel")
    assert stage.until_the_end() == 0
    assert stage.broker.occupied


def test_an_owner_who_has_left_is_no_conflict(bench: Make) -> None:
    """He stays for thirty seconds; a login after that meets nobody."""
    stage = bench()
    stage.do("owner_logs_in", seconds=30)
    stage.start().until(State.SECOND_FACTOR).wait(60)
    stage.do("approve")
    stage.until(State.READY)
    assert stage.heard("detected dialog entitled: Existing session detected") == 0


def test_the_owner_is_remembered_by_the_next_container(bench: Make) -> None:
    """With secondary each start meets the same owner, until he leaves."""
    stage = overtaken(bench())
    assert stage.until_the_end() == 0
    stage = stage.again().start().until(State.SECOND_FACTOR)
    stage.do("approve")
    stage.until(State.EXISTING)
    assert stage.until_the_end() == 0
    stage = stage.again()
    stage.do("owner_leaves")
    assert stage.started_and_approved().heard(YIELD) == 0


def test_compete_is_about_the_api_alone(bench: Make) -> None:
    """The simulator's own action keeps its meaning: clients hear 1100, the login does not move."""
    stage = bench().started_and_approved()
    stage.do("compete")
    stage.wait(60)
    assert (stage.sim.session.state, stage.state) == (SessionState.CONTENDED, State.READY)
    stage.do("owner_leaves")
    assert stage.sim.session.state is SessionState.READY
