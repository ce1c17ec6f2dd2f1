"""Time: a clock that can be replaced, and the one queue of things that will happen later.

The engine never sleeps and never asks the operating system for the time. It asks a `Clock`, and
puts what is due later into a `Scheduler`; the server drives that from asyncio, a test by hand.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

Action = Callable[[], None]

EVENTS_PER_ADVANCE_MAX = 1_000_000


class Clock(Protocol):
    """Seconds since the epoch, UTC."""

    def now(self) -> float: ...


class SystemClock:
    """The time of day of this machine."""

    def now(self) -> float:
        return time.time()


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def set(self, now: float) -> None:
        """Move to `now`; moving back raises ValueError."""
        if now < self._now:
            raise ValueError(f"a clock cannot go back from {self._now} to {now}")
        self._now = now


class Scheduler:
    """Actions by due time; ties run in the order in which they were entered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()
        self.on_earlier: Action | None = None
        """Called when an entry becomes the new first one, so that a driver can move its alarm."""

    def now(self) -> float:
        return self._clock.now()

    def at(self, due: float, action: Action) -> None:
        """Run `action` at `due`, seconds since the epoch."""
        first = self.next_due()
        heapq.heappush(self._queue, (due, next(self._numbers), action))
        if self.on_earlier is not None and (first is None or due < first):
            self.on_earlier()

    def after(self, delay_seconds: float, action: Action) -> None:
        self.at(self.now() + delay_seconds, action)

    def next_due(self) -> float | None:
        return self._queue[0][0] if self._queue else None

    def run_due(self) -> int:
        """Run everything due on a clock that moves by itself; returns how many actions ran."""
        ran = 0
        while self._queue and self._queue[0][0] <= self.now() and ran < EVENTS_PER_ADVANCE_MAX:
            heapq.heappop(self._queue)[2]()
            ran += 1
        return ran

    def advance(self, to: float) -> int:
        """Move a manual clock to `to`, stopping at each due time on the way; returns how many actions ran.

        Raises TypeError on a clock that cannot be moved, RuntimeError when actions keep breeding actions.
        """
        if not isinstance(self._clock, ManualClock):
            raise TypeError("only a manual clock can be advanced")
        ran = 0
        while self._queue and self._queue[0][0] <= to:
            due, _, action = heapq.heappop(self._queue)
            self._clock.set(max(due, self._clock.now()))
            action()
            ran += 1
            if ran > EVENTS_PER_ADVANCE_MAX:
                raise RuntimeError(f"more than {EVENTS_PER_ADVANCE_MAX} actions before {to}")
        self._clock.set(max(to, self._clock.now()))
        return ran


def utc(seconds: float) -> datetime:
    """The aware UTC datetime of seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


def iso(seconds: float) -> str:
    """`2026-11-21T08:12:27.123Z`."""
    return utc(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
