"""What the demo sees at one instant, and what is new in it compared with the instant before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from event_processor.domain.intent import OrderIntent
from event_processor.domain.record import EventRecord, Outcome
from event_processor.entrypoints.demo.ledger import Entry, Ledger

STORY = {
    "compete": "the account owner logs in elsewhere; our session is thrown off",
    "owner_leaves": "the account owner logs out",
    "require_login": "the gateway is logged out and waits for the second factor",
    "approve_login": "the second factor is approved",
    "restart": "the gateway restarts",
    "drop": "the connection is dropped",
    "link_down": "the gateway loses its link to IBKR",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """`status` is the processor's own document, `finals` the final outcomes by their envelope's id."""

    seconds: float = 0.0
    status: Mapping[str, Any] = field(default_factory=dict)
    record: EventRecord | None = None
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
    def waits_for(self) -> str:
        """What our event waits for; empty when it is at work."""
        key = self.record.key if self.record else ""
        waits = (wait for wait in self.status.get("waiting", ()) if wait["key"] == key)
        return next((str(wait["reason"]) for wait in waits), "")

    @property
    def closed(self) -> bool:
        """Whether the event is final and its outcome published."""
        return bool(self.finals) and self.record is not None and self.record.outcome is not None


def news(before: Scene, after: Scene) -> Iterator[str]:
    """What changed, one line each, in words."""
    for entry in after.ledger.entries[len(before.ledger.entries) :]:
        if text := _told(entry):
            yield f"simulator  {text}"
    if after.session != before.session and after.session:
        yield f"session    {after.session}: {after.advice}"
    if after.waits_for != before.waits_for and after.waits_for:
        yield f"waiting    {after.waits_for}"
    yield from _plan_news(before.record, after.record)
    old = {str(intent.ref): intent for intent in before.record.intents} if before.record else {}
    for intent in after.record.intents if after.record else ():
        if _word(old.get(str(intent.ref))) != _word(intent):
            yield f"order      {_order(intent)}: {_word(intent)}"
    for envelope in after.finals.keys() - before.finals.keys():
        yield f"outcome    {after.finals[envelope].value}: {after.record.reason if after.record else ''}"


def order_word(intent: OrderIntent) -> str:
    """The state of an order, and how it ended once it has."""
    return f"{intent.state.value}, {intent.ending.value}" if intent.ending else intent.state.value


def _word(intent: OrderIntent | None) -> str:
    return order_word(intent) if intent else ""


def _plan_news(before: EventRecord | None, after: EventRecord | None) -> Iterator[str]:
    if after is not None and before is None:
        yield f"event      {after.event.id} accepted for {after.account}"
    if after is None or after.plan is None or (before is not None and before.plan == after.plan):
        return
    plan = after.plan
    yield f"plan       {len(plan.sells)} sells, {len(plan.buys)} buys on {plan.base_currency} {plan.basis:,.2f}"
    yield from (f"plan       {note}" for note in plan.notes)


def _order(intent: OrderIntent) -> str:
    return f"{intent.leg.side} {intent.quantity:f} {intent.leg.contract.symbol}"


def _told(entry: Entry) -> str:
    match entry["kind"]:
        case "action":
            return STORY.get(str(entry["action"]), "")
        case "session":
            return f"session {entry['before']} -> {entry['after']}"
        case "order_refused":
            return f"refused {entry.get('side', '')} {entry.get('symbol', '')} ({entry.get('code', '')})"
        case _:
            return ""
