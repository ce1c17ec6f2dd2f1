"""The event stream through a consumer group: at least once, nothing skipped.

First what this consumer was handed before it stopped, then what dead consumers left idle, then new entries.
A read that broke off may have left entries with us that nobody saw, so our pending ones are then gone
through again. What somebody deleted from the stream while it was pending is handed out without fields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from event_processor.adapters.redis import keys, scripts
from event_processor.adapters.redis.codec import text_of, to_json
from event_processor.adapters.redis.connection import GroupMissing, RedisLink, SlotsApart, Word
from event_processor.domain.ids import EntryId
from event_processor.ports import LETTER_CHARS_MAX, InboxEntry

DEAD_MARK_SECONDS = 30 * 24 * 3600
"""For how long a repeated dead-lettering of the same entry is recognised."""
FROM_THE_START = "-"
OWN = -1


class RedisInbox:
    """`consumer` is this processor's stable name in the group; entries of others count as left behind once
    they were not renewed for `lease_seconds`.
    """

    def __init__(self, link: RedisLink, consumer: str, lease_seconds: float) -> None:
        self._link = link
        self._consumer = consumer
        self._lease_seconds = lease_seconds
        self._handed: set[EntryId] = set()
        self._own_from = FROM_THE_START
        self._claim_at = 0.0

    async def take(self, limit: int, wait_seconds: float) -> Sequence[InboxEntry]:
        """See `ports.Inbox.take`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        while True:
            found = await self._step(limit, max(0.0, deadline - loop.time()))
            if found or loop.time() >= deadline:
                self._handed.update(entry.entry_id for entry in found)
                return found

    async def renew(self, entries: Sequence[EntryId]) -> Sequence[EntryId]:
        """See `ports.Inbox.renew`."""
        if not entries:
            return ()
        words = [keys.GROUP, self._consumer, *entries]
        try:
            lost = await self._link.script("renew entries", scripts.RENEW, [keys.EVENTS], words, repeat=True)
        except GroupMissing:
            lost = entries
        self._handed.difference_update(lost)
        return tuple(EntryId(entry_id) for entry_id in lost)

    async def acknowledge(self, entries: Sequence[EntryId]) -> None:
        """See `ports.Inbox.acknowledge`."""
        if entries:
            await self._link.command("acknowledge entries", "XACK", keys.EVENTS, keys.GROUP, *entries, repeat=True)
            self._handed.difference_update(entries)

    async def dead_letter(self, entry: InboxEntry, reason: str, at: datetime) -> None:
        """See `ports.Inbox.dead_letter`. One step; on a cluster, whose slots keep the streams apart, the letter first.
        A mark beside the letter makes a repeat have no effect, whether it comes from a retry or from a restart
        between the two steps: no reader ever sees two letters of one entry.
        """
        body = entry.body if entry.body is not None else text_of(dict(entry.fields))
        fields = ["event", body[:LETTER_CHARS_MAX], "reason", reason, "entry_id", entry.entry_id, "at", to_json(at)]
        words = [DEAD_MARK_SECONDS * 1000, keys.GROUP, entry.entry_id, *fields]
        letter = [keys.DEAD, keys.dead_mark(entry.entry_id)]
        try:
            await self._bury([*letter, keys.EVENTS], words)
        except SlotsApart:
            await self._bury(letter, words)
            await self.acknowledge([entry.entry_id])
        self._handed.discard(entry.entry_id)

    async def _bury(self, names: Sequence[str], words: Sequence[Word]) -> None:
        await self._link.script("store a dead letter", scripts.DEAD_LETTER, names, words, repeat=True)

    async def _step(self, limit: int, wait_seconds: float) -> Sequence[InboxEntry]:
        try:
            try:
                return await self._next(limit, wait_seconds)
            except GroupMissing:
                await self._create_group()
                return await self._next(limit, wait_seconds)
        except BaseException:
            self._own_from = FROM_THE_START
            raise

    async def _next(self, limit: int, wait_seconds: float) -> Sequence[InboxEntry]:
        return await self._own(limit) or await self._left_behind(limit) or await self._new(limit, wait_seconds)

    async def _own(self, limit: int) -> Sequence[InboxEntry]:
        while self._own_from:
            self._own_from, found = await self._recover(limit, OWN, self._own_from)
            if found:
                return found
        return ()

    async def _left_behind(self, limit: int) -> Sequence[InboxEntry]:
        now = asyncio.get_running_loop().time()
        if now < self._claim_at:
            return ()
        page = FROM_THE_START
        while page:
            page, found = await self._recover(limit, int(self._lease_seconds * 1000), page)
            if found:
                return found
        self._claim_at = now + self._lease_seconds / 2
        return ()

    async def _recover(self, limit: int, idle: int, start: str) -> tuple[str, Sequence[InboxEntry]]:
        handed = sorted(self._handed)
        words: list[Word] = [keys.GROUP, self._consumer, idle, start, limit, *handed]
        page, found = await self._link.script("take over pending entries", scripts.RECOVER, [keys.EVENTS], words)
        return page, [
            _entry(entry_id, dict(zip(fields[::2], fields[1::2], strict=True)), deliveries)
            for entry_id, deliveries, fields in found
        ]

    async def _new(self, limit: int, wait_seconds: float) -> Sequence[InboxEntry]:
        until_claim = self._claim_at - asyncio.get_running_loop().time()
        block = int(min(wait_seconds, self._link.timing.block, until_claim) * 1000)
        words: list[Word] = ["GROUP", keys.GROUP, self._consumer, "COUNT", limit]
        words += ["BLOCK", block] if block > 0 else []
        reply = await self._link.command("read new entries", "XREADGROUP", *words, "STREAMS", keys.EVENTS, ">")
        found: list[Any] = reply[0][1] if reply else []
        return [_entry(entry_id, fields, 1) for entry_id, fields in found if entry_id not in self._handed]

    async def _create_group(self) -> None:
        """From the first entry on: what was published before the first start counts."""
        await self._link.script(
            "create the consumer group", scripts.CREATE_GROUP, [keys.EVENTS], [keys.GROUP], repeat=True
        )
        self._own_from = FROM_THE_START
        self._claim_at = 0.0


def _entry(entry_id: str, fields: dict[str, str], deliveries: int) -> InboxEntry:
    return InboxEntry(EntryId(entry_id), fields.get("event"), fields, deliveries)
