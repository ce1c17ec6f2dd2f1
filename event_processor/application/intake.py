"""From stream entries to remembered events. Nothing is dropped: every entry becomes an accepted event, a repeat
of one, a refusal that is journalled, or a dead letter; only then, and only when it is closed, is it acknowledged.

Entries come in batches. Of a long queue for one account most are out of date when they are read: an event that a newer
one of its batch supersedes is remembered as ended at once, after that newer one was accepted. Not so one of which
orders may have been sent: the account's processor looks at the broker before it ends that one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from event_processor.application.accounts import AccountRules
from event_processor.application.bell import Bell
from event_processor.application.drafts import Drafts, ended, first_notes, news
from event_processor.domain.agenda import overtaken, superseded_by
from event_processor.domain.facts import EntryDeadLettered, EventClosed, EventRepeated, StoreLost, StoreRestored
from event_processor.domain.ids import EntryId, EventKey
from event_processor.domain.record import EventRecord, Stage
from event_processor.errors import EventConflict, EventError, EventMalformed, StoreUnavailable
from event_processor.ports import Clock, Inbox, InboxEntry, Journal, Observer


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """`ttl_seconds`: life of an event that names no expiry. `delivery_limit`: hand-outs without progress after
    which an entry is taken for poison. `renew_seconds`: how often pending entries are kept ours. `behind_seconds_max`:
    how long no event is begun because a queue is still being read."""

    ttl_seconds: float = 86400.0
    delivery_limit: int = 20
    batch: int = 64
    wait_seconds: float = 1.0
    renew_seconds: float = 5.0
    behind_seconds_max: float = 10.0


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
        suspected: Callable[[EventRecord], bool],
    ) -> None:
        """`suspected`: whether something of an event may have been sent, whatever the journal knows of it."""
        self._inbox, self._journal = inbox, journal
        self._drafts = Drafts(rules, clock, settings.ttl_seconds)
        self._clock, self._observer, self._bell = clock, observer, bell
        self._dispatch, self._settings, self._suspected = dispatch, settings, suspected
        self._pending: dict[EventKey, InboxEntry] = {}
        self._closed: dict[EventKey, None] = {}
        self._over: dict[EntryId, None] = {}
        self._repeated: dict[EventKey, EventRecord] = {}
        self._new: set[EntryId] = set()
        self._behind_since: float | None = None
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
        self._closed[key] = None
        self._bell.ring()

    @property
    def pending(self) -> int:
        """Entries taken and not acknowledged."""
        return len(self._pending)

    @property
    def behind(self) -> bool:
        """Whether more waits on the stream, so that what is open may be out of date. Not for longer than a while at a
        time: beside a stream that never ends trading must go on."""
        since = self._behind_since
        return since is not None and self._clock.monotonic() - since < self._settings.behind_seconds_max

    async def _take(self) -> None:
        while True:
            wait_seconds = self._settings.wait_seconds if self._behind_since is None else 0.0
            try:
                entries = await self._inbox.take(self._settings.batch, wait_seconds)
            except StoreUnavailable as error:
                await self._store_failed(error)
                continue
            self._store_works()
            full = len(entries) >= self._settings.batch
            if full and self._behind_since is None:
                self._behind_since = self._clock.monotonic()
            await self._handle_all(entries)
            if not full and self._behind_since is not None:
                self._behind_since = None
                self._bell.ring()

    async def _handle_all(self, entries: Sequence[InboxEntry]) -> None:
        """One batch, in order; but what supersedes an entry comes before it."""
        self._repeated.clear()
        self._new.clear()
        drafts = await self._drafts.together(entries)
        newer = overtaken(news(drafts.values()), self._clock.now())
        waiting = {entry.entry_id: entry for entry in entries}
        for entry in entries:
            by = newer.get(entry.entry_id)
            for one in (by.entry_id if by else entry.entry_id, entry.entry_id):
                if known := waiting.pop(one, None):
                    await self._until_done(partial(self._handle, known, drafts.get(one), newer.get(one)))
        if self._over:
            await self._until_done(self._acknowledge_over)
            self._bell.ring()

    async def _until_done(self, step: Callable[[], Awaitable[None]]) -> None:
        """An entry taken is finished with, however long the store is away: it is not taken twice."""
        while True:
            try:
                await step()
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

    async def _handle(
        self, entry: InboxEntry, draft: EventRecord | None = None, newer: EventRecord | None = None
    ) -> None:
        """`newer`, of the same batch, supersedes it."""
        try:
            await self._admit(entry, draft or self._drafts.of(entry), newer)
        except EventError as error:
            await self._bury(entry, error)

    async def _admit(self, entry: InboxEntry, record: EventRecord, newer: EventRecord | None) -> None:
        known = self._repeated.get(record.key) or await self._journal.find(record.key)
        if known is None:
            self._check_poison(entry)
            if newer is not None and newer.entry_id in self._new and not self._suspected(record):
                record = ended(record, superseded_by(newer), self._clock.now())
            known = await self._journal.accept(record, first_notes(record))
            if record.stage is Stage.CLOSED and known.entry_id == entry.entry_id:
                return self._closed_at_once(entry, known)
        if known.digest != record.digest:
            event = record.event
            raise EventConflict(
                f"source {event.source!r} and id {event.id!r} were accepted before with another body "
                f"(entry {known.entry_id}); publish a changed event under a new id"
            )
        if known.entry_id == entry.entry_id:
            self._new.add(entry.entry_id)
        if known.stage is Stage.CLOSED:
            self._repeated[known.key] = known
        if known.stage is Stage.CLOSED or known.entry_id != entry.entry_id:
            self._over[entry.entry_id] = None
            self._observer.observe(EventRepeated(key=known.key, event_id=known.event.id, account=known.account))
        else:
            earlier = self._pending.get(known.key, entry)
            if earlier.entry_id != entry.entry_id:  # the store forgot that it had accepted that one: a repeat now
                await self._handle(earlier)
            self._pending[known.key] = entry
            self._dispatch(known)
        return None

    def _check_poison(self, entry: InboxEntry) -> None:
        first, self._first_unknown = self._first_unknown, False
        if first and entry.deliveries > self._settings.delivery_limit:
            raise EventMalformed(
                f"handed out {entry.deliveries} times without ever being accepted; it seems to break the processor",
                reason_code="delivery_limit",
            )

    def _closed_at_once(self, entry: InboxEntry, record: EventRecord) -> None:
        assert record.outcome is not None  # noqa: S101 - a record that is accepted as closed has its outcome
        self._over[entry.entry_id] = None
        self._observer.observe(
            EventClosed(
                key=record.key,
                event_id=record.event.id,
                account=record.account,
                outcome=record.outcome,
                reason_code=record.reason_code,
                reason=record.reason,
                seconds=0.0,
                summary=record.summary,
            )
        )

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
                    await self._acknowledge_over()
                    if self._clock.monotonic() >= renew_at:
                        renew_at = self._clock.monotonic() + self._settings.renew_seconds
                        await self._renew()
                except StoreUnavailable:
                    await asyncio.sleep(0.5)

    async def _acknowledge_over(self) -> None:
        """Repeats, and what the journal has closed, all at once."""
        closed, over = tuple(self._closed), tuple(self._over)
        done = [key for key in closed if key in self._pending]
        if entries := [*over, *(self._pending[key].entry_id for key in done)]:
            await self._inbox.acknowledge(entries)
        for key in done:
            self._pending.pop(key, None)
        for key in closed:
            self._closed.pop(key, None)
        for entry_id in over:
            self._over.pop(entry_id, None)

    async def _renew(self) -> None:
        """Also notices what another processor, holding the account's lease, has closed meanwhile."""
        if not self._pending:
            return
        keys = {entry.entry_id: key for key, entry in self._pending.items()}
        for lost in await self._inbox.renew(tuple(keys)):
            self._pending.pop(keys[lost], None)
        for key, entry in tuple(self._pending.items()):
            record = await self._journal.find(key)
            if record is None:  # the store lost what it had confirmed: the entry still has the event
                self._repeated.pop(key, None)
                await self._handle(entry)
            elif record.entry_id != entry.entry_id:  # lost, and accepted anew from another entry
                self._pending.pop(key)
                await self._handle(entry)
            elif record.stage is Stage.CLOSED:
                self.closed(key)
