"""What a journal object remembers between two writes: records as it saw them, and writes in doubt."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from event_processor.domain.ids import EventKey
from event_processor.domain.record import EventRecord, OutcomeNote, Stage

SEEN_MAX = 64
"""Enough for every account that is being worked on; a record of many orders is large."""
DOUBTS_MAX = 16
"""Per event; each stands for one write that failed since the last that did not."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A write nobody has confirmed or refused."""

    record: EventRecord
    notes: tuple[OutcomeNote, ...]
    write_id: str


class Seen:
    """Records with a plan that are not closed, with the id of the write each came from."""

    def __init__(self) -> None:
        self._records: OrderedDict[EventKey, tuple[EventRecord, str]] = OrderedDict()
        self._doubts: dict[EventKey, deque[_Doubt]] = {}

    def keep(self, record: EventRecord, write_id: str) -> None:
        """The store is known to hold this record, from this write."""
        self._records.pop(record.key, None)
        if record.plan is not None and record.stage is not Stage.CLOSED:
            self._records[record.key] = (record, write_id)
            while len(self._records) > SEEN_MAX:
                self._records.popitem(last=False)

    def base(self, record: EventRecord) -> tuple[EventRecord | None, str]:
        """The stored record that this one was made from, with its write; (None, "") when not seen."""
        seen, write_id = self._records.get(record.key, (None, ""))
        return (seen, write_id) if seen is not None and seen.revision == record.revision else (None, "")

    def has(self, key: EventKey) -> bool:
        """Whether a record of this event was seen and is remembered."""
        return key in self._records

    def at(self, key: EventKey, write_id: str) -> EventRecord | None:
        """The record of this very write, if it was seen."""
        seen, seen_write = self._records.get(key, (None, ""))
        return seen if seen_write == write_id else None

    def write_id(self, record: EventRecord, notes: Sequence[OutcomeNote], new: str) -> str:
        """The id to write under: that of the same write in doubt when the call is repeated, else the new one.
        From now on it is in doubt.
        """
        doubts = self._doubts.setdefault(record.key, deque(maxlen=DOUBTS_MAX))
        for doubt in doubts:
            if doubt.record == record and doubt.notes == tuple(notes):
                return doubt.write_id
        doubts.append(_Doubt(record, tuple(notes), new))
        return new

    def answered(self, key: EventKey, write_id: str, *, written: bool) -> None:
        """The store has said what became of this write; once one is in, those before it are too late."""
        rest = [doubt for doubt in self._doubts.pop(key, ()) if doubt.write_id != write_id]
        if rest and not written:
            self._doubts[key] = deque(rest, maxlen=DOUBTS_MAX)

    def doubtful(self, key: EventKey, write_id: str) -> bool:
        """Whether this is the id of a write in doubt."""
        return any(doubt.write_id == write_id for doubt in self._doubts.get(key, ()))
