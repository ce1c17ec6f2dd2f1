"""Which of an account's open events is next, and which a newer one supersedes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from event_processor.domain.closing import Conclusion
from event_processor.domain.ids import AccountId, EntryId
from event_processor.domain.record import EventRecord, Outcome

FOLLOW_UP_SOURCE = "/rebalancer/reconcile"
"""The source of events that resubmit one order of an event before. Such an event speaks of one contract only, so it
supersedes nothing; an ordinary one that is newer supersedes it."""


@dataclass(frozen=True, slots=True)
class Agenda:
    """`superseded` are to be closed, `order` is what to try, best first; the first that can go, goes."""

    superseded: tuple[tuple[EventRecord, EventRecord], ...]
    order: tuple[EventRecord, ...]


def agenda(records: Sequence[EventRecord], now: datetime) -> Agenda:
    """Decide over the open records of one account.

    What has touched the market is finished before anything else. Of the real events that have not, the
    newest supersedes the older ones, once its own time has come: one that may not start yet leaves them
    alone, and so do one that has expired and one that resubmits a single order. Dry runs neither supersede nor
    are superseded, and go first since they change nothing.
    """
    touched = [r for r in records if r.touched]
    if touched:
        return Agenda((), tuple(sorted(touched, key=arrival)))
    dry = sorted((r for r in records if r.event.data.dry_run), key=arrival)
    real = sorted((r for r in records if not r.event.data.dry_run), key=arrival)
    due = [r for r in real if may_start(r, now) and r.event.source != FOLLOW_UP_SOURCE]
    older = [r for r in real if due and r.expires_at > now and arrival(r) < arrival(due[-1])]
    over = {r.key for r in older}
    return Agenda(tuple((old, due[-1]) for old in older), (*dry, *(r for r in real if r.key not in over)))


def overtaken(records: Iterable[EventRecord], now: datetime) -> Mapping[EntryId, EventRecord]:
    """Of events that come in together, of whatever accounts, the entries that a newer one supersedes, and which."""
    accounts: dict[AccountId, list[EventRecord]] = {}
    for record in records:
        accounts.setdefault(record.account, []).append(record)
    return {old.entry_id: newer for each in accounts.values() for old, newer in agenda(each, now).superseded}


def superseded_by(newer: EventRecord) -> Conclusion:
    """How an event ends that this one supersedes."""
    reason = f"superseded by event {newer.event.id} ({newer.event.source})"
    return Conclusion(Outcome.SUPERSEDED, "superseded", reason)


def may_start(record: EventRecord, now: datetime) -> bool:
    """Whether the event's own time has come and is not over."""
    return record.expires_at > now and (record.event.data.not_before or now) <= now


def arrival(record: EventRecord) -> tuple[int, int]:
    """Stream order: entry ids are `milliseconds-sequence`."""
    first, _, second = record.entry_id.partition("-")
    return int(first or 0), int(second or 0)
