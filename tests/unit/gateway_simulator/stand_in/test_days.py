"""The daily restart, the Sunday, the command server, and how a run may end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from gateway_simulator.clock import ManualClock
from gateway_simulator.stand_in.calendar import (
    Calendar,
    CalendarError,
    next_minute,
    next_token_death,
    read_time,
)
from gateway_simulator.stand_in.commands import reply
from gateway_simulator.stand_in.words import State
from tests.support.stand_in import NEW_YORK, TUESDAY, Bench

Make = Callable[..., Bench]

NIGHTLY = Calendar(NEW_YORK, auto_restart=time(23, 59))


def at(text: str, zone: str = "America/New_York") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_the_daily_restart_needs_no_phone(bench: Make) -> None:
    """At 23:59 New York time, with a token written and used up; five nights in a row."""
    stage = bench(calendar=NIGHTLY).started_and_approved()
    for night in range(1, 4):
        stage.sim.advance(at(f"2026-01-0{night + 5}T23:59:00"))
        assert stage.state is State.CLOSING
        stage.until(State.READY)
    assert stage.heard("autorestart file found at ") == stage.heard("AUTORESTART_OPTION is -Drestart=") == 3
    assert stage.heard("Second Factor Authentication initiated") == 1
    assert stage.heard("Login has completed") == 4
    assert not (stage.folder / "practice" / "autorestart").exists()


def test_on_sunday_the_phone_is_needed(bench: Make) -> None:
    """At 01:00 New York time, when no other hour was chosen."""
    stage = bench(calendar=NIGHTLY).started_and_approved()
    stage.sim.advance(at("2026-01-11T00:59:59"))
    assert stage.state is State.READY
    stage.until(State.SECOND_FACTOR, 60)
    assert datetime.fromtimestamp(stage.clock.now(), NEW_YORK).strftime("%a %H:%M") == "Sun 01:00"
    assert stage.heard("IBC will cold-restart shortly") == 1


def test_the_sunday_hour_can_be_chosen(bench: Make) -> None:
    """TWS_COLD_RESTART=07:05 in the gateway's own zone: nothing at 01:00, the phone at five past seven."""
    zone = ZoneInfo("Europe/Berlin")
    stage = bench(calendar=Calendar(zone, cold_restart=time(7, 5))).started_and_approved()
    stage.sim.advance(at("2026-01-11T07:04:59", "Europe/Berlin"))
    assert stage.state is State.READY
    stage.until(State.SECOND_FACTOR, 60)


def test_a_token_dies_on_sunday(bench: Make) -> None:
    """Paused on Saturday and started on Monday: the file is there, the broker takes it no more."""
    stage = bench().started_and_approved()
    stage.sim.advance(at("2026-01-10T12:00:00"))
    stage.do("restart")
    stage.sim.advance(stage.clock.now() + 1)
    assert isinstance(stage.clock, ManualClock)
    stage.clock.set(at("2026-01-12T12:00:00"))
    stage.until(State.SECOND_FACTOR)
    assert stage.heard("autorestart file found at ") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("11:59 PM", time(23, 59)), ("12:05 AM", time(0, 5)), ("07:05", time(7, 5)), ('"08:00 pm"', time(20, 0))],
)
def test_times_of_day_as_people_write_them(text: str, expected: time) -> None:
    """Twelve and twenty-four hours, with quotes left over from an env file."""
    assert read_time(text) == expected
    assert read_time(" ") is None


@pytest.mark.parametrize("text", ["25:00", "noon", "13:00 PM", "10:60"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    """In words, with an example."""
    with pytest.raises(CalendarError, match="write 11:59 PM or 07:05"):
        read_time(text)


def test_sunday_in_winter_and_summer() -> None:
    """01:00 New York time is 06:00 or 05:00 UTC."""
    assert next_token_death(TUESDAY) == at("2026-01-11T06:00:00", "UTC")
    assert next_token_death(at("2026-07-01T00:00:00")) == at("2026-07-05T05:00:00", "UTC")


def test_the_next_minute_leaves_time_for_the_setting() -> None:
    """From second 58 on, IBC takes the minute after."""
    assert [next_minute(second) for second in (0, 57, 58, 61)] == [60, 60, 120, 120]


def test_stop_logs_out_in_good_order(bench: Make) -> None:
    """OK, the File menu, the dialog, exit status 0; the next start finds nothing untidy."""
    stage = bench().started_and_approved()
    assert reply("stop\r", stage.cycle).lines == ("OK Shutting down: STOP command",)
    assert stage.until_the_end() == 0
    assert stage.said[-7:] == [
        "Login has completed: exiting via [File, Close] menu",
        "detected dialog entitled: Shutdown progress; event=Opened",
        "detected dialog entitled: Shutdown progress; event=Closed",
        "IBC returned exit status 0",
        "Finding autorestart file",
        "autorestart file not found: full authentication will be required",
        "Gateway finished",
    ]
    assert len(stage.sim.ledger.of("logged_out")) == 1
    assert stage.again().sim.ledger.of("untidy_end") == []


@pytest.mark.parametrize("state", [State.FORM, State.SECOND_FACTOR, State.MISSED, State.ADMITTED])
def test_stop_before_the_login_ends_at_once(bench: Make, state: State) -> None:
    """Nothing is there to log out of."""
    stage = bench().start()
    if state is State.ADMITTED:
        stage.until(State.SECOND_FACTOR).do("approve")
    stage.until(state)
    assert reply("STOP", stage.cycle).lines == ("OK Shutting down: STOP command",)
    assert stage.cycle.ended == 0
    assert stage.heard("Login has not completed: exiting immediately") == 1


def test_a_second_stop_is_refused(bench: Make) -> None:
    """As long as the first is at work."""
    stage = bench().started_and_approved()
    reply("STOP", stage.cycle)
    assert reply("STOP", stage.cycle).lines == ("ERROR STOP already in progress",)


def test_restart_keeps_the_approval(bench: Make) -> None:
    """At the next full minute, without the phone."""
    stage = bench().started_and_approved()
    answer = reply("RESTART", stage.cycle)
    assert answer.lines == ("OK RESTART in progress", "OK RESTART at 10:01 AM")
    assert stage.heard("Setting auto-restart time to 10:01 AM") == 1
    stage.until(State.CLOSING).until(State.READY)
    assert stage.heard("Second Factor Authentication initiated") == 1


def test_pause_ends_the_container_and_the_next_one_resumes(bench: Make) -> None:
    """The token stays in the settings folder, for an upgrade without the phone."""
    stage = bench(restart_seconds=5.0).started_and_approved()
    assert reply("PAUSE", stage.cycle).lines == ("OK PAUSE in progress", "OK PAUSE at 10:00 AM")
    assert stage.until_the_end() == 0
    assert stage.heard("IBC is paused") == 1
    stage = stage.again().start().until(State.READY)
    assert stage.heard("Second Factor Authentication initiated") == 0


@pytest.mark.parametrize("verb", ["RESTART", "PAUSE"])
def test_there_is_nothing_to_restart_before_the_login(bench: Make, verb: str) -> None:
    """Refused in words."""
    stage = bench().start()
    assert reply(verb, stage.cycle).lines == (f"ERROR {verb} is not possible before the login has completed",)


@pytest.mark.parametrize(
    ("command", "lines", "closes"),
    [
        ("RECONNECTDATA", ("OK ",), False),
        ("reconnectaccount", ("OK ",), False),
        ("ENABLEAPI", ("ERROR ENABLEAPI is not valid for the IB Gateway",), False),
        ("DANCE", ("ERROR Command invalid",), False),
        ("EXIT", ("OK Goodbye",), True),
    ],
)
def test_the_other_commands(bench: Make, command: str, lines: tuple[str, ...], *, closes: bool) -> None:
    """As the real command server answers them."""
    answer = reply(command, bench().start().cycle)
    assert (answer.lines, answer.closes) == (lines, closes)


def test_an_untidy_end_is_noticed(bench: Make) -> None:
    """A container that was killed while logged in: the ledger says so at the next start."""
    stage = bench().started_and_approved().again()
    assert len(stage.sim.ledger.of("untidy_end")) == 1
    assert stage.started_and_approved().heard("detected dialog entitled: Existing session detected") == 0


def test_an_untidy_end_can_strand_the_session(bench: Make) -> None:
    """With SIMULATOR_STRANDED_SECONDS the broker keeps the old session for that long."""
    stage = bench(existing_action="primary", stranded_seconds=3_600.0).started_and_approved().again()
    stage.start().until(State.SECOND_FACTOR)
    stage.do("approve")
    stage.until(State.EXISTING).until(State.READY)
    assert stage.heard("Don't know the type of the other session, so continue this one (scenario 3)") == 1
