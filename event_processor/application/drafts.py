"""What an entry of the stream would be remembered as, before anything is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from event_processor.application.accounts import AccountRules
from event_processor.domain.closing import Conclusion
from event_processor.domain.event import RebalanceEvent, body_digest, parse_event
from event_processor.domain.ids import AccountId, EntryId, EventKey, event_key
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote, Stage
from event_processor.errors import EventError, EventMalformed, EventRefused
from event_processor.ports import Clock, InboxEntry

_DELETED = (
    "somebody deleted the entry from the stream before it was acknowledged. If its event was accepted, that goes on or "
    "has ended; if not, nothing is left of it: publish it again"
)


class Drafts:
    """Makes records of entries; an event that names no expiry lives for `ttl_seconds`."""

    def __init__(self, rules: AccountRules, clock: Clock, ttl_seconds: float) -> None:
        self._rules, self._clock, self._ttl = rules, clock, timedelta(seconds=ttl_seconds)

    def of(self, entry: InboxEntry) -> EventRecord:
        """The record to accept, already closed when the account's rules refuse the event. Raises EventError."""
        event, now = _read(entry), self._clock.now()
        record = EventRecord(
            key=event_key(event.source, event.id),
            event=event,
            digest=body_digest(event),
            entry_id=entry.entry_id,
            account=AccountId(event.data.account),
            accepted_at=now,
            expires_at=event.data.expires_at or now + self._ttl,
        )
        try:
            rule = self._rules.find(event.data.account)
            record = replace(record, account=AccountId(rule.account))
            self._rules.check(rule, dry_run=event.data.dry_run)
        except EventRefused as refusal:
            return ended(record, Conclusion(Outcome.REJECTED, refusal.reason_code, str(refusal)), now)
        return record

    async def together(self, entries: Sequence[InboxEntry]) -> Mapping[EntryId, EventRecord]:
        """Those of a batch that can be read. None when an entry was handed out before: it may be what broke the
        process, and then those beside it must not be looked at with it."""
        found: dict[EntryId, EventRecord] = {}
        if any(entry.deliveries > 1 for entry in entries):
            return found
        for entry in entries:
            with suppress(EventError):  # told when its turn comes
                found[entry.entry_id] = self.of(entry)
            await asyncio.sleep(0)  # large bodies take their time; others go on meanwhile
        return found


def news(records: Iterable[EventRecord]) -> Sequence[EventRecord]:
    """The first of each event, since a repeat is nothing new, and none that was refused."""
    firsts: dict[EventKey, EventRecord] = {}
    for record in records:
        firsts.setdefault(record.key, record)
    return [record for record in firsts.values() if record.stage is not Stage.CLOSED]


def ended(record: EventRecord, conclusion: Conclusion, at: datetime) -> EventRecord:
    """The record of an event that nothing was ever done for."""
    told = {"reason_code": conclusion.reason_code, "reason": conclusion.reason}
    return replace(
        record,
        stage=Stage.CLOSED,
        outcome=conclusion.outcome,
        reason_code=conclusion.reason_code,
        reason=conclusion.reason,
        closed_at=at,
        summary=told,
    )


def first_notes(record: EventRecord) -> Sequence[OutcomeNote]:
    """What the outcome stream is told when the record is accepted; a refused event never was."""
    at = record.accepted_at
    accepted = {"expires_at": record.expires_at.isoformat(), "reason": "accepted"}
    notes = [OutcomeNote(kind=Outcome.ACCEPTED, mark="", at=at, data=accepted)]
    if record.outcome is None:
        return notes
    final = OutcomeNote(kind=record.outcome, mark="", at=record.closed_at or at, data=record.summary)
    return [final] if record.outcome is Outcome.REJECTED else [*notes, final]


def _read(entry: InboxEntry) -> RebalanceEvent:
    if not entry.fields:
        raise EventMalformed(_DELETED, reason_code="deleted")
    if entry.body is None:
        raise EventMalformed("the entry has no field `event`; put the whole event as JSON into that one field")
    try:
        return parse_event(entry.body)
    except EventMalformed:
        raise
    except Exception as error:
        raise EventMalformed(f"the event cannot be read: {error!r}", reason_code="unreadable") from error
