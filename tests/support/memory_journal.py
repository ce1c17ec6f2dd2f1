"""The journal in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from event_processor.adapters.redis.codec_record import plain
from event_processor.domain.agenda import arrival
from event_processor.domain.ids import AccountId, EventKey
from event_processor.domain.record import EventRecord, OutcomeNote, Stage
from event_processor.domain.settlement import Settlement
from event_processor.domain.whereabouts import Login
from event_processor.errors import InvariantViolated, LeaseLost, TradingPaused
from event_processor.ports import Lease, Pause
from tests.support.memory_state import Gate, MemoryState, now


class MemoryJournal:
    """`ports.Journal`; closed events are kept for good."""

    def __init__(self, state: MemoryState, gate: Gate) -> None:
        self._state = state
        self._gate = gate

    async def check_durability(self) -> Sequence[str]:
        await self._gate.call("check_durability", "before")
        return tuple(self._state.findings)

    async def acquire(self, account: AccountId, owner: str, seconds: float) -> Lease | None:
        await self._gate.call("acquire", "before")
        held = self._state.lease_now(account)
        if held is not None and held[0] != owner and not _later_start(owner, held[0]):
            return None
        token = held[1] if held is not None and held[0] == owner else self._state.next_token()
        self._state.leases[account] = (owner, token, now() + seconds)
        await self._gate.call("acquire", "after")
        return Lease(account, owner, token, seconds)

    async def renew_lease(self, lease: Lease) -> None:
        await self._gate.call("renew_lease", "before")
        self._check_lease(lease)
        self._state.leases[lease.account] = (lease.owner, lease.token, now() + lease.seconds)
        await self._gate.call("renew_lease", "after")

    async def release(self, lease: Lease) -> None:
        await self._gate.call("release", "before")
        if self._state.lease_now(lease.account) == (lease.owner, lease.token):
            del self._state.leases[lease.account]
        await self._gate.call("release", "after")

    async def announce(self, processor: str, accounts: Sequence[AccountId]) -> Sequence[Login]:
        await self._gate.call("announce", "before")
        told = tuple(accounts) or self._state.logins.get(processor, ((), 0.0))[0]
        self._state.logins[processor] = (told, now())
        await self._gate.call("announce", "after")
        return [Login(name, known, now() - at) for name, (known, at) in sorted(self._state.logins.items())]

    async def find(self, key: EventKey) -> EventRecord | None:
        await self._gate.call("find", "before")
        return self._state.records.get(key)

    async def accept(self, record: EventRecord, notes: Sequence[OutcomeNote]) -> EventRecord:
        await self._gate.call("accept", "before")
        if record.revision != 0:
            raise InvariantViolated(f"event {record.key} has revision {record.revision} before it is accepted")
        if record.key not in self._state.records:
            self._keep(record, notes)
        known = self._state.records[record.key]
        await self._gate.call("accept", "after")
        return known

    async def write(
        self, lease: Lease, record: EventRecord, notes: Sequence[OutcomeNote], *, sending: bool = False
    ) -> EventRecord:
        await self._gate.call("write", "before")
        if lease.account != record.account:
            raise InvariantViolated(f"a lease of {lease.account} cannot write an event of {record.account}")
        self._check_lease(lease)
        if self._state.writes.get(record.key) != (record, tuple(notes)):
            stored = self._state.records.get(record.key)
            if stored is None or stored.revision != record.revision:
                raise InvariantViolated(f"event {record.key} is not at revision {record.revision}")
            if sending:
                self._check_pauses(record.account)
            self._keep(record, notes)
        after = self._state.records[record.key]
        await self._gate.call("write", "after")
        return after

    async def open_records(self, account: AccountId | None = None) -> Sequence[EventRecord]:
        await self._gate.call("open_records", "before")
        records = self._state.records.values()
        still_open = [r for r in records if r.stage is not Stage.CLOSED and account in (None, r.account)]
        return sorted(still_open, key=arrival)

    async def open_accounts(self) -> Sequence[AccountId]:
        await self._gate.call("open_accounts", "before")
        return sorted({record.account for record in self._state.records.values() if record.stage is not Stage.CLOSED})

    async def last_closed(self, account: AccountId, most: int = 1) -> Sequence[EventRecord]:
        await self._gate.call("last_closed", "before")
        records = [r for r in self._state.records.values() if r.account == account and r.closed_at is not None]
        return sorted(records, key=lambda record: record.closed_at or record.accepted_at)[-most:]

    async def pauses(self) -> Sequence[Pause]:
        await self._gate.call("pauses", "before")
        return sorted(self._state.pauses.values(), key=lambda pause: (pause.at, pause.scope))

    async def pause(self, pause: Pause) -> None:
        await self._gate.call("pause", "before")
        self._state.pauses[pause.scope, pause.held] = pause
        await self._gate.call("pause", "after")

    async def resume(self, scope: str) -> bool:
        await self._gate.call("resume", "before")
        lifted = [self._state.pauses.pop((scope, held), None) for held in (False, True)]
        await self._gate.call("resume", "after")
        return any(pause is not None for pause in lifted)

    async def lift(self, pause: Pause) -> bool:
        await self._gate.call("lift", "before")
        found = self._state.pauses.get((pause.scope, pause.held)) == pause
        if found:
            del self._state.pauses[pause.scope, pause.held]
        await self._gate.call("lift", "after")
        return found

    async def settle(self, account: AccountId, settlement: Settlement) -> Settlement:
        await self._gate.call("settle", "before")
        inforce = self._state.settlements.setdefault((account, settlement.mark), settlement)
        await self._gate.call("settle", "after")
        return inforce

    async def settlements(self, account: AccountId) -> Sequence[Settlement]:
        await self._gate.call("settlements", "before")
        found = [one for (of, _), one in self._state.settlements.items() if of == account]
        return sorted(found, key=lambda one: (one.at, one.mark))

    async def order_id_floor(self, client_id: int) -> int:
        await self._gate.call("order_id_floor", "before")
        return self._state.order_ids.get(client_id, 0)

    async def unpublished(self, limit: int) -> Sequence[tuple[str, OutcomeNote, EventRecord]]:
        await self._gate.call("unpublished", "before")
        first = list(self._state.outbox.items())[:limit]
        return [(outbox_id, note, self._state.records[key]) for outbox_id, (note, key) in first]

    async def published(self, outbox_ids: Sequence[str]) -> None:
        await self._gate.call("published", "before")
        for outbox_id in outbox_ids:
            self._state.outbox.pop(outbox_id, None)
        await self._gate.call("published", "after")

    def _keep(self, record: EventRecord, notes: Sequence[OutcomeNote]) -> None:
        self._state.records[record.key] = plain(replace(record, revision=record.revision + 1))
        self._state.writes[record.key] = (record, tuple(notes))
        self._state.note(notes, record.key)
        for intent in record.intents:
            floor = self._state.order_ids.get(intent.client_id, 0)
            if intent.order_id > floor:
                self._state.order_ids[intent.client_id] = intent.order_id

    def _check_lease(self, lease: Lease) -> None:
        if self._state.lease_now(lease.account) != (lease.owner, lease.token):
            raise LeaseLost

    def _check_pauses(self, account: AccountId) -> None:
        for (scope, held), pause in self._state.pauses.items():
            if scope in {"all", account}:
                raise TradingPaused(pause.reason, reason_code="held" if held else "paused")


def _later_start(owner: str, held: str) -> bool:
    (name, _, start), (held_name, _, held_start) = owner.partition("#"), held.partition("#")
    return name == held_name and int(start or 0) > int(held_start or 0)
