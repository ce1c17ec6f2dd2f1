"""What the store in memory holds, and the gate in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from event_processor.adapters.redis.codec_record import plain_note
from event_processor.domain.ids import AccountId, EntryId, EventKey
from event_processor.domain.record import EventRecord, OutcomeNote
from event_processor.domain.settlement import Settlement
from event_processor.ports import Pause

Moment = Literal["before", "after"]
Interrupt = Callable[[str, Moment], Awaitable[None]]
Notes = tuple[OutcomeNote, ...]


class Crashed(BaseException):
    """The process this client belonged to is dead."""


async def nothing(call: str, moment: Moment) -> None:
    """The interruption of a healthy store."""


@dataclass(slots=True)
class Pending:
    """An entry handed to a consumer and not acknowledged."""

    consumer: str
    since: float
    deliveries: int


@dataclass(slots=True)
class MemoryState:
    """What is durable. Tests look at it and change it directly."""

    interrupt: Interrupt = nothing
    entries: dict[EntryId, dict[str, str]] = field(default_factory=dict)
    pending: dict[EntryId, Pending] = field(default_factory=dict)
    delivered: set[EntryId] = field(default_factory=set)
    dead: list[dict[str, str]] = field(default_factory=list)
    records: dict[EventKey, EventRecord] = field(default_factory=dict)
    writes: dict[EventKey, tuple[EventRecord, Notes]] = field(default_factory=dict)
    outbox: dict[str, tuple[OutcomeNote, EventKey]] = field(default_factory=dict)
    order_ids: dict[int, int] = field(default_factory=dict)
    pauses: dict[tuple[str, bool], Pause] = field(default_factory=dict)
    settlements: dict[tuple[AccountId, str], Settlement] = field(default_factory=dict)
    leases: dict[AccountId, tuple[str, int, float]] = field(default_factory=dict)
    logins: dict[str, tuple[tuple[AccountId, ...], float]] = field(default_factory=dict)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    _entry_number: int = 0
    _note_number: int = 0
    _token: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, fields: Mapping[str, str]) -> EntryId:
        """Append an entry to the event stream, as a producer does."""
        self._entry_number += 1
        entry_id = EntryId(f"1767625200000-{self._entry_number}")
        self.entries[entry_id] = dict(fields)
        self._news.set()
        self._news = asyncio.Event()
        return entry_id

    def publish(self, body: str) -> EntryId:
        """Append an event to the event stream."""
        return self.add({"event": body})

    async def news(self, seconds: float) -> None:
        """Return when something is added, or after some seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def note(self, notes: Sequence[OutcomeNote], key: EventKey) -> None:
        """Append notes to the outbox."""
        for note in notes:
            self._note_number += 1
            self.outbox[f"{self._note_number}-0"] = (plain_note(note), key)

    def next_token(self) -> int:
        """A fencing token above all before."""
        self._token += 1
        return self._token

    def lease_now(self, account: AccountId) -> tuple[str, int] | None:
        """Owner and token of the lease in force."""
        owner, token, until = self.leases.get(account, ("", 0, 0.0))
        return (owner, token) if until > now() else None


class Gate:
    """What every call of one client passes: the crash of its process, and the faults of the store."""

    def __init__(self, state: MemoryState) -> None:
        self.killed = False
        self._state = state

    async def call(self, name: str, moment: Moment) -> None:
        """Before a call has its effect, and before it answers; raises Crashed, or what the fault raises."""
        self._check()
        await self._state.interrupt(name, moment)
        self._check()

    def _check(self) -> None:
        if self.killed:
            raise Crashed


def now() -> float:
    """Seconds of the loop, virtual or not."""
    return asyncio.get_running_loop().time()
