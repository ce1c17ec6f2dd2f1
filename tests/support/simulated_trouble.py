"""What can happen to the host and the store of simulated processors."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields
from typing import Any

from event_processor.errors import StoreUnavailable
from tests.support.memory_store import MemoryStore, Moment

CHANGES = frozenset({"accept", "write", "acknowledge", "dead_letter", "publish", "published", "acquire", "release"})
"""The calls that change what is durable."""
_PRODUCERS = {"entries", "_entry_number", "_news"}
"""What a producer's publishing changes in the store."""
LOSABLE = CHANGES - {"dead_letter"}
"""A dead letter that is lost after it was acknowledged is known to nobody: no processor could mend that."""


@dataclass(frozen=True, slots=True)
class Outage:
    """The store does not answer from `at` on, for some seconds; its effect comes about when `moment` is after."""

    at: float
    seconds: float
    moment: Moment = "before"


@dataclass(frozen=True, slots=True)
class Stall:
    """A processor is stopped for so many seconds right after its change of this number: whatever it hears from the
    store in that time reaches it only afterwards."""

    name: str
    change: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Jump:
    """At this second the host's clock is set forward."""

    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Second:
    """At this second somebody starts another processor."""

    at: float
    name: str
    client_id: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A person pauses trading of `scope` at this second, and resumes it after some."""

    at: float
    seconds: float
    scope: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Everything that happens to host and store in one run; `lost_write` is the number of the changing call whose
    effect is lost after it was answered, by a fail-over to a replica that had not got it yet."""

    outages: tuple[Outage, ...] = ()
    stalls: tuple[Stall, ...] = ()
    jumps: tuple[Jump, ...] = ()
    seconds: tuple[Second, ...] = ()
    stops: tuple[Stop, ...] = ()
    lost_write: int = 0

    def words(self) -> list[str]:
        """What is going to happen, a line each."""
        found = [*self.outages, *self.stalls, *self.jumps, *self.seconds, *self.stops]
        lost = [f"the store loses write {self.lost_write} after it was answered"] if self.lost_write else []
        return [*map(str, found), *lost]


class StoreFaults:
    """Stands in front of the store; `tell` hears what it does."""

    def __init__(self, trouble: Trouble, tell: Callable[[str, object], None]) -> None:
        self._trouble, self._tell = trouble, tell
        self._changes = 0
        self._kept: dict[str, Any] | None = None
        self._changes_of: Counter[str] = Counter()
        self._stalled_until: dict[str, float] = {}

    async def strike(self, store: MemoryStore, name: str, call: str, moment: Moment) -> None:
        """Whatever is due at this moment of a call of the processor of this name."""
        now = asyncio.get_running_loop().time()
        if moment == "after" and self._kept is not None:
            self._restore(store, call)
        for outage in self._trouble.outages:
            if outage.moment == moment and outage.at <= now < outage.at + outage.seconds:
                self._tell("store", f"does not answer {call} ({moment} its effect)")
                raise StoreUnavailable(f"no answer to {call}")
        if moment == "before" and call in LOSABLE:
            self._keep(store)
        if moment == "after" and self._trouble.stalls:
            await self._stall(name, call, now)

    async def _stall(self, name: str, call: str, now: float) -> None:
        self._changes_of[name] += call in CHANGES
        for stall in self._trouble.stalls:
            if stall.name == name and call in CHANGES and stall.change == self._changes_of[name]:
                self._tell("store", f"its answers to {name} are {stall.seconds:.1f} s late from this {call} on")
                self._stalled_until[name] = now + stall.seconds
        if now < self._stalled_until.get(name, 0.0):
            await asyncio.sleep(self._stalled_until[name] - now)

    def _keep(self, store: MemoryStore) -> None:
        self._changes += 1
        if self._changes == self._trouble.lost_write:
            kept = [field.name for field in fields(store) if field.name not in _PRODUCERS]
            self._kept = {name: copy(getattr(store, name)) for name in kept}

    def _restore(self, store: MemoryStore, call: str) -> None:
        """Nothing else runs between the two moments of a call, so only its own effect is lost; but `take` waits there,
        and what a producer publishes meanwhile is not ours to lose."""
        self._tell("store", f"loses the effect of {call}")
        for field, value in (self._kept or {}).items():
            setattr(store, field, value)
        self._kept = None
