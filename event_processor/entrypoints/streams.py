"""The published contract from outside, as any producer sees it: add an event, read its outcomes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.events import RedisEvents
from event_processor.domain.event import RebalanceEvent
from event_processor.domain.ids import EntryId
from event_processor.domain.record import FINAL, Outcome

READ_COUNT = 500


@dataclass(frozen=True, slots=True)
class OutcomeEntry:
    """One outcome of the stream: its kind, the envelope's id (the same when published twice) and its `data`."""

    entry_id: str
    envelope_id: str
    kind: Outcome
    time: str
    data: Mapping[str, Any]

    @property
    def final(self) -> bool:
        """Whether it ends its event."""
        return self.kind in FINAL


async def publish(link: RedisLink, event: RebalanceEvent) -> EntryId:
    """Add the event to the stream; raises StoreUnavailable."""
    return await RedisEvents(link).publish(event)


async def newest_outcome(link: RedisLink) -> str:
    """The id of the last outcome, to follow from there; raises StoreUnavailable."""
    words = ("XREVRANGE", keys.OUTCOMES, "+", "-", "COUNT", 1)
    found = await link.command("read the outcomes", *words, repeat=True)
    return str(found[0][0]) if found else "0-0"


async def outcomes_of(link: RedisLink, event: RebalanceEvent) -> Sequence[OutcomeEntry]:
    """The outcomes of one event published so far, of a stream that is still short; raises StoreUnavailable."""
    found = await link.command("read the outcomes", "XRANGE", keys.OUTCOMES, "-", "+", repeat=True)
    told = (_outcome(entry_id, fields, event) for entry_id, fields in found)
    return [outcome for outcome in told if outcome is not None]


async def follow(link: RedisLink, event: RebalanceEvent, since: str) -> AsyncIterator[OutcomeEntry]:
    """The outcomes of one event as they are published, up to the final one; raises StoreUnavailable.

    Endless when the event never ends: bound it with `asyncio.timeout`.
    """
    block = int(link.timing.block * 1000)
    while True:
        words = ("XREAD", "COUNT", READ_COUNT, "BLOCK", block, "STREAMS", keys.OUTCOMES, since)
        found = await link.command("read the outcomes", *words, repeat=True)
        for entry_id, fields in found[0][1] if found else ():
            since = entry_id
            outcome = _outcome(entry_id, fields, event)
            if outcome is not None:
                yield outcome
                if outcome.final:
                    return


def _outcome(entry_id: str, fields: Mapping[str, str], event: RebalanceEvent) -> OutcomeEntry | None:
    envelope = json.loads(fields["event"])
    data = envelope["data"]
    if (data["event_id"], data["event_source"]) != (event.id, event.source):
        return None
    return OutcomeEntry(entry_id, envelope["id"], Outcome(data["outcome"]), envelope["time"], data)
