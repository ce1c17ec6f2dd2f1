from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway_simulator.clock import ManualClock, Scheduler, SystemClock, iso


def test_actions_run_in_time_and_then_in_order() -> None:
    """By due time, ties in the order of entry, each with the clock at its time."""
    clock = ManualClock(100)
    scheduler = Scheduler(clock)
    seen: list[tuple[str, float]] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: seen.append((name, clock.now()))

    for name, due in (("late", 103), ("b", 102), ("c", 102), ("a", 101)):
        scheduler.at(due, note(name))
    assert scheduler.next_due() == 101
    assert scheduler.advance(102.5) == 3
    assert seen == [("a", 101), ("b", 102), ("c", 102)]
    assert clock.now() == 102.5
    assert scheduler.next_due() == 103


def test_an_action_can_plan_another() -> None:
    """What an action plans within the span still runs in it."""
    clock = ManualClock(0)
    scheduler = Scheduler(clock)
    seen: list[float] = []
    scheduler.after(1, lambda: scheduler.after(1, lambda: seen.append(clock.now())))
    scheduler.advance(5)
    assert seen == [2]


def test_the_alarm_is_moved_only_for_an_earlier_entry() -> None:
    """The driver hears of a new first entry, not of later ones."""
    scheduler = Scheduler(ManualClock(0))
    calls: list[float | None] = []
    scheduler.on_earlier = lambda: calls.append(scheduler.next_due())
    for due in (5, 7, 3):
        scheduler.at(due, lambda: None)
    assert calls == [5, 3]


def test_time_does_not_go_back() -> None:
    """A manual clock refuses to; a system clock cannot be moved at all."""
    with pytest.raises(ValueError, match="cannot go back"):
        ManualClock(10).set(9)
    with pytest.raises(TypeError, match="manual clock"):
        Scheduler(SystemClock()).advance(1)


def test_a_system_clock_runs_what_is_due() -> None:
    """Only what is due by now."""
    clock = SystemClock()
    scheduler = Scheduler(clock)
    seen: list[int] = []
    scheduler.at(clock.now() - 1, lambda: seen.append(1))
    scheduler.at(clock.now() + 100, lambda: seen.append(2))
    assert scheduler.run_due() == 1
    assert seen == [1]


def test_times_are_written_in_utc() -> None:
    """Milliseconds and a Z."""
    assert iso(1795194000.1234) == "2026-11-20T17:00:00.123Z"
