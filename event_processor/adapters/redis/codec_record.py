"""An event record as the fields of one hash, so that a write sends only what changed.

revision, write     the count of writes and the id of the last one, for the scripts to compare
head                everything but the event, the plan and the intents; says whether there is a plan and
                    how many intents count (what lies beyond is left over and ignored)
event, plan         each written once; the event as its own canonical JSON
i:000, i:001 …      the intents in their order
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime

from event_processor.adapters.redis.codec import VERSION, Json, dump, reader, text_of, to_json, unversioned
from event_processor.domain.ids import AccountId
from event_processor.domain.record import EventRecord, OutcomeNote
from event_processor.errors import InvariantViolated

APART = frozenset({"event", "plan", "intents"})
HEAD = tuple(part.name for part in fields(EventRecord) if part.name not in APART)


@dataclass(frozen=True, slots=True)
class Changes:
    """Hash fields to set, and the highest order id of each client id among the intents that changed."""

    put: Mapping[str, str]
    order_ids: Mapping[int, int]

    @property
    def head(self) -> str:
        """All that is remembered of a closed event in the long run."""
        return self.put["head"]


def plain(record: EventRecord) -> EventRecord:
    """The record as it will be read back: its summary as plain JSON data."""
    return replace(record, summary=to_json(record.summary))


def plain_note(note: OutcomeNote) -> OutcomeNote:
    """The note as it will be read back: its data as plain JSON data."""
    return replace(note, data=to_json(note.data))


def changes(record: EventRecord, before: EventRecord | None) -> Changes:
    """What to write so that a hash that holds `before` holds `record`; everything without a `before`."""
    put = {"head": _head(record)}
    if before is None or _differ(before.event, record.event):
        put["event"] = to_json(record.event)
    if record.plan is not None and (before is None or _differ(before.plan, record.plan)):
        put["plan"] = dump(record.plan)
    old = before.intents if before is not None else ()
    order_ids: dict[int, int] = {}
    for number, intent in enumerate(record.intents):
        if number >= len(old) or _differ(old[number], intent):
            put[_intent(number)] = dump(intent)
            order_ids[intent.client_id] = max(intent.order_id, order_ids.get(intent.client_id, 0))
    return Changes(put, {client: highest for client, highest in order_ids.items() if highest > 0})


def record_of(stored: Mapping[str, str]) -> EventRecord:
    """The record in these hash fields.

    Raises:
        InvariantViolated: a field is missing, damaged or written by a newer version.
    """
    try:
        head = unversioned(stored["head"], "head")
        event = stored["event"]
        plan = unversioned(stored["plan"], "plan") if head.pop("plan") else None
        intents = [unversioned(stored[_intent(n)], "intent") for n in range(head.pop("intents"))]
    except KeyError as error:
        raise InvariantViolated(f"a stored record lacks {error}") from error
    return _read({**head, "event": event, "plan": plan, "intents": intents})


def remembered(candidate: EventRecord, head: str) -> EventRecord:
    """A closed event of which only the head is left; the body is that of the repeat at hand, while the
    digest is the old one's, which tells whether the two agree.
    """
    known = unversioned(head, "head")
    return _read({**known, "event": to_json(candidate.event), "plan": None, "intents": []})


def closing_of(head: str) -> tuple[AccountId, datetime | None]:
    """Whose event it is, and when it was closed, if it was; costs little beside reading the record.

    Raises:
        InvariantViolated: the text is damaged or was written by a newer version.
    """
    known = unversioned(head, "head")
    at = known.get("closed_at")
    return reader(AccountId)(known.get("account"), "account"), at and reader(datetime)(at, "closed_at")


def _read(data: Json) -> EventRecord:
    record: EventRecord = reader(EventRecord)(data, "record")
    return record


def _differ(one: object, other: object) -> bool:
    """Mostly they are the same object, and looking into a large one takes time."""
    return one is not other and one != other


def _head(record: EventRecord) -> str:
    head = {name: to_json(getattr(record, name)) for name in HEAD}
    return text_of({"v": VERSION, "plan": record.plan is not None, "intents": len(record.intents), **head})


def _intent(number: int) -> str:
    return f"i:{number:03d}"
