"""What happened to each event, in order, for people: buffered here, written to the store in the background.

Trading never waits for it. When the store is away the newest facts are kept up to a limit, the oldest
dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter

from event_processor.adapters.observers.plain import fields_of
from event_processor.domain.facts import EventFact, Fact
from event_processor.domain.ids import EventKey
from event_processor.errors import StoreUnavailable
from event_processor.ports import Clock

KEPT_MAX = 2_000
BATCH_MAX = 100
RETRY_SECONDS = 1.0

Line = tuple[EventKey, Mapping[str, Any]]


class TimelineStore(Protocol):
    """Where the lines go."""

    async def append_timeline(self, key: EventKey, items: Sequence[Mapping[str, Any]]) -> None:
        """Add the items to the event's timeline, in order. Raises StoreUnavailable."""


class Timeline:
    """Keeps the facts of events until `run` has written them; a line is `at`, `name`, `level` and the fields."""

    def __init__(
        self, store: TimelineStore, clock: Clock, registry: CollectorRegistry, *, kept_max: int = KEPT_MAX
    ) -> None:
        self._store = store
        self._clock = clock
        self._kept_max = kept_max
        self._lines: deque[Line] = deque()
        self._news = asyncio.Event()
        self._dropped = Counter(
            "rebalancer_timeline_dropped", "Facts the timeline lost for want of a store.", registry=registry
        )

    def observe(self, fact: Fact) -> None:
        """Keep the facts that belong to an event."""
        if isinstance(fact, EventFact):
            line = {"at": self._clock.now().isoformat(), "name": fact.name, "level": fact.level}
            self._lines.append((fact.key, line | fields_of(fact)))
            self._trim()
            self._news.set()

    async def run(self) -> None:
        """Write what comes, until cancelled; a store that is away is tried again each second."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self.flush()
            except StoreUnavailable:
                await asyncio.sleep(RETRY_SECONDS)
                self._news.set()

    async def flush(self) -> None:
        """Write everything kept. Raises StoreUnavailable; what was not written stays kept."""
        while self._lines:
            batch = self._next_batch()
            try:
                await self._store.append_timeline(batch[0][0], [item for _, item in batch])
            except BaseException:
                self._lines.extendleft(reversed(batch))
                self._trim()
                raise

    def _next_batch(self) -> list[Line]:
        """The oldest lines in a row that belong to one event."""
        batch = [self._lines.popleft()]
        while self._lines and self._lines[0][0] == batch[0][0] and len(batch) < BATCH_MAX:
            batch.append(self._lines.popleft())
        return batch

    def _trim(self) -> None:
        while len(self._lines) > self._kept_max:
            self._lines.popleft()
            self._dropped.inc()
