"""The event stream in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from event_processor.adapters.redis.codec import text_of, to_json
from event_processor.domain.ids import EntryId
from event_processor.ports import LETTER_CHARS_MAX, InboxEntry
from tests.support.memory_state import Gate, MemoryState, Pending, now


class MemoryInbox:
    """`ports.Inbox` with the rules of a consumer group."""

    def __init__(self, state: MemoryState, gate: Gate, consumer: str, lease_seconds: float) -> None:
        self._state = state
        self._gate = gate
        self._consumer = consumer
        self._lease_seconds = lease_seconds
        self._handed: set[EntryId] = set()

    async def take(self, limit: int, wait_seconds: float) -> Sequence[InboxEntry]:
        deadline = now() + wait_seconds
        while True:
            await self._gate.call("take", "before")
            found = self._mine(limit) or self._left_behind(limit) or self._new(limit)
            await self._gate.call("take", "after")
            if found or now() >= deadline:
                self._handed.update(entry.entry_id for entry in found)
                return found
            await self._state.news(min(deadline - now(), self._lease_seconds / 2))

    async def renew(self, entries: Sequence[EntryId]) -> Sequence[EntryId]:
        await self._gate.call("renew", "before")
        lost = []
        for entry_id in entries:
            pending = self._state.pending.get(entry_id)
            if pending is None or pending.consumer != self._consumer:
                lost.append(entry_id)
            else:
                self._state.pending[entry_id] = Pending(self._consumer, now(), 0)
        await self._gate.call("renew", "after")
        self._handed.difference_update(lost)
        return tuple(lost)

    async def acknowledge(self, entries: Sequence[EntryId]) -> None:
        await self._gate.call("acknowledge", "before")
        for entry_id in entries:
            self._state.pending.pop(entry_id, None)
        await self._gate.call("acknowledge", "after")
        self._handed.difference_update(entries)

    async def dead_letter(self, entry: InboxEntry, reason: str, at: datetime) -> None:
        await self._gate.call("dead_letter", "before")
        body = entry.body if entry.body is not None else text_of(dict(entry.fields))
        letter = {"event": body[:LETTER_CHARS_MAX], "reason": reason, "entry_id": entry.entry_id, "at": to_json(at)}
        if not any(known["entry_id"] == entry.entry_id for known in self._state.dead):
            self._state.dead.append(letter)
        await self._gate.call("dead_letter", "after")
        await self.acknowledge([entry.entry_id])

    def _mine(self, limit: int) -> list[InboxEntry]:
        mine = [
            entry_id
            for entry_id, pending in self._state.pending.items()
            if pending.consumer == self._consumer and entry_id not in self._handed
        ]
        return self._recover(mine, limit)

    def _left_behind(self, limit: int) -> list[InboxEntry]:
        idle = [
            entry_id
            for entry_id, pending in self._state.pending.items()
            if pending.consumer != self._consumer
            and entry_id not in self._handed
            and now() - pending.since >= self._lease_seconds
        ]
        return self._recover(idle, limit)

    def _recover(self, entry_ids: Sequence[EntryId], limit: int) -> list[InboxEntry]:
        found: list[InboxEntry] = []
        for entry_id in sorted(entry_ids, key=_position):
            deliveries = self._state.pending[entry_id].deliveries + 1
            if len(found) >= limit:
                break
            gone = entry_id not in self._state.entries
            found.append(InboxEntry(entry_id, None, {}, deliveries) if gone else self._hand(entry_id, deliveries))
        return found

    def _new(self, limit: int) -> list[InboxEntry]:
        fresh = [entry_id for entry_id in self._state.entries if entry_id not in self._state.delivered]
        self._state.delivered.update(fresh[:limit])
        return [self._hand(entry_id, 1) for entry_id in fresh[:limit]]

    def _hand(self, entry_id: EntryId, deliveries: int) -> InboxEntry:
        self._state.pending[entry_id] = Pending(self._consumer, now(), deliveries)
        fields = dict(self._state.entries[entry_id])
        return InboxEntry(entry_id, fields.get("event"), fields, deliveries)


def _position(entry_id: EntryId) -> tuple[int, int]:
    first, _, second = entry_id.partition("-")
    return int(first), int(second)
