"""The start-up gate: hold the event processor back until the gateway has had the time to log in, and answers.

It opens in any case. A login that takes long, because the phone is in another room, must not fail a start; the
processor waits for it by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from healthcheck import clock
from healthcheck.probes import Finding
from healthcheck.report import Report
from healthcheck.verdict import judge_gateway, judge_start

PROBE_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds since the gate's own start: not open before `start`, not shut after `patience`."""

    start: float
    patience: float


def wait_for_gateway(
    look: Callable[[], Finding],
    tell: Callable[[Report], object],
    limits: Limits,
    *,
    now: Callable[[], float] = clock.now,
    wait: Callable[[float], None] = clock.wait,
) -> Report:
    """The report with which the gate opened: ready, or why it stopped to wait. Each change is told, the first and the
    last report too.
    """
    began = now()
    told: Report | None = None
    while True:
        looked = now()
        passed = looked - began
        report = judge_start(judge_gateway(look()), passed, limits.start)
        if not report.ready and passed >= limits.patience:
            report = _given_up(report, limits.patience)
            tell(report)
            return report
        if told is None or (report.status, report.reason) != (told.status, told.reason):
            tell(report)
            told = report
        if report.ready:
            return report
        wait(max(0.0, looked + PROBE_EVERY_SECONDS - now()))


def _given_up(report: Report, patience: float) -> Report:
    reason = f"{report.reason} After {patience:g} s the event processor starts anyway and waits by itself."
    return replace(report, reason=reason)
