"""What each open event of an account waits for; told to people at once, and to producers when it lasts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from event_processor.application import telling
from event_processor.application.desk import Desk
from event_processor.application.run import write
from event_processor.domain.ids import EventKey
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote
from event_processor.errors import BrokerUnavailable, MarketClosed, PlanStale, ProcessorError, TradingPaused
from event_processor.ports import Lease

_DEFERRED_AFTER_SECONDS = 10.0
"""A wait with no known end is worth an outcome only when it lasts; a reconnect of a second is not."""
RESTART_SOON = "the gateway restarts: orders sent just before it would be lost, so new ones wait until it is back"
TAKING_OVER = "the processor has just started: what the one before it sent last may not show at the broker yet"
_GATED = (BrokerUnavailable, TradingPaused, PlanStale)
"""Errors whose end shows by itself (session, pause), so that the next try need not be put off."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an event cannot go on now, and until when that is known to last."""

    code: str
    reason: str
    until: datetime | None = None


class Waiting:
    """The waits of one account's events."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.waits: dict[EventKey, Wait] = {}
        self._since: dict[EventKey, float] = {}
        self._retry_at: dict[EventKey, datetime] = {}
        self._deferred: dict[EventKey, Wait] = {}

    def note(self, record: EventRecord, wait: Wait) -> None:
        """The event waits for this now."""
        if self.waits.get(record.key) == wait:
            return
        self.waits[record.key] = wait
        self._since.setdefault(record.key, self._desk.clock.monotonic())
        telling.waiting(self._desk, record, wait.code, wait.reason, wait.until)

    def after(self, record: EventRecord, error: ProcessorError) -> None:
        """An attempt ended in an error that passes by itself."""
        until = error.until if isinstance(error, MarketClosed) else None
        pause = 0.5 if isinstance(error, _GATED) else self._desk.settings.retry
        self._retry_at[record.key] = until or self._desk.clock.now() + timedelta(seconds=pause)
        self.note(record, Wait(error.reason_code, str(error), until))

    def still(self, key: EventKey, now: datetime) -> Wait | None:
        """What the last attempt said to wait for, while it is too early for another."""
        retry_at = self._retry_at.get(key)
        if retry_at is None or now >= retry_at:
            return None
        return self.waits.get(key) or Wait("retry", "trying again shortly", retry_at)

    def worth_telling(self, record: EventRecord) -> bool:
        """Whether the producer should now be told that the event waits."""
        wait = self.waits.get(record.key)
        if wait is None or record.touched or self._deferred.get(record.key) == wait:
            return False
        lasted = self._desk.clock.monotonic() - self._since[record.key]
        return wait.until is not None or lasted >= _DEFERRED_AFTER_SECONDS

    async def defer(self, lease: Lease, record: EventRecord) -> None:
        """Tell the producer, once for each reason: at once when the end is known, else when the wait lasts."""
        wait = self.waits.get(record.key)
        if wait is None or not self.worth_telling(record):
            return
        self._deferred[record.key] = wait
        until = wait.until.isoformat() if wait.until else None
        data = {"reason_code": wait.code, "reason": wait.reason, "until": until}
        mark = f"{wait.code}.r{record.revision}"
        now = self._desk.clock.now()
        await write(self._desk, lease, record, [OutcomeNote(Outcome.DEFERRED, mark, now, data)])

    def seconds_to_next(self, most: float) -> float:
        """Until something is known to change by itself."""
        now = self._desk.clock.now()
        times = [*(wait.until for wait in self.waits.values() if wait.until), *self._retry_at.values()]
        return min([most, *(max(0.0, (at - now).total_seconds()) for at in times if at > now)])

    def forget(self, key: EventKey) -> None:
        """The event is over."""
        for notes in (self.waits, self._since, self._retry_at, self._deferred):
            notes.pop(key, None)

    def keep_only(self, keys: Iterable[EventKey]) -> None:
        """Forget what is no longer open (another processor may have closed it)."""
        for key in {*self.waits, *self._retry_at} - set(keys):
            self.forget(key)
