"""What happened to one event, put together from its record, its timeline and what people settled; no input, no output.

The record is the truth. The timeline is told beside it and may lack its last moments, so nothing here needs a line
of it to be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from event_processor.domain.intent import OrderIntent
from event_processor.domain.record import EventRecord
from event_processor.domain.settlement import Question, Settlement

Line = Mapping[str, Any]
STATES = {
    "order.submitting": "submitting",
    "order.submitted": "sent",
    "order.working": "working",
    "order.outcome_unknown": "in doubt",
    "order.taken_back": "proven absent",
    "order.cancel_requested": "cancel requested",
    "order.done": "done",
}

ORDER_WORDS = {
    "order.submitting": "about to be sent, written down first",
    "order.submitted": "handed to the socket as order id {order_id}",
    "order.working": "the broker has it, permId {perm_id}",
    "order.executed": "{shares} executed at {price}",
    "order.done": "done, {ending}, {filled} filled ({note})",
    "order.cancel_requested": "cancel asked for: {reason}",
    "order.noticed": "the broker says {code}: {message}",
    "order.outcome_unknown": "in doubt: {reason}",
    "order.taken_back": "did not reach the broker, will be sent again: {note}",
    "intent.reconciled": "looked at the broker: {decision}, {reason}",
}


@dataclass(frozen=True, slots=True)
class Story:
    """One event: `open_questions` are those that still keep its account held."""

    record: EventRecord
    timeline: Sequence[Line]
    settlements: Sequence[Settlement] = ()
    open_questions: Sequence[Question] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """One stretch of waiting; `end` is None while it lasts."""

    start: datetime
    end: datetime | None
    reason_code: str
    reason: str
    until: str | None

    @property
    def seconds(self) -> float | None:
        """How long it lasted; None while it does."""
        return (self.end - self.start).total_seconds() if self.end else None


def waits(timeline: Sequence[Line]) -> list[Wait]:
    """Why the event waited, and from when to when: until whatever happened next."""
    found = []
    for line, following in zip_longest(timeline, timeline[1:]):
        if line["name"] == "event.waiting":
            end = instant(following) if following else None
            found.append(Wait(instant(line), end, line["reason_code"], line["reason"], line.get("until")))
    return found


def states(timeline: Iterable[Line], intent: OrderIntent) -> list[tuple[datetime, str]]:
    """When the order came into which state."""
    own = (line for line in timeline if line.get("order_ref") == str(intent.ref))
    return [(instant(line), STATES[line["name"]]) for line in own if line["name"] in STATES]


def executions(timeline: Iterable[Line], intent: OrderIntent) -> list[dict[str, Any]]:
    """The order's executions as the journal has them, with their times as far as the timeline tells."""
    told = {line.get("exec_id"): instant(line) for line in timeline if line["name"] == "order.executed"}
    return [
        {
            "at": told.get(fill.exec_id),
            "exec_id": fill.exec_id,
            "quantity": fill.quantity,
            "price": fill.price,
            "commission": fill.commission,
            "commission_currency": fill.commission_currency,
        }
        for fill in intent.fills
    ]


def instant(line: Line) -> datetime:
    """When the fact was observed."""
    return datetime.fromisoformat(line["at"])


def sentence(line: Line) -> str:
    """One fact in words."""
    name = str(line["name"])
    if name.startswith(("order.", "intent.")):
        words = ORDER_WORDS.get(name, name).format_map(line).removesuffix(" ()").removesuffix(": ")
        return f"{line['side']} {line['quantity']} {line['symbol']}: {words}"
    match name:
        case "event.claimed":
            return "taken up again where it stood" if line["resumed"] else "taken up"
        case "event.repeated":
            return "published once more; that has no effect"
        case "event.waiting":
            until = f", until {line['until'][:19]} UTC" if line.get("until") else ""
            return f"waits{until}: {line['reason']}"
        case "plan.recorded":
            return f"plan {line['plan_id']} written down: {line['sells']} sells, {line['buys']} buys"
        case "doubt.settled":
            follow = f"; {line['follow_up']} orders what is missing" if line["follow_up"] else ""
            return f"{line['by']} settled {line['subject']}: {line['resolution']} (broker: {line['shown']}){follow}"
        case "event.closed":
            return f"ended as {line['outcome']}: {line['reason']}"
        case _:
            hidden = {"at", "name", "level", "key", "event_id", "account"}
            return " ".join(f"{field}={value}" for field, value in line.items() if field not in hidden)
