"""From stream entries to remembered events. Nothing is dropped: every entry becomes an accepted event, a repeat
of one, a refusal that is journalled, or a dead letter; only then, and only when it is closed, is it acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from event_processor.application.accounts import AccountRules
from event_processor.application.bell import Bell
from event_processor.domain.event import RebalanceEvent, body_digest, parse_event
from event_processor.domain.facts import EntryDeadLettered, EventClosed, EventRepeated, StoreLost, StoreRestored
from event_processor.domain.ids import AccountId, EntryId, EventKey, event_key
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote, Stage
from event_processor.errors import EventConflict, EventError, EventMalformed, EventRefused, StoreUnavailable
from event_processor.ports import Clock, Inbox, InboxEntry, Journal, Observer


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """`ttl_seconds`: life of an event that names no expiry. `delivery_limit`: hand-outs without progress after
    which an entry is taken for poison. `renew_seconds`: how often pending entries are kept ours."""

    ttl_seconds: float = 86400.0
    delivery_limit: int = 20
    batch: int = 64
    wait_seconds: float = 1.0
    renew_seconds: float = 5.0


class Intake:
    """Takes entries, hands accepted events to `dispatch`, and acknowledges what is closed."""

    def __init__(
        self,
        inbox: Inbox,
        journal: Journal,
        rules: AccountRules,
        clock: Clock,
        observer: Observer,
        bell: Bell,
        dispatch: Callable[[EventRecord], None],
        settings: IntakeSettings,
    ) -> None:
        self._inbox, self._journal, self._rules = inbox, journal, rules
        self._clock, self._observer, self._bell = clock, observer, bell
        self._dispatch, self._settings = dispatch, settings
        self._pending: dict[EntryId, tuple[InboxEntry, EventKey]] = {}
        self._closed: set[EventKey] = set()
        # Only the first entry not yet accepted can be what broke the process before this one: those behind it in
        # the same hand-out share its count without having been looked at.
        self._first_unknown = True
        self.store_lost = False

    async def run(self) -> None:
        """Take and keep until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take())
            tasks.create_task(self._keep())

    def closed(self, key: EventKey) -> None:
        """The journal has closed this event; its entry may be acknowledged."""
        self._closed.add(key)
        self._bell.ring()

    @property
    def pending(self) -> int:
        """Entries taken and not acknowledged."""
        return len(self._pending)

    async def _take(self) -> None:
        while True:
            try:
                entries = await self._inbox.take(self._settings.batch, self._settings.wait_seconds)
            except StoreUnavailable as error:
                await self._store_failed(error)
                continue
            self._store_works()
            for entry in entries:
                await self._handle_until_done(entry)

    async def _handle_until_done(self, entry: InboxEntry) -> None:
        """An entry taken is finished with, however long the store is away: it is not taken twice."""
        while True:
            try:
                await self._handle(entry)
            except StoreUnavailable as error:
                await self._store_failed(error)
            else:
                return self._store_works()

    async def _store_failed(self, error: StoreUnavailable) -> None:
        self._first_unknown = False  # hand-outs whose answer was lost are counted too, and say nothing of the entry
        if not self.store_lost:
            self.store_lost = True
            self._observer.observe(StoreLost(reason=str(error)))
        await asyncio.sleep(0.5)

    def _store_works(self) -> None:
        if self.store_lost:
            self.store_lost = False
            self._observer.observe(StoreRestored())
            self._bell.ring()

    async def _handle(self, entry: InboxEntry) -> None:
        try:
            event = self._read(entry)
            await self._admit(entry, event)
        except EventError as error:
            await self._bury(entry, error)

    def _read(self, entry: InboxEntry) -> RebalanceEvent:
        if entry.body is None:
            raise EventMalformed("the entry has no field `event`; put the whole event as JSON into that one field")
        try:
            return parse_event(entry.body)
        except EventMalformed:
            raise
        except Exception as error:
            raise EventMalformed(f"the event cannot be read: {error!r}", reason_code="unreadable") from error

    async def _admit(self, entry: InboxEntry, event: RebalanceEvent) -> None:
        key, digest = event_key(event.source, event.id), body_digest(event)
        known = await self._journal.find(key)
        if known is None:
            first, self._first_unknown = self._first_unknown, False
            if first and entry.deliveries > self._settings.delivery_limit:
                raise EventMalformed(
                    f"handed out {entry.deliveries} times without ever being accepted; it seems to break the processor",
                    reason_code="delivery_limit",
                )
            known = await self._accept(entry, event, key, digest)
            if known.outcome is Outcome.REJECTED and known.entry_id == entry.entry_id:
                return await self._refused(entry, known)
        if known.digest != digest:
            raise EventConflict(
                f"source {event.source!r} and id {event.id!r} were accepted before with another body "
                f"(entry {known.entry_id}); publish a changed event under a new id"
            )
        if known.stage is Stage.CLOSED or known.entry_id != entry.entry_id:
            await self._inbox.acknowledge(entry.entry_id)
            self._observer.observe(EventRepeated(key=key, event_id=event.id, account=known.account))
        else:
            self._pending[entry.entry_id] = entry, key
            self._dispatch(known)
        return None

    async def _accept(self, entry: InboxEntry, event: RebalanceEvent, key: EventKey, digest: str) -> EventRecord:
        now = self._clock.now()
        record = EventRecord(
            key=key,
            event=event,
            digest=digest,
            entry_id=entry.entry_id,
            account=AccountId(event.data.account),
            accepted_at=now,
            expires_at=event.data.expires_at or now + timedelta(seconds=self._settings.ttl_seconds),
        )
        kind, data = Outcome.ACCEPTED, {"expires_at": record.expires_at.isoformat(), "reason": "accepted"}
        try:
            rule = self._rules.find(event.data.account)
            record = replace(record, account=AccountId(rule.account))
            self._rules.check(rule, dry_run=event.data.dry_run)
        except EventRefused as refusal:
            kind, data = Outcome.REJECTED, {"reason_code": refusal.reason_code, "reason": str(refusal)}
            record = replace(
                record,
                stage=Stage.CLOSED,
                outcome=kind,
                reason_code=refusal.reason_code,
                reason=str(refusal),
                closed_at=now,
            )
        return await self._journal.accept(record, [OutcomeNote(kind=kind, mark="", at=now, data=data)])

    async def _refused(self, entry: InboxEntry, record: EventRecord) -> None:
        self._bell.ring()
        self._observer.observe(
            EventClosed(
                key=record.key,
                event_id=record.event.id,
                account=record.account,
                outcome=Outcome.REJECTED,
                reason_code=record.reason_code,
                reason=record.reason,
                seconds=0.0,
                summary={},
            )
        )
        await self._inbox.acknowledge(entry.entry_id)

    async def _bury(self, entry: InboxEntry, error: EventError) -> None:
        await self._inbox.dead_letter(entry, str(error), self._clock.now())
        self._observer.observe(
            EntryDeadLettered(entry_id=entry.entry_id, reason_code=error.reason_code, reason=str(error))
        )

    async def _keep(self) -> None:
        """Acknowledge closed entries, and keep the others ours while they wait, however long that is."""
        listener = Bell()
        renew_at = self._clock.monotonic() + self._settings.renew_seconds
        with self._bell.link(listener):
            while True:
                await listener.heard(min(1.0, max(renew_at - self._clock.monotonic(), 0.0)))
                try:
                    await self._acknowledge_closed()
                    if self._clock.monotonic() >= renew_at:
                        renew_at = self._clock.monotonic() + self._settings.renew_seconds
                        await self._renew()
                except StoreUnavailable:
                    await asyncio.sleep(0.5)

    async def _acknowledge_closed(self) -> None:
        for entry_id, (_, key) in tuple(self._pending.items()):
            if key in self._closed:
                await self._inbox.acknowledge(entry_id)
                del self._pending[entry_id]
        self._closed.intersection_update(key for _, key in self._pending.values())

    async def _renew(self) -> None:
        """Also notices what another processor, holding the account's lease, has closed meanwhile."""
        if not self._pending:
            return
        for lost in await self._inbox.renew(tuple(self._pending)):
            self._pending.pop(lost, None)
        for entry, key in tuple(self._pending.values()):
            record = await self._journal.find(key)
            if record is None:  # the store lost what it had confirmed: the entry still has the event
                await self._handle(entry)
            elif record.stage is Stage.CLOSED:
                self._closed.add(key)
