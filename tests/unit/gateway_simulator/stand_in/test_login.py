from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway_simulator.session import Door
from gateway_simulator.stand_in.words import State
from tests.support.stand_in import Bench

Make = Callable[..., Bench]

FIRST_LOGIN = [
    "Finding autorestart file",
    "autorestart file not found: full authentication will be required",
    "Starting Gateway with TradingMode paper",
    "detected frame entitled: IBKR Gateway; event=Opened",
    "Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT",
    "Setting Trading mode = paper",
    "Setting user name",
    "Setting password",
    "Login attempt: 1",
    "Click button: Paper Log In",
    "detected dialog entitled: Authenticating...; event=Opened",
    "detected dialog entitled: Authenticating...; event=Closed",
    "detected dialog entitled: Second Factor Authentication; event=Opened",
    "Second Factor Authentication initiated",
    "detected dialog entitled: Second Factor Authentication; event=Closed",
    "detected dialog entitled: Authenticating...; event=Opened",
    "Duration since login: 21 seconds",
    "If login has not completed, IBC will exit in 60 seconds",
    "detected dialog entitled: Authenticating...; event=Closed",
    "detected frame entitled: IBKR Gateway; event=Opened",
    "Login has completed",
    "Configuration tasks completed",
    "Read-Only API checkbox is now set to: false",
]


def test_the_log_of_a_login_is_that_of_the_real_automator(bench: Make) -> None:
    """Line by line, with the prefix that a watcher of the real image looks for."""
    stage = bench().start().until(State.SECOND_FACTOR).wait(20)
    stage.do("approve")
    stage.until(State.READY)
    assert stage.said == FIRST_LOGIN
    assert stage.lines[8] == "2026-01-06 10:00:01:000 IBC: Login attempt: 1"


def test_the_api_is_there_only_while_logged_in(bench: Make) -> None:
    """Its port is shut before the login and after a log-out, open in between."""
    stage = bench(restart_seconds=1).start().until(State.SECOND_FACTOR)
    assert stage.sim.session.door is Door.SHUT
    stage.do("approve")
    assert stage.until(State.READY).sim.session.door is Door.OPEN
    stage.do("sunday")
    assert stage.sim.session.door is Door.SHUT


def test_a_missed_second_factor_is_asked_for_again(bench: Make) -> None:
    """Missed twice and then approved: three prompts, each five seconds after the last ended."""
    stage = bench().start()
    for attempt in (1, 2):
        stage.until(State.SECOND_FACTOR).wait(180)
        assert stage.state is State.MISSED
        assert stage.said[-1] == "Re-login after second factor authentication timeout in 5 second"
        stage.wait(4.9)
        assert stage.heard("Login attempt:") == attempt
    stage.until(State.SECOND_FACTOR)
    stage.do("approve")
    stage.until(State.READY)
    assert (stage.heard("Second Factor Authentication initiated"), stage.heard("Login attempt: 3")) == (3, 1)


def test_without_relogin_a_missed_second_factor_needs_a_person(bench: Make) -> None:
    """The gateway stays where it is for ever, until somebody logs in at the window."""
    stage = bench(relogin=False).start().until(State.STUCK)
    assert stage.said[-1] == "Re-login after second factor authentication timeout not required"
    stage.wait(86_400)
    assert stage.state is State.STUCK
    stage.do("log_in", user="practice", password="practice")
    stage.until(State.SECOND_FACTOR)
    stage.do("approve")
    stage.until(State.READY)
    assert stage.heard("If login has not completed") == 0


@pytest.mark.parametrize(("restarts", "attempts"), [(True, 2), (False, 1)])
def test_an_approved_login_that_stalls_ends_with_87(bench: Make, *, restarts: bool, attempts: int) -> None:
    """TWOFA_TIMEOUT_ACTION decides between another run and the end of the container."""
    stage = bench(restart_after_lost_login=restarts).start().until(State.SECOND_FACTOR)
    stage.do("stall")
    stage.do("approve")
    stage.wait(70)
    assert stage.heard("IBC closing because login has not completed after Second Factor Authentication") == 1
    assert stage.heard("IBC returned exit status 87") == 1
    assert stage.heard("Login attempt: 1") == attempts
    assert stage.cycle.ended == (None if restarts else 87)


def test_a_wrong_password_restarts_until_the_broker_locks_the_name(bench: Make) -> None:
    """Five failures, each with a cold restart, then the broker's wait and three seconds, then again."""
    stage = bench(password="wrong").start().until(State.LOCKED)
    assert stage.heard("Login failed") == stage.heard("IBC will cold-restart shortly") == 5
    stage.wait(1)
    locked, again = stage.said[-2:]
    assert locked.startswith("Too many failed login attempts. Please wait ")
    assert again == "Will re-login at 2026-01-06 15:01:27; login number: 2"
    stage.until(State.FAILED, 60)
    assert len(stage.sim.ledger.of("login_failed")) == 6


def test_a_dismissed_lock_leads_back_to_the_form(bench: Make) -> None:
    """A person may click OK and type again."""
    stage = bench(password="wrong").start().until(State.LOCKED)
    stage.do("choose", button="dismiss")
    assert stage.state is State.FORM


def test_without_credentials_a_person_types_them(bench: Make) -> None:
    """The form waits as long as it takes, and the automator counts no attempt."""
    stage = bench(user="", password="").start().wait(3_600)
    assert stage.state is State.FORM
    stage.do("log_in", user="practice", password="practice")
    stage.until(State.SECOND_FACTOR)
    stage.do("approve")
    stage.until(State.READY)
    assert stage.heard("Login attempt") == 0


def test_no_second_factor_when_the_account_has_none(bench: Make) -> None:
    """SIMULATOR_TWOFA_SECONDS=0: straight in."""
    stage = bench(phone=False).start().until(State.READY)
    assert stage.heard("Second Factor Authentication") == 0


def test_what_means_nothing_is_refused(bench: Make) -> None:
    """An approval without a prompt is an error in words, and changes nothing."""
    stage = bench().start()
    with pytest.raises(Exception, match="approve means nothing while the login is form"):
        stage.do("approve")
    assert stage.state is State.FORM
