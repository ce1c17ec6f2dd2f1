"""The store in memory: what Redis is to the processor, without Redis, the same run each time.

`MemoryStore` is the server and outlives its clients; `client()` is one processor's access to it, which
`kill()` ends: every later call raises `Crashed`, so that no clean-up code can save the day. `interrupt`
is asked before and after each call has its effect, and may wait or raise StoreUnavailable there.

    store = MemoryStore()
    client = store.client("processor-1")
    await client.journal.accept(record, [])
    client.kill()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from event_processor.adapters.redis.codec import to_json
from tests.support.memory_inbox import MemoryInbox
from tests.support.memory_journal import MemoryJournal
from tests.support.memory_state import Crashed, Gate, Interrupt, MemoryState, Moment

__all__ = ["Crashed", "Interrupt", "MemoryClient", "MemoryStore", "Moment"]


class MemoryStore(MemoryState):
    """The server: what is durable, open to the tests."""

    def client(self, consumer: str, lease_seconds: float = 60.0) -> MemoryClient:
        """One processor's access."""
        return MemoryClient(self, consumer, lease_seconds)


class MemoryClient:
    """The three ports of one processor."""

    def __init__(self, store: MemoryState, consumer: str, lease_seconds: float) -> None:
        self._gate = Gate(store)
        self.inbox = MemoryInbox(store, self._gate, consumer, lease_seconds)
        self.journal = MemoryJournal(store, self._gate)
        self.outcomes = MemoryOutcomes(store, self._gate)

    def kill(self) -> None:
        """From now on every call raises Crashed."""
        self._gate.killed = True


class MemoryOutcomes:
    """`ports.Outcomes`."""

    def __init__(self, state: MemoryState, gate: Gate) -> None:
        self._state = state
        self._gate = gate

    async def publish(self, envelopes: Sequence[Mapping[str, Any]]) -> None:
        await self._gate.call("publish", "before")
        self._state.outcomes += [to_json(envelope) for envelope in envelopes]
        await self._gate.call("publish", "after")
