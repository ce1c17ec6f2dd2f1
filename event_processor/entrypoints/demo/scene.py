"""What the demo sees at one instant, and what is new in it compared with the instant before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from event_processor.domain.intent import OrderIntent
from event_processor.domain.record import EventRecord, Outcome
from event_processor.domain.session import SessionState
from event_processor.entrypoints.demo.ledger import Entry, Ledger

STORY = {
    "compete": "the account owner logs in elsewhere; our session is thrown off",
    "require_login": "the gateway is logged out and waits for the second factor",
    "approve_login": "the second factor is approved",
    "restart": "the gateway restarts",
    "drop": "the connection is dropped",
    "link_down": "the gateway loses its link to IBKR",
}
PASSING = frozenset({"", SessionState.DOWN, SessionState.RESTARTING, SessionState.SYNCING})
ORDER_WORDS = {
    "order.submitting": "submitting",
    "order.working": "working",
    "order.outcome_unknown": "unknown",
    "order.cancel_requested": "cancel requested",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """`status` is the processor's own document, `timeline` the event's facts, `finals` the final outcomes
    by their envelope's id."""

    seconds: float = 0.0
    status: Mapping[str, Any] = field(default_factory=dict)
    record: EventRecord | None = None
    timeline: Sequence[Mapping[str, Any]] = ()
    finals: Mapping[str, Outcome] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def session(self) -> str:
        """The session's state; empty before the processor has told anything."""
        return str(self.status.get("session", {}).get("state", ""))

    @property
    def advice(self) -> str:
        """What the session's state means, and what a person can do."""
        return str(self.status.get("session", {}).get("advice", ""))

    @property
    def passing(self) -> bool:
        """Whether the session is in a state that it should leave by itself."""
        return self.session in PASSING

    @property
    def waits_for(self) -> str:
        """What our event waits for; empty when it is at work."""
        key = self.record.key if self.record else ""
        waits = (wait for wait in self.status.get("waiting", ()) if wait["key"] == key)
        return next((str(wait["reason"]) for wait in waits), "")

    @property
    def closed(self) -> bool:
        """Whether the event is final and its outcome published."""
        return bool(self.finals) and self.record is not None and self.record.outcome is not None


def news(before: Scene, after: Scene) -> Sequence[str]:
    """What happened between two looks, one line each, in the order in which it happened."""
    found = [
        *_simulator_news(after.ledger.entries[len(before.ledger.entries) :]),
        *_timeline_news(after.timeline[len(before.timeline) :]),
    ]
    if after.session and after.session != before.session:
        found.append((_instant(after.status["at"]), f"session    {after.session}: {after.advice}"))
    return [text for _, text in sorted(found, key=lambda line: line[0])]


def order_word(intent: OrderIntent) -> str:
    """The state of an order, and how it ended once it has."""
    return f"{intent.state.value}, {intent.ending.value}" if intent.ending else intent.state.value


def _simulator_news(entries: Sequence[Entry]) -> Iterator[tuple[datetime, str]]:
    for entry in entries:
        if text := _told(entry):
            yield _instant(entry["time"]), f"simulator  {text}"


def _told(entry: Entry) -> str:
    match entry["kind"]:
        case "action":
            return STORY.get(str(entry["action"]), "")
        case "session":
            return f"the session is {entry['after']}" if entry["before"] != entry["after"] else ""
        case "order_refused":
            return f"refuses {entry.get('side', '')} {entry.get('symbol', '')} (code {entry.get('code', '')})"
        case _:
            return ""


def _timeline_news(lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[datetime, str]]:
    for line in lines:
        for text in _fact(line):
            yield _instant(line["at"]), text


def _fact(line: Mapping[str, Any]) -> Iterator[str]:
    order = f"order      {line.get('side')} {line.get('quantity')} {line.get('symbol')}"
    match line["name"]:
        case "event.waiting":
            yield f"waiting    {line['reason']}"
        case "plan.recorded":
            yield f"plan       {line['sells']} sells and {line['buys']} buys recorded"
            yield from (f"plan       {note}" for note in line["notes"])
        case "order.done":
            yield f"{order}: done, {line['ending']}" + (f" ({line['note']})" if line["note"] else "")
        case "intent.reconciled":
            yield f"{order}: reconciled, {line['decision']}: {line['reason']}"
        case "event.closed":
            yield f"outcome    {line['outcome']}: {line['reason']}"
        case name if name in ORDER_WORDS:
            yield f"{order}: {ORDER_WORDS[name]}"
        case _:
            return


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
