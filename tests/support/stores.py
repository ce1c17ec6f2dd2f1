"""Every implementation of the store behind one face, so that one suite holds each to its ports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.inbox import RedisInbox
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.adapters.redis.outcomes import RedisOutcomes
from event_processor.domain.ids import EntryId
from event_processor.ports import Inbox, Journal, Outcomes
from tests.support.memory_store import MemoryStore

LEASE_SECONDS = 0.1


class Client(Protocol):
    """One processor's three ports."""

    @property
    def inbox(self) -> Inbox: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def outcomes(self) -> Outcomes: ...


class Store(Protocol):
    """A store as its producers and readers see it."""

    def client(self, consumer: str = "one") -> Client: ...
    async def add(self, fields: Mapping[str, str]) -> EntryId: ...
    async def delete(self, entry_id: EntryId) -> None: ...
    async def pending(self) -> set[str]: ...
    async def dead(self) -> list[dict[str, str]]: ...
    async def published(self) -> list[dict[str, Any]]: ...


class MemoryBench:
    """The store in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def client(self, consumer: str = "one") -> Client:
        return self.store.client(consumer, LEASE_SECONDS)

    async def add(self, fields: Mapping[str, str]) -> EntryId:
        return self.store.add(fields)

    async def delete(self, entry_id: EntryId) -> None:
        del self.store.entries[entry_id]

    async def pending(self) -> set[str]:
        return set(self.store.pending)

    async def dead(self) -> list[dict[str, str]]:
        return self.store.dead

    async def published(self) -> list[dict[str, Any]]:
        return self.store.outcomes


class RedisClient:
    """One processor's access to a Redis."""

    def __init__(self, link: RedisLink, consumer: str) -> None:
        self.inbox = RedisInbox(link, consumer, LEASE_SECONDS)
        self.journal = RedisJournal(link)
        self.outcomes = RedisOutcomes(link)


class RedisBench:
    """A real Redis."""

    def __init__(self, link: RedisLink) -> None:
        self.link = link

    def client(self, consumer: str = "one") -> Client:
        return RedisClient(self.link, consumer)

    async def add(self, fields: Mapping[str, str]) -> EntryId:
        words = [word for pair in fields.items() for word in pair]
        return EntryId(await self.link.command("add", "XADD", keys.EVENTS, "*", *words))

    async def delete(self, entry_id: EntryId) -> None:
        await self.link.command("delete", "XDEL", keys.EVENTS, entry_id)

    async def pending(self) -> set[str]:
        [summary] = await self.link.commands("look", [("XPENDING", keys.EVENTS, keys.GROUP)])
        if not summary["pending"]:
            return set()
        page = "return redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 100)"
        listed = await self.link.script("look", page, [keys.EVENTS], [keys.GROUP])
        return {entry_id for entry_id, *_ in listed}

    async def dead(self) -> list[dict[str, str]]:
        return [fields for _, fields in await self.link.command("look", "XRANGE", keys.DEAD, "-", "+")]

    async def published(self) -> list[dict[str, Any]]:
        entries = await self.link.command("look", "XRANGE", keys.OUTCOMES, "-", "+")
        return [json.loads(fields["event"]) for _, fields in entries]
