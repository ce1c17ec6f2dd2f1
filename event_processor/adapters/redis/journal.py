"""The write-ahead journal in Redis: one hash per event, one script and one round trip per write.

A write carries an id, a digest of its content, that is stored with it. When the connection breaks the same
write is sent again, by itself or by the caller's repeating the call, and the script recognises it.
Of a record only what changed since this object last saw it is sent. That record is a saving, never the
truth: the script compares the revision, and the id of the write the record came from, before anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from event_processor.adapters.redis import keys, scripts
from event_processor.adapters.redis.codec import dump, load
from event_processor.adapters.redis.codec_record import (
    Changes,
    changes,
    closing_of,
    plain,
    plain_note,
    record_of,
    remembered,
)
from event_processor.adapters.redis.connection import RedisLink, Word
from event_processor.adapters.redis.journal_durability import durability_findings
from event_processor.adapters.redis.journal_lease import RedisLeases, lease_value
from event_processor.adapters.redis.journal_logins import RedisLogins
from event_processor.adapters.redis.journal_pauses import RedisPauses, pause_fields, trading_paused
from event_processor.adapters.redis.journal_seen import Seen
from event_processor.adapters.redis.journal_settlements import RedisSettlements
from event_processor.domain.agenda import arrival
from event_processor.domain.ids import AccountId, EventKey
from event_processor.domain.record import EventRecord, OutcomeNote, Stage
from event_processor.domain.settlement import Settlement
from event_processor.domain.whereabouts import Login
from event_processor.errors import InvariantViolated, LeaseLost, StoreUnavailable
from event_processor.ports import Lease, Pause

DAY_MS = 24 * 3600 * 1000
PAGE = 100


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept. A repeat of an event is recognised for `known_days` after it was closed,
    its whole record is there for `record_days`, and the list of events goes back `recent_max` events.
    """

    record_days: int = 90
    known_days: int = 400
    recent_max: int = 10_000


class RedisJournal:
    """See `ports.Journal` for what each method promises. One object per processor."""

    def __init__(self, link: RedisLink, retention: Retention | None = None) -> None:
        self._link = link
        self._retention = retention or Retention()
        self._leases = RedisLeases(link)
        self._logins = RedisLogins(link)
        self._pauses = RedisPauses(link)
        self._settlements = RedisSettlements(link)
        self._seen = Seen()

    async def check_durability(self) -> Sequence[str]:
        return await durability_findings(self._link)

    async def acquire(self, account: AccountId, owner: str, seconds: float) -> Lease | None:
        return await self._leases.acquire(account, owner, seconds)

    async def renew_lease(self, lease: Lease) -> None:
        await self._leases.renew(lease)

    async def release(self, lease: Lease) -> None:
        await self._leases.release(lease)

    async def announce(self, processor: str, accounts: Sequence[AccountId]) -> Sequence[Login]:
        return await self._logins.announce(processor, accounts)

    async def pauses(self) -> Sequence[Pause]:
        return await self._pauses.all()

    async def pause(self, pause: Pause) -> None:
        await self._pauses.set(pause)

    async def resume(self, scope: str) -> bool:
        return await self._pauses.lift(scope)

    async def lift(self, pause: Pause) -> bool:
        return await self._pauses.lift_this(pause)

    async def settle(self, account: AccountId, settlement: Settlement) -> Settlement:
        return await self._settlements.settle(account, settlement, self._retention.known_days * DAY_MS)

    async def settlements(self, account: AccountId) -> Sequence[Settlement]:
        return await self._settlements.of(account)

    async def find(self, key: EventKey) -> EventRecord | None:
        stored = await self._link.command("look an event up", "HGETALL", keys.event(key), repeat=True)
        return self._learn(stored) if stored else None

    async def accept(self, record: EventRecord, notes: Sequence[OutcomeNote]) -> EventRecord:
        if record.revision != 0:
            raise InvariantViolated(f"event {record.key} has revision {record.revision} before it is accepted")
        after = plain(replace(record, revision=1))
        content = _content_words(delta := changes(after, None), notes)
        write_id = _digest(content)
        reply = await self._link.script(
            "accept an event",
            scripts.ACCEPT,
            [*self._record_keys(record), keys.ACCOUNTS, keys.RECENT],
            [
                *self._write_words(after, write_id, delta),
                record.account,
                int(record.accepted_at.timestamp() * 1000),
                self._retention.recent_max,
                *content,
            ],
            repeat=True,
        )
        match reply:
            case ["accepted"]:
                self._seen.keep(after, write_id)
                return after
            case ["known", fields]:
                return self._learn(dict(zip(fields[::2], fields[1::2], strict=True)))
            case ["closed", head]:
                return remembered(record, head)
            case _:
                raise InvariantViolated(f"accept answered {reply!r}")

    async def write(
        self, lease: Lease, record: EventRecord, notes: Sequence[OutcomeNote], *, sending: bool = False
    ) -> EventRecord:
        if lease.account != record.account:
            raise InvariantViolated(f"a lease of {lease.account} cannot write an event of {record.account}")
        after = plain(replace(record, revision=record.revision + 1))
        before, base_write = self._seen.base(record)
        content = _content_words(delta := changes(after, before), notes)
        write_id = self._seen.write_id(record, notes, _digest(content))
        order_ids = [word for pair in delta.order_ids.items() for word in pair]
        looked_at = pause_fields(record.account) if sending else []
        reply = await self._link.script(
            "write an event",
            scripts.WRITE,
            [*self._record_keys(record), keys.lease(lease.account), keys.PAUSES, keys.ORDER_IDS],
            [
                *self._write_words(after, write_id, delta),
                lease_value(lease),
                record.revision,
                base_write,
                len(looked_at),
                *looked_at,
                len(delta.order_ids),
                *order_ids,
                *content,
            ],
            repeat=True,
        )
        self._seen.answered(record.key, write_id, written=reply[0] == "written")
        self._judge(reply, record)
        self._seen.keep(after, write_id)
        return after

    async def open_records(self, account: AccountId | None = None) -> Sequence[EventRecord]:
        accounts = [account]
        if account is None:
            accounts = await self._link.command("list the accounts", "SMEMBERS", keys.ACCOUNTS, repeat=True)
        listed = await self._link.commands(
            "list the open events",
            [("SMEMBERS", keys.open_events(AccountId(str(one)))) for one in accounts],
            repeat=True,
        )
        found = await self._records(sorted(EventKey(key) for members in listed for key in members))
        return sorted((record for record in found if record.stage is not Stage.CLOSED), key=arrival)

    async def open_accounts(self) -> Sequence[AccountId]:
        listed = await self._link.command("list the accounts", "SMEMBERS", keys.ACCOUNTS, repeat=True)
        accounts = sorted(AccountId(str(one)) for one in listed)
        counts = await self._link.commands(
            "count the open events", [("SCARD", keys.open_events(one)) for one in accounts], repeat=True
        )
        return [account for account, count in zip(accounts, counts, strict=True) if count]

    async def last_closed(self, account: AccountId, most: int = 1) -> Sequence[EventRecord]:
        recent = await self._link.command("list events", "ZREVRANGE", keys.RECENT, 0, PAGE - 1, repeat=True)
        heads = await self._link.commands(
            "read events", [("HGET", keys.event(EventKey(key)), "head") for key in recent], repeat=True
        )
        ends = [
            (key, *closing_of(head)) for key, head in zip(recent, heads, strict=True) if head
        ]  # the list lives longer
        closed = [(at, key) for key, whose, at in ends if whose == account and at is not None]
        found = [await self.find(EventKey(key)) for _, key in sorted(closed)[-most:]]
        return [record for record in found if record is not None]

    async def order_id_floor(self, client_id: int) -> int:
        floor = await self._link.command("look up the order ids", "HGET", keys.ORDER_IDS, str(client_id), repeat=True)
        return int(floor or 0)

    async def unpublished(self, limit: int) -> Sequence[tuple[str, OutcomeNote, EventRecord]]:
        entries = await self._link.command(
            "read the outbox", "XRANGE", keys.OUTBOX, "-", "+", "COUNT", limit, repeat=True
        )
        noted = [(outbox_id, load(OutcomeNote, f["note"]), EventKey(f["key"])) for outbox_id, f in entries]
        wanted = sorted({key for _, _, key in noted})
        records = {record.key: record for record in await self._records(wanted)}
        return [(outbox_id, note, records[key]) for outbox_id, note, key in noted]

    async def published(self, outbox_ids: Sequence[str]) -> None:
        if outbox_ids:
            await self._link.command("clear the outbox", "XDEL", keys.OUTBOX, *outbox_ids, repeat=True)

    async def _records(self, wanted: Sequence[EventKey]) -> list[EventRecord]:
        """These records as they are now; those this object saw last are not read whole again."""
        found: dict[EventKey, EventRecord] = {}
        for start in range(0, len(wanted), PAGE):
            page = wanted[start : start + PAGE]
            seen = [key for key in page if self._seen.has(key)]
            writes = await self._link.commands(
                "look events up", [("HGET", keys.event(key), "write") for key in seen], repeat=True
            )
            for key, write_id in zip(seen, writes, strict=True):
                if record := self._seen.at(key, write_id or ""):
                    found[key] = record
            rest = [key for key in page if key not in found]
            read = await self._link.commands("read events", [("HGETALL", keys.event(key)) for key in rest], repeat=True)
            found |= {key: self._learn(stored) for key, stored in zip(rest, read, strict=True)}
        return [found[key] for key in wanted]

    def _learn(self, stored: dict[str, str]) -> EventRecord:
        record = record_of(stored)
        self._seen.keep(record, stored["write"])
        return record

    def _judge(self, reply: Sequence[str], record: EventRecord) -> None:
        match reply:
            case ["written"]:
                return
            case ["lease"]:
                raise LeaseLost
            case ["paused", text]:
                raise trading_paused(load(Pause, text))
            case ["revision", _, write_id] if self._seen.doubtful(record.key, write_id):
                raise StoreUnavailable("an earlier write arrived late; look the event up again")
            case ["revision", stored, _]:
                raise InvariantViolated(
                    f"the journal holds revision {stored} of event {record.key}, not {record.revision}: "
                    "it lost or gained a write"
                )
            case _:
                raise InvariantViolated(f"write answered {reply!r}")

    def _record_keys(self, record: EventRecord) -> list[str]:
        key = record.key
        return [keys.event(key), keys.known(key), keys.open_events(record.account), keys.OUTBOX]

    def _write_words(self, after: EventRecord, write_id: str, delta: Changes) -> list[Word]:
        closed = int(after.stage is Stage.CLOSED)
        kept = (self._retention.record_days * DAY_MS, self._retention.known_days * DAY_MS)
        return [after.key, after.revision, write_id, closed, delta.head, *kept]


def _content_words(delta: Changes, notes: Sequence[OutcomeNote]) -> list[Word]:
    fields = [word for pair in delta.put.items() for word in pair]
    return [len(delta.put), *fields, len(notes), *(dump(plain_note(note)) for note in notes)]


def _digest(words: Sequence[Word]) -> str:
    """Equal only for the same content made from the same revision, which `head` holds."""
    return hashlib.sha256("\n".join(map(str, words)).encode()).hexdigest()[:32]
