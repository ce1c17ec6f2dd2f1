"""When the gateway restarts by itself: daily, on the Sunday hour chosen, and when the tokens die."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway_simulator.clock import utc

NEW_YORK = ZoneInfo("America/New_York")
SUNDAY = 6
TOKENS_DIE = time(1, 0)
"""IBKR's auto-restart guide: security tokens end each Sunday at 01:00 New York time."""


class CalendarError(ValueError):
    """A time of day that cannot be read."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Times of day in the gateway's own zone; None: not set."""

    zone: ZoneInfo = NEW_YORK
    auto_restart: time | None = None
    cold_restart: time | None = None

    def next_auto_restart(self, now: float) -> float | None:
        return None if self.auto_restart is None else _next(self.auto_restart, self.zone, now)

    def next_cold_restart(self, now: float) -> float:
        """The hour chosen for Sundays; without one, when the tokens die."""
        if self.cold_restart is None:
            return next_token_death(now)
        return _next(self.cold_restart, self.zone, now, weekday=SUNDAY)


def next_token_death(now: float) -> float:
    """The next Sunday, 01:00 New York time."""
    return _next(TOKENS_DIE, NEW_YORK, now, weekday=SUNDAY)


def next_minute(now: float) -> float:
    """IBC's RESTART takes the next full minute, and the one after from second 58 on."""
    return ((now + 2) // 60 + 1) * 60


def read_time(text: str) -> time | None:
    """`11:59 PM` or `07:05`; None for nothing. Raises CalendarError."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?:\s*([AP])M)?", text.strip().strip('"').upper())
    if not text.strip():
        return None
    if found is None:
        raise CalendarError(f"{text!r} is no time of day; write 11:59 PM or 07:05")
    hour, minute = int(found[1]), int(found[2])
    if found[3]:
        hour = hour % 12 + 12 * (found[3] == "P") if 1 <= hour <= 12 else 24
    if hour > 23 or minute > 59:
        raise CalendarError(f"{text!r} is no time of day; write 11:59 PM or 07:05")
    return time(hour, minute)


def _next(at: time, zone: ZoneInfo, now: float, weekday: int | None = None) -> float:
    """The first such moment after `now`."""
    today = utc(now).astimezone(zone).date()
    for days in range(9):
        day = today + timedelta(days=days)
        due = datetime.combine(day, at, zone).timestamp()
        if due > now and weekday in (None, day.weekday()):
            return due
    raise CalendarError(f"no {at} within nine days")
