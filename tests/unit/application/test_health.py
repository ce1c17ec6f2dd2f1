from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import pytest

from event_processor.application.desk import Desk, Pauses
from event_processor.application.health import health
from event_processor.domain.ids import AccountId
from event_processor.domain.session import ADVICE, SessionState
from event_processor.ports import Pause
from healthcheck.report import Report, Status
from tests.support.builders import ACCOUNT, AT

EVERYTHING = Pause("all", "maintenance", AT)
ONE = Pause(ACCOUNT, "positions differ", AT, held=True)


@dataclass
class Session:
    """What health reads of the session keeper."""

    state: SessionState
    detail: str = ""
    accounts: tuple[AccountId, ...] = (ACCOUNT,)

    @property
    def ready(self) -> bool:
        return self.state is SessionState.READY

    @property
    def advice(self) -> str:
        return ADVICE[self.state]


@dataclass
class Room:
    """What health reads of the desk."""

    session: Session
    pauses: Pauses


def report(
    state: SessionState,
    *pauses: Pause,
    detail: str = "",
    accounts: tuple[AccountId, ...] = (ACCOUNT,),
    store_lost: bool = False,
) -> Report:
    read = Pauses()
    read.replace(pauses, read.reading())
    return health(cast(Desk, Room(Session(state, detail, accounts), read)), store_lost=store_lost)


def checks(found: Report) -> dict[str, bool]:
    return {check.name: check.ok for check in found.checks}


@pytest.mark.parametrize("state", SessionState)
def test_only_a_ready_session_is_ready(state: SessionState) -> None:
    """Every state of the session has its status, and only READY says that trading is possible."""
    found = report(state)
    assert found.ready is (state is SessionState.READY)
    assert found.reason
    assert found.advice == ADVICE[state]
    assert checks(found)["session"] is found.ready


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (SessionState.AWAITING_LOGIN, Status.AWAITING_LOGIN),
        (SessionState.CONTENDED, Status.CONTENDED),
        (SessionState.LINK_LOST, Status.LINK_LOST),
        (SessionState.READ_ONLY, Status.READ_ONLY),
        (SessionState.RESTARTING, Status.RESTARTING),
        (SessionState.STEPPED_BACK, Status.CONTENDED),
        (SessionState.SYNCING, Status.STARTING),
        (SessionState.DOWN, Status.DOWN),
        (SessionState.CLIENT_ID_IN_USE, Status.DOWN),
        (SessionState.STOPPED, Status.DOWN),
    ],
)
def test_each_trouble_of_the_session_has_its_word(state: SessionState, status: Status) -> None:
    """A person can tell a login to approve from a gateway that is off."""
    assert report(state).status is status


def test_the_brokers_words_are_passed_on() -> None:
    """The detail of the session is the reason and stands in its check."""
    found = report(SessionState.DOWN, detail="connection refused")
    assert found.reason == "connection refused"
    assert "(connection refused)" in found.checks[0].reason


@pytest.mark.parametrize("state", SessionState)
def test_a_lost_store_is_the_worst(state: SessionState) -> None:
    """Without a durable write nothing may be traded, whatever else is the matter."""
    found = report(state, EVERYTHING, store_lost=True)
    assert found.status is Status.STORE_LOST
    assert checks(found)["store"] is False


def test_a_pause_of_everything_is_told_with_its_reason_and_its_end() -> None:
    """A person paused, and reads how to go on; trouble of the session comes first."""
    found = report(SessionState.READY, EVERYTHING)
    assert (found.status, found.reason) == (Status.PAUSED, "maintenance")
    assert "resume" in found.advice
    assert report(SessionState.DOWN, EVERYTHING).status is Status.DOWN


def test_the_only_account_held_means_halted() -> None:
    """With nothing left to trade a person is needed, and reads what to do."""
    found = report(SessionState.READY, ONE)
    assert (found.status, found.reason) == (Status.HALTED, "positions differ")
    assert "reconcile" in found.advice
    assert report(SessionState.READY, replace(ONE, held=False)).status is not Status.HALTED
    assert report(SessionState.DOWN, ONE).status is Status.DOWN


def test_one_of_several_accounts_held_is_listed() -> None:
    """The others trade on; the held one is named in the checks."""
    found = report(SessionState.READY, ONE, accounts=(ACCOUNT, AccountId("DU7654321")))
    assert found.status is Status.READY
    assert checks(found) == {"session": True, "store": True, "trading": False}
    assert f"{ACCOUNT}: positions differ" in found.checks[2].reason


def test_nothing_wrong_means_ready() -> None:
    """All checks are good and so is the whole."""
    found = report(SessionState.READY)
    assert found.status is Status.READY
    assert set(checks(found).values()) == {True}
