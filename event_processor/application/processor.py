"""Works the open events of one account, one at a time, and answers every error by its disposition."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from event_processor.application.bell import Bell
from event_processor.application.desk import Desk
from event_processor.application.ending import close, hold
from event_processor.application.rebalance import Rebalance
from event_processor.application.recovery import check_forgotten, shown_from, suspected, taken_by_us
from event_processor.application.waiting import RESTART_SOON, TAKING_OVER, Wait, Waiting
from event_processor.domain.agenda import agenda, superseded_by
from event_processor.domain.closing import Conclusion
from event_processor.domain.facts import EventClaimed, ProcessorHalted
from event_processor.domain.ids import AccountId, EventKey
from event_processor.domain.record import EventRecord, Outcome, Stage
from event_processor.domain.whereabouts import Place
from event_processor.errors import AccountElsewhere, BrokerUnavailable, Disposition, InvariantViolated, ProcessorError
from event_processor.ports import Lease

_POLL_SECONDS = 2.0
_IDLE_SECONDS = 30.0


class AccountProcessor:
    """One account's worker. `waits` shows what each open event waits for."""

    def __init__(
        self, desk: Desk, account: AccountId, on_closed: Callable[[EventKey], None], behind: Callable[[], bool]
    ) -> None:
        """`behind` says whether newer events are still being read: then none is begun."""
        self._desk, self._account, self._on_closed, self._behind = desk, account, on_closed, behind
        self._bell = Bell()
        self._waiting = Waiting(desk)
        self._claimed: set[EventKey] = set()
        self._running: EventKey | None = None
        self._attempted: EventKey | None = None
        self._halted = False
        self.idle = False

    @property
    def waits(self) -> Mapping[EventKey, Wait]:
        return {key: wait for key, wait in self._waiting.waits.items() if key != self._running}

    def ring(self) -> None:
        """There is something new for this account."""
        self.idle = False
        self._bell.ring()

    async def run(self) -> None:
        """Until cancelled. With nothing open only a new event wakes it: what every report of the broker and every
        outcome ring would otherwise cost is one look at the store for each account there ever was."""
        while True:
            with self._desk.bell.link(self._bell):
                seconds = await self._guarded_turn()
                while not self.idle:
                    await self._bell.heard(seconds)
                    seconds = await self._guarded_turn()
            await self._bell.heard(seconds)

    async def _guarded_turn(self) -> float:
        """One turn, whatever it raises; how long to wait before the next."""
        try:
            return await self._turn()
        except ProcessorError as error:
            await self._failed_alone(error)
        except Exception as bug:  # noqa: BLE001 - a bug stops this account, not the others, nor health and CLI
            await self._halt(InvariantViolated(f"unexpected error: {bug!r}"), bug, self._attempted)
        return _POLL_SECONDS

    async def _turn(self) -> float:
        """Take the first event that can go one attempt further; how long to wait before looking again."""
        able = self._able()
        # What is read under the lease nobody else changes; read before it, it must be read again.
        lease = await self._desk.leases.hold(self._account) if able and not self.idle else None
        records = await self._desk.journal.open_records(self._account)
        self._waiting.keep_only(record.key for record in records)
        self._claimed.intersection_update(record.key for record in records)
        self.idle = not records
        if not records:
            return _IDLE_SECONDS
        place = self._desk.logins.of(self._account).place
        if place is Place.ELSEWHERE:
            self._waiting.keep_only(())  # whoever has it says what its events wait for
            await self._desk.leases.give_back(self._account)
            return _POLL_SECONDS
        if not able and not self._worth_a_lease(records):
            await self._desk.leases.give_back(self._account)
            return self._waiting.seconds_to_next(_POLL_SECONDS)
        if lease is None:
            lease = await self._desk.leases.hold(self._account, take_over=able)
            if lease is None:
                return _POLL_SECONDS
            records = await self._desk.journal.open_records(self._account)
        return await self._work(lease, records)

    async def _work(self, lease: Lease, records: Sequence[EventRecord]) -> float:
        """The open events, as they are under this lease; how long to wait before looking again."""
        todo = agenda(records, self._desk.clock.now())
        for old, newer in todo.superseded:
            if self._may_write_off(old) and not await self._written_off(lease, old, superseded_by(newer)):
                return _POLL_SECONDS
        if self._behind() and not any(record.touched for record in todo.order):
            return _POLL_SECONDS
        for record in todo.order:
            if await self._advance(lease, record):
                return 0.0
        return self._waiting.seconds_to_next(_POLL_SECONDS)

    def _worth_a_lease(self, records: Sequence[EventRecord]) -> bool:
        """Whether something can be closed or told without the account's session. Otherwise the account is left to
        whichever processor has it."""
        now = self._desk.clock.now()
        todo = agenda(records, now)
        for record in todo.order:
            wait = self._gate(record, now)
            if wait:
                self._waiting.note(record, wait)
        over = any(now >= r.expires_at and self._may_write_off(r) for r in todo.order)
        superseded = any(self._may_write_off(old) for old, _ in todo.superseded)
        return superseded or over or any(self._waiting.worth_telling(r) for r in todo.order)

    async def _advance(self, lease: Lease, record: EventRecord) -> bool:
        """True when something was done and the account should be looked at afresh."""
        now = self._desk.clock.now()
        if now >= record.expires_at and self._may_write_off(record):
            return await self._expired(lease, record)
        wait = self._gate(record, now)
        if wait:
            self._waiting.note(record, wait)
            await self._waiting.defer(lease, record)
            return False
        self._claim(record)
        self._running = self._attempted = record.key
        attempt = Rebalance(self._desk, lease, record)
        try:
            self._ended(await attempt.run())
        except ProcessorError as error:
            await self._failed(error, lease, attempt.record)
        finally:
            self._running = None
        return True

    def _gate(self, record: EventRecord, now: datetime) -> Wait | None:
        """What an event must wait for before an attempt costs anything."""
        data, session = record.event.data, self._desk.session
        if data.not_before and now < data.not_before:
            return Wait("not_before", "the event asks to start later", data.not_before)
        pause = self._desk.pauses.on(self._account)
        self._halted = self._halted and pause is not None
        if pause and (self._halted or not (record.touched or data.dry_run)):
            look = f"; `rebalancer reconcile {self._account}` shows what is known, and which command settles it"
            return Wait("held" if pause.held else "paused", f"{pause.reason}{look if pause.held else ''}")
        where = self._desk.logins.of(self._account)
        if where.missing or (where.place is Place.NOWHERE and record.touched):
            return Wait(AccountElsewhere.reason_code, where.reason)
        if not session.ready:
            return Wait(f"session_{session.state}", session.advice)
        if session.restart_awaited and not (record.touched or data.dry_run):
            return Wait("restart_soon", RESTART_SOON, session.restart_awaited)
        if not record.touched and self._shown_in(record) > 0:
            return Wait("taking_over", TAKING_OVER)
        return self._waiting.still(record.key, now)

    def _shown_in(self, record: EventRecord) -> float:
        return shown_from(self._desk, record) - self._desk.clock.monotonic()

    def _able(self) -> bool:
        """Whether there is a session that shows the account, or would if anybody had it."""
        return self._desk.session.ready and self._desk.logins.of(self._account).place in {Place.HERE, Place.NOWHERE}

    def _may_write_off(self, record: EventRecord) -> bool:
        """Whether it may be closed as if it had done nothing. Not while a hold names it: whatever the journal says of
        it may be wrong; nor, when there is any reason to doubt the journal or a process before us has had it, without a
        session to look with."""
        pause = self._desk.pauses.on(self._account)
        if record.touched or (pause is not None and pause.held and record.key in pause.events):
            return False
        if not self._able():
            return taken_by_us(self._desk, record) and not suspected(self._desk, record)
        return self._shown_in(record) <= 0

    def _claim(self, record: EventRecord) -> None:
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

    # -- endings -------------------------------------------------------------------------------------------

    async def _failed(self, error: ProcessorError, lease: Lease, record: EventRecord) -> None:
        """The one match on disposition."""
        match error.disposition:
            case Disposition.WAIT:
                self._waiting.after(record, error)
            case Disposition.FAIL | Disposition.REJECT | Disposition.REVIEW:
                proven = error.disposition is not Disposition.REVIEW and not record.touched
                outcome = Outcome.FAILED if proven else Outcome.NEEDS_REVIEW
                await self._end(lease, record, Conclusion(outcome, error.reason_code, str(error)))
            case _:
                await self._failed_alone(error, record.key)

    async def _failed_alone(self, error: ProcessorError, event: EventKey | None = None) -> None:
        """An error outside any attempt, or one that does not end its event."""
        match error.disposition:
            case Disposition.WAIT:
                return
            case Disposition.YIELD:
                self._desk.leases.lost(self._account)
            case _:
                await self._halt(error, event=event)

    async def _halt(self, error: ProcessorError, cause: Exception | None = None, event: EventKey | None = None) -> None:
        """A bug or a store that went back: nothing more is traded in this account until a person has looked."""
        self._halted = True
        trace = "".join(traceback.format_exception(cause or error))
        self._desk.observer.observe(ProcessorHalted(reason=str(error), account=self._account, trace=trace))
        await hold(self._desk, self._account, f"{error.reason_code}: {error}", event)

    async def _expired(self, lease: Lease, record: EventRecord) -> bool:
        reason = f"expired at {record.expires_at.isoformat()} before any order was placed"
        wait = self._waiting.waits.get(record.key)
        if wait:
            reason += f"; it was waiting: {wait.reason}"
        return await self._written_off(lease, record, Conclusion(Outcome.EXPIRED, "expired", reason))

    async def _written_off(self, lease: Lease, record: EventRecord, conclusion: Conclusion) -> bool:
        """Close an event of which nothing was sent, if the broker agrees; False when it could not be asked."""
        try:
            if self._able():
                await check_forgotten(self._desk, record)
        except BrokerUnavailable:
            return False
        except ProcessorError as error:
            await self._failed(error, lease, record)
        else:
            await self._end(lease, record, conclusion)
        return True

    async def _end(self, lease: Lease, record: EventRecord, conclusion: Conclusion) -> None:
        self._ended(await close(self._desk, lease, record, conclusion))

    def _ended(self, record: EventRecord) -> None:
        if record.stage is not Stage.CLOSED:
            raise InvariantViolated(f"event {record.key} ended in stage {record.stage}")
        self._waiting.forget(record.key)
        self._claimed.discard(record.key)
        self._on_closed(record.key)
