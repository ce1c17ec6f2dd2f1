"""Works the open events of one account, one at a time, and answers every error by its disposition."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from event_processor.application import telling
from event_processor.application.bell import Bell
from event_processor.application.desk import Desk
from event_processor.application.rebalance import Rebalance, close, hold
from event_processor.domain.agenda import agenda
from event_processor.domain.closing import Conclusion
from event_processor.domain.facts import EventClaimed, ProcessorHalted
from event_processor.domain.ids import AccountId, EventKey
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote, Stage
from event_processor.errors import (
    BrokerUnavailable,
    Disposition,
    InvariantViolated,
    MarketClosed,
    PlanStale,
    ProcessorError,
    TradingPaused,
)
from event_processor.ports import Lease

_POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an event cannot go on now, and until when that is known to last."""

    code: str
    reason: str
    until: datetime | None = None


class AccountProcessor:
    """One account's worker. `waits` shows what each open event waits for."""

    def __init__(self, desk: Desk, account: AccountId, on_closed: Callable[[EventKey], None]) -> None:
        self._desk, self._account, self._on_closed = desk, account, on_closed
        self._bell = Bell()
        self._claimed: set[EventKey] = set()
        self._retry_at: dict[EventKey, datetime] = {}
        self._deferred: dict[EventKey, datetime | None] = {}
        self.waits: dict[EventKey, Wait] = {}
        self.idle = False
        self._halted = False

    def ring(self) -> None:
        """There is something new for this account."""
        self.idle = False
        self._bell.ring()

    async def run(self) -> None:
        """Until cancelled. Sleeps while the account has nothing open."""
        with self._desk.bell.link(self._bell):
            while True:
                seconds = _POLL_SECONDS
                try:
                    seconds = await self._turn()
                except ProcessorError as error:
                    await self._failed_alone(error)
                except Exception as bug:  # noqa: BLE001 - a bug stops this account, not the others, nor health and CLI
                    await self._halt(InvariantViolated(f"unexpected error: {bug!r}"), bug)
                await self._bell.heard(seconds)

    async def _turn(self) -> float:
        """Take the first event that can go one attempt further; how long to wait before looking again."""
        records = await self._desk.journal.open_records(self._account)
        self._forget_others(records)
        self.idle = not records
        if not records:
            return 30.0
        lease = await self._desk.leases.hold(self._account)
        if lease is None:
            return _POLL_SECONDS
        records = await self._desk.journal.open_records(self._account)
        todo = agenda(records, self._desk.clock.now())
        for old, newer in todo.superseded:
            reason = f"superseded by event {newer.event.id} ({newer.event.source})"
            await self._end(lease, old, Conclusion(Outcome.SUPERSEDED, "superseded", reason))
        for record in todo.order:
            if await self._advance(lease, record):
                return 0.0
        return self._until_next()

    async def _advance(self, lease: Lease, record: EventRecord) -> bool:
        """True when something was done and the account should be looked at afresh."""
        now = self._desk.clock.now()
        if now >= record.expires_at and not record.touched:
            reason = f"expired at {record.expires_at.isoformat()} before any order was placed"
            if record.key in self.waits:
                reason += f"; it was waiting: {self.waits[record.key].reason}"
            await self._end(lease, record, Conclusion(Outcome.EXPIRED, "expired", reason))
            return True
        wait = self._gate(record, now)
        if wait:
            self._waits(record, wait)
            return False
        self._claim(record)
        try:
            self._ended(await Rebalance(self._desk, lease, record).run())
        except ProcessorError as error:
            await self._failed(error, lease, record)
        return True

    def _claim(self, record: EventRecord) -> None:
        self.waits.pop(record.key, None)
        if record.key in self._claimed:
            return
        self._claimed.add(record.key)
        self._desk.observer.observe(
            EventClaimed(
                key=record.key,
                event_id=record.event.id,
                account=record.account,
                entry_id=record.entry_id,
                resumed=record.touched,
            )
        )

    def _gate(self, record: EventRecord, now: datetime) -> Wait | None:
        """What an event must wait for before an attempt costs anything."""
        data, session = record.event.data, self._desk.session
        if data.not_before and now < data.not_before:
            return Wait("not_before", "the event asks to start later", data.not_before)
        pause = self._desk.pauses.on(self._account)
        self._halted = self._halted and pause is not None
        if pause and (self._halted or not (record.touched or data.dry_run)):
            held = f"; settle it with `rebalancer reconcile --account {self._account}`" if pause.held else ""
            return Wait("held" if pause.held else "paused", f"{pause.reason}{held}")
        if not session.ready:
            return Wait(f"session_{session.state}", session.advice)
        retry_at = self._retry_at.get(record.key)
        if retry_at and now < retry_at:
            return self.waits.get(record.key) or Wait("retry", "trying again shortly", retry_at)
        return None

    def _waits(self, record: EventRecord, wait: Wait) -> None:
        if self.waits.get(record.key) == wait:
            return
        self.waits[record.key] = wait
        telling.waiting(self._desk, record, wait.code, wait.reason, wait.until)

    def _until_next(self) -> float:
        now = self._desk.clock.now()
        times = [wait.until for wait in self.waits.values() if wait.until]
        times += list(self._retry_at.values())
        return min([_POLL_SECONDS, *(max(0.0, (at - now).total_seconds()) for at in times if at > now)])

    # -- endings -------------------------------------------------------------------------------------------

    async def _failed(self, error: ProcessorError, lease: Lease, record: EventRecord) -> None:
        """The one match on disposition."""
        match error.disposition:
            case Disposition.WAIT:
                await self._wait_after(error, lease, record)
            case Disposition.FAIL | Disposition.REJECT | Disposition.REVIEW:
                proven = error.disposition is not Disposition.REVIEW and not record.touched
                outcome = Outcome.FAILED if proven else Outcome.NEEDS_REVIEW
                await self._end(lease, record, Conclusion(outcome, error.reason_code, str(error)))
            case _:
                await self._failed_alone(error)

    async def _failed_alone(self, error: ProcessorError) -> None:
        """An error outside any attempt, or while answering one."""
        match error.disposition:
            case Disposition.WAIT:
                return
            case Disposition.YIELD:
                self._desk.leases.lost(self._account)
            case _:
                await self._halt(error)

    async def _wait_after(self, error: ProcessorError, lease: Lease, record: EventRecord) -> None:
        now = self._desk.clock.now()
        until = error.until if isinstance(error, MarketClosed) else None
        soon = isinstance(error, BrokerUnavailable | TradingPaused | PlanStale)  # the gate knows when it is over
        self._retry_at[record.key] = until or now + timedelta(seconds=0.5 if soon else self._desk.settings.retry)
        self._waits(record, Wait(error.reason_code, str(error), until))
        if isinstance(error, MarketClosed) and self._deferred.get(record.key, now) != until:
            self._deferred[record.key] = until
            mark = until.isoformat() if until else "unknown"
            data = {"reason_code": error.reason_code, "reason": str(error), "until": mark}
            await self._desk.journal.write(lease, record, [OutcomeNote(Outcome.DEFERRED, mark, now, data)])

    async def _halt(self, error: ProcessorError, cause: Exception | None = None) -> None:
        """A bug or a store that went back: nothing more is traded in this account until a person has looked."""
        self._halted = True
        trace = "".join(traceback.format_exception(cause or error))
        self._desk.observer.observe(ProcessorHalted(reason=str(error), account=self._account, trace=trace))
        await hold(self._desk, self._account, f"{error.reason_code}: {error}")

    async def _end(self, lease: Lease, record: EventRecord, conclusion: Conclusion) -> None:
        self._ended(await close(self._desk, lease, record, conclusion))

    def _ended(self, record: EventRecord) -> None:
        if record.stage is not Stage.CLOSED:
            raise InvariantViolated(f"event {record.key} ended in stage {record.stage}")
        self._forget(record.key)
        self._on_closed(record.key)

    def _forget(self, key: EventKey) -> None:
        self._claimed.discard(key)
        self.waits.pop(key, None)
        self._retry_at.pop(key, None)
        self._deferred.pop(key, None)

    def _forget_others(self, records: Sequence[EventRecord]) -> None:
        """Keep notes only of what is open (another processor may have closed the rest)."""
        open_keys = {record.key for record in records}
        for key in {*self._claimed, *self.waits, *self._retry_at} - open_keys:
            self._forget(key)
