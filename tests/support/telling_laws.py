"""What must be true of what is told: outcomes on the stream, and letters that nobody could read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from event_processor.domain.ids import EntryId
from event_processor.domain.record import FINAL, Stage
from tests.support.memory_store import MemoryStore

_FINAL_TYPES = {str(outcome) for outcome in FINAL}


def judge_telling(store: MemoryStore, *, forgetful: bool) -> Iterator[str]:
    """Each event in one final state, told once to a reader that de-duplicates by id. A `forgetful` store may have lost
    the telling itself."""
    told: dict[str, dict[str, Any]] = {}
    for envelope in store.outcomes:
        before = told.setdefault(envelope["id"], envelope)
        if before != envelope:
            yield f"outcome {envelope['id']} was published with two contents"
    finals: dict[str, list[str]] = defaultdict(list)
    for envelope in told.values():
        if _outcome(envelope) in _FINAL_TYPES:
            finals[_event_id(envelope)].append(_outcome(envelope))
    for record in store.records.values():
        name = record.event.id
        if record.stage is not Stage.CLOSED or record.outcome not in FINAL:
            yield f"event {name} ended as {record.stage} {record.outcome}"
        lost = forgetful and not finals[name]
        if finals[name] != [str(record.outcome)] and not lost:
            yield f"event {name} is {record.outcome}, the outcome stream says {finals[name]}"


def judge_news(store: MemoryStore, news: Sequence[dict[str, Any]]) -> list[str]:
    """Whether what was just published of an end is in the store already."""
    ended = {r.event.id: str(r.outcome) for r in store.records.values() if r.stage is Stage.CLOSED}
    early = [n for n in news if _outcome(n) in _FINAL_TYPES and ended.get(_event_id(n)) != _outcome(n)]
    return [f"event {_event_id(one)} was told as {_outcome(one)} before the store had it" for one in early]


def judge_letters(store: MemoryStore) -> Iterator[str]:
    """Whether what could not be read was kept whole, and once."""
    for letter in store.dead:
        entry = store.entries[EntryId(letter["entry_id"])]
        if "event" in entry and entry["event"] != letter["event"]:
            yield f"dead letter {letter['entry_id']} is not whole"
    entry_ids = [letter["entry_id"] for letter in store.dead]
    if len(entry_ids) != len(set(entry_ids)):
        yield f"an entry was buried twice: {entry_ids}"


def _outcome(envelope: dict[str, Any]) -> str:
    return str(envelope["data"]["outcome"])


def _event_id(envelope: dict[str, Any]) -> str:
    return str(envelope["data"]["event_id"])
