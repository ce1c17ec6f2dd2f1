"""Which of an account's open events is next, and which a newer one supersedes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from event_processor.domain.record import EventRecord


@dataclass(frozen=True, slots=True)
class Agenda:
    """`superseded` are to be closed, `order` is what to try, best first; the first that can go, goes."""

    superseded: tuple[tuple[EventRecord, EventRecord], ...]
    order: tuple[EventRecord, ...]


def agenda(records: Sequence[EventRecord], now: datetime) -> Agenda:
    """Decide over the open records of one account.

    What has touched the market is finished before anything else. Of the real events that have not, the
    newest supersedes the older ones, once its own time has come: one that may not start yet leaves them
    alone, and so does one that has expired. Dry runs neither supersede nor are superseded, and go first
    since they change nothing.
    """
    touched = [r for r in records if r.touched]
    if touched:
        return Agenda((), tuple(sorted(touched, key=arrival)))
    dry = sorted((r for r in records if r.event.data.dry_run), key=arrival)
    real = sorted((r for r in records if not r.event.data.dry_run), key=arrival)
    due = [r for r in real if r.expires_at > now and (r.event.data.not_before or now) <= now]
    older = [r for r in real if due and r.expires_at > now and arrival(r) < arrival(due[-1])]
    return Agenda(tuple((old, due[-1]) for old in older), (*dry, *(r for r in real if r not in older)))


def arrival(record: EventRecord) -> tuple[int, int]:
    """Stream order: entry ids are `milliseconds-sequence`."""
    first, _, second = record.entry_id.partition("-")
    return int(first or 0), int(second or 0)
