"""The observer that tells people. `observe` words and sorts, which takes microseconds; delivery is elsewhere.

It runs in tasks of its own, beside those that trade: nothing that goes wrong here can end them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import structlog

from event_processor.adapters.notifiers.courier import Courier, Receiver
from event_processor.adapters.notifiers.message import Count, Message
from event_processor.adapters.notifiers.quiet import QuietHours
from event_processor.adapters.notifiers.reader import Reader
from event_processor.adapters.notifiers.sieve import Sieve
from event_processor.adapters.notifiers.words import Words
from event_processor.domain.facts import Fact
from event_processor.domain.topics import Topic
from event_processor.ports import Clock

STOP_SECONDS = 3.0

_log = structlog.get_logger(__name__)


class Notifier:
    """Tells each receiver what the chosen topics bring. Starts by itself with the first fact it hears."""

    def __init__(
        self,
        receivers: Sequence[Receiver],
        words: Words,
        clock: Clock,
        count: Count,
        *,
        topics: Collection[Topic] = frozenset(Topic),
        quiet: QuietHours | None = None,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._clock, self._topics, self._stop_seconds = clock, frozenset(topics), stop_seconds
        self._reader = Reader(words)
        self._sieve = Sieve(clock, quiet, count)
        self._couriers = [Courier(receiver, count) for receiver in receivers]
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self._closed = False

    def observe(self, fact: Fact) -> None:
        """Take what is worth telling of `fact`; returns at once. After `close` nothing is told any more."""
        if self._closed:
            return
        if not self._tasks:
            self._start()
        self._take(self._reader.read(fact, self._clock.monotonic()))
        self._news.set()

    async def close(self) -> None:
        """Deliver what is left, urgent first, for a few seconds at most; then let go of it."""
        self._closed = True
        if not self._tasks:
            return
        self._tasks[0].cancel()
        self._post(self._sieve.leave())
        for courier in self._couriers:
            courier.close()
        _, late = await asyncio.wait(self._tasks, timeout=self._stop_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        left = sum(courier.leave() for courier in self._couriers)
        if left:
            _log.warning("notifications.left", messages=left)

    def _start(self) -> None:
        work = [self._ripen(), *(courier.run() for courier in self._couriers)]
        self._tasks = [asyncio.create_task(each, name="notifications") for each in work]
        for task in self._tasks:
            task.add_done_callback(_tell_crash)

    async def _ripen(self) -> None:
        """Let out what waited for its time, until cancelled."""
        while True:
            self._news.clear()
            self._take(self._reader.due(self._clock.monotonic()))
            self._post(self._sieve.ripe())
            try:
                async with asyncio.timeout(self._wait_seconds()):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _wait_seconds(self) -> float | None:
        due = self._reader.next_due()
        waits = [] if due is None else [max(0.0, due - self._clock.monotonic())]
        ripe = self._sieve.wait_seconds()
        return min(waits if ripe is None else [*waits, ripe], default=None)

    def _take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.topic in self._topics:
                self._post(self._sieve.admit(message))

    def _post(self, messages: Sequence[Message]) -> None:
        for message in messages:
            for courier in self._couriers:
                courier.post(message)


def _tell_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        _log.error("notifications.crashed", exc_info=task.exception())
