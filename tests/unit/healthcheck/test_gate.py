from __future__ import annotations

import pytest

from healthcheck.gate import Limits, wait_for_gateway
from healthcheck.probes import Finding, Found
from healthcheck.report import Report

LIMITS = Limits(start=60, patience=300)


class Morning:
    """A gateway whose behaviour changes at given seconds, and a clock that moves only by probing and waiting."""

    def __init__(self, changes: dict[float, Found], probe_seconds: float = 0.0) -> None:
        self.seconds = 1000.0
        self.looks: list[float] = []
        self.told: list[Report] = []
        self._changes = changes
        self._probe_seconds = probe_seconds

    def look(self) -> Finding:
        passed = self.seconds - 1000
        self.looks.append(passed)
        self.seconds += self._probe_seconds
        return Finding(self._changes[max(second for second in self._changes if second <= passed)], "seen")

    def now(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def pass_gate(self, limits: Limits = LIMITS) -> Report:
        return wait_for_gateway(self.look, self.told.append, limits, now=self.now, wait=self.wait)

    @property
    def statuses(self) -> list[str]:
        return [report.status.value for report in self.told]


def test_an_answer_before_the_start_time_does_not_open() -> None:
    """The handshake works from the first second, the gate opens after sixty."""
    morning = Morning({0: Found.ANSWERED})
    assert morning.pass_gate().ready
    assert morning.statuses == ["starting", "ready"]
    assert morning.looks[-1] == 60


def test_the_start_time_alone_does_not_open() -> None:
    """After it the handshake is still asked for, and each change is told once, with advice."""
    morning = Morning({0: Found.REFUSED, 50: Found.CLOSED, 70: Found.REFUSED, 80: Found.SILENT, 90: Found.ANSWERED})
    assert morning.pass_gate().ready
    assert morning.statuses == ["starting", "awaiting_login", "down", "awaiting_login", "ready"]
    assert all(bool(report.advice) is not report.ready for report in morning.told)
    assert morning.looks[-1] == 90


def test_a_login_that_takes_long_opens_the_gate_all_the_same() -> None:
    """After the patience it says so and keeps what is the matter and what to do."""
    morning = Morning({0: Found.CLOSED})
    report = morning.pass_gate()
    assert morning.statuses == ["starting", "awaiting_login", "awaiting_login"]
    assert report == morning.told[-1]
    assert report.reason.endswith("After 300 s the event processor starts anyway and waits by itself.")
    assert "IB Key" in report.advice
    assert morning.looks[-1] == 300


def test_a_gateway_that_answers_at_the_last_moment_has_answered() -> None:
    """Nobody is told then that the processor starts without it."""
    morning = Morning({0: Found.CLOSED, 300: Found.ANSWERED})
    report = morning.pass_gate()
    assert report.ready
    assert "anyway" not in report.reason


def test_another_reason_is_told_though_the_word_for_it_is_the_same() -> None:
    """Whoever follows the log reads what has changed."""
    morning = Morning({0: Found.REFUSED, 70: Found.CLOSED, 80: Found.SILENT, 90: Found.ANSWERED})
    morning.pass_gate()
    assert morning.statuses == ["starting", "down", "awaiting_login", "awaiting_login", "ready"]


def test_patience_shorter_than_the_start_time_wins() -> None:
    """Nobody waits longer than they said."""
    morning = Morning({0: Found.ANSWERED})
    assert morning.pass_gate(Limits(start=60, patience=5)).status == "starting"
    assert morning.looks[-1] == 5


@pytest.mark.parametrize("probe_seconds", [0.0, 0.25])
def test_it_looks_once_a_second(probe_seconds: float) -> None:
    """However long a probe takes within its limit."""
    morning = Morning({0: Found.SILENT}, probe_seconds)
    morning.pass_gate(Limits(start=2, patience=4))
    assert morning.looks == [0, 1, 2, 3, 4]
