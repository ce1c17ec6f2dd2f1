"""Read models for people: what the processor says of itself, lists of events, timelines, dead letters.

Nothing here takes part in trading. What is shown of an event is its record in the journal; the timeline
beside it is told by an observer and may lack its last moments.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.codec import text_of, to_json
from event_processor.adapters.redis.codec_record import record_of
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.journal_logins import RedisLogins
from event_processor.domain.agenda import arrival
from event_processor.domain.ids import AccountId, EventKey
from event_processor.domain.record import EventRecord, Stage
from event_processor.domain.whereabouts import Login

PAGE = 100
TIMELINE_MAX = 2000
TIMELINE_SECONDS = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One entry of the dead-letter stream; `retried_as` is the entry it was put back as, if it was."""

    dead_id: str
    entry_id: str
    event: str
    reason: str
    at: str
    retried_as: str


class RedisViews:
    """All methods raise StoreUnavailable; those that read records also InvariantViolated."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def write_status(self, name: str, document: Mapping[str, Any], ttl_seconds: float) -> None:
        """Say how the processor of this name is; forgotten after `ttl_seconds` without news."""
        words = (keys.status(name), text_of(to_json(document)), "PX", max(1, int(ttl_seconds * 1000)))
        await self._link.command("store the status", "SET", *words, repeat=True)

    async def statuses(self) -> Sequence[dict[str, Any]]:
        """What each processor said last, by name; not of those that have been silent for too long."""
        names = [login.processor for login in await self.logins()]
        texts = await self._link.commands(
            "read the status", [("GET", keys.status(name)) for name in names], repeat=True
        )
        return [_object(text) for text in texts if text is not None]

    async def logins(self) -> Sequence[Login]:
        """The processors heard of in the last days, with the accounts of their logins."""
        return await RedisLogins(self._link).all()

    async def append_timeline(self, key: EventKey, items: Sequence[Mapping[str, Any]]) -> None:
        """Add facts to an event's timeline, oldest first; only the latest 2,000 are kept, for 90 days."""
        if not items:
            return
        name = keys.timeline(key)
        await self._link.commands(
            "store a timeline",
            [
                ("RPUSH", name, *(text_of(to_json(item)) for item in items)),
                ("LTRIM", name, -TIMELINE_MAX, -1),
                ("EXPIRE", name, TIMELINE_SECONDS),
            ],
        )

    async def read_timeline(self, key: EventKey) -> Sequence[dict[str, Any]]:
        """The event's facts, oldest first."""
        texts = await self._link.command("read a timeline", "LRANGE", keys.timeline(key), 0, -1, repeat=True)
        return [_object(text) for text in texts]

    async def event(self, key: EventKey) -> EventRecord | None:
        """One event whole; None when it is not known, or was closed longer ago than records are kept."""
        stored = await self._link.command("read an event", "HGETALL", keys.event(key), repeat=True)
        return record_of(stored) if stored else None

    async def recent_events(
        self, limit: int, account: AccountId | None = None, *, open_only: bool = False
    ) -> Sequence[EventRecord]:
        """Events, latest first: of one account or all, only those not closed or all of them."""
        listed = self._open(account) if open_only else self._recent()
        found: list[EventRecord] = []
        async for record in listed:
            if account in (None, record.account):
                found.append(record)
            if len(found) >= limit:
                break
        return found

    async def events_named(self, text: str) -> Sequence[EventRecord]:
        """Events a person may mean: by key, or by the id their producer gave them; latest first."""
        exact = await self.event(EventKey(text))
        if exact is not None:
            return [exact]
        return [record async for record in self._recent() if record.event.id == text]

    async def dead_letters(self, limit: int) -> Sequence[DeadLetter]:
        """The dead-letter stream, latest first."""
        entries, retried = await self._link.commands(
            "read the dead letters",
            [("XREVRANGE", keys.DEAD, "+", "-", "COUNT", limit), ("HGETALL", keys.RETRIED)],
            repeat=True,
        )
        return [_dead_letter(dead_id, fields, retried) for dead_id, fields in entries]

    async def retry_dead(self, dead_id: str) -> str | None:
        """Put a dead letter's `event` back on the event stream, as its last entry, and mark it retried.

        Returns the id of the new entry; None when there is no such dead letter. It stays on its stream.
        """
        entries = await self._link.command("read a dead letter", "XRANGE", keys.DEAD, dead_id, dead_id, repeat=True)
        if not entries:
            return None
        body = entries[0][1]["event"]
        entry_id = await self._link.command("put the event back", "XADD", keys.EVENTS, "*", "event", body)
        await self._link.command("mark it retried", "HSET", keys.RETRIED, dead_id, entry_id, repeat=True)
        return str(entry_id)

    async def _recent(self) -> AsyncIterator[EventRecord]:
        start = 0
        while page := await self._link.command(
            "list events", "ZREVRANGE", keys.RECENT, start, start + PAGE - 1, repeat=True
        ):
            for record in await self._records(page):
                yield record
            start += PAGE

    async def _open(self, account: AccountId | None) -> AsyncIterator[EventRecord]:
        accounts = [account]
        if account is None:
            accounts = await self._link.command("list the accounts", "SMEMBERS", keys.ACCOUNTS, repeat=True)
        listed = await self._link.commands(
            "list the open events",
            [("SMEMBERS", keys.open_events(AccountId(str(one)))) for one in accounts],
            repeat=True,
        )
        found = await self._records([key for members in listed for key in members])
        for record in sorted(found, key=arrival, reverse=True):
            if record.stage is not Stage.CLOSED:
                yield record

    async def _records(self, wanted: Sequence[str]) -> list[EventRecord]:
        stored = await self._link.commands(
            "read events", [("HGETALL", keys.event(EventKey(key))) for key in wanted], repeat=True
        )
        return [record_of(fields) for fields in stored if fields]


def _object(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def _dead_letter(dead_id: str, fields: Mapping[str, str], retried: Mapping[str, str]) -> DeadLetter:
    told = {name: fields.get(name, "") for name in ("entry_id", "event", "reason", "at")}
    return DeadLetter(dead_id, retried_as=retried.get(dead_id, ""), **told)
