"""Short ways to say event records, intents and notes in tests."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from event_processor.domain.contract import TradingInterval
from event_processor.domain.event import RebalanceEvent, body_digest, parse_event
from event_processor.domain.ids import AccountId, EntryId, ExecId, OrderRef, PermId
from event_processor.domain.intent import Ending, Fill, IntentState, OrderIntent
from event_processor.domain.plan import Plan
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote, Stage
from tests.support.builders import ACCOUNT, AT, contract, event_body, plan, snapshot, weights


def event(event_id: str = "event-1", **data: object) -> RebalanceEvent:
    """A valid event with this id."""
    return parse_event(json.dumps({**event_body(**data), "id": event_id}, ensure_ascii=False))


def accepted(event_id: str = "event-1", *, account: AccountId = ACCOUNT, entry: int = 1, **data: object) -> EventRecord:
    """The record of an event before it is accepted."""
    body = event(event_id, **data)
    return EventRecord(
        key=body.key,
        event=body,
        digest=body_digest(body),
        entry_id=EntryId(f"1767625200000-{entry}"),
        account=account,
        accepted_at=AT,
        expires_at=AT + timedelta(hours=1),
    )


def planned(record: EventRecord) -> EventRecord:
    """The record with the plan and intents of two buys, and every optional field of them used somewhere."""
    made = _plan(record)
    intents = [
        OrderIntent(OrderRef.derive(record.key, record.account, leg.number), leg, leg.quantity) for leg in made.legs
    ]
    return replace(record, stage=Stage.PLANNED, plan=made, intents=tuple(intents))


def submitting(record: EventRecord, number: int = 0, order_id: int = 7, client_id: int = 1) -> EventRecord:
    """The record with one intent about to be sent."""
    intent = replace(
        record.intents[number].to(IntentState.SUBMITTING),
        sent=1,
        sent_at=AT,
        client_id=client_id,
        order_id=order_id,
    )
    return _with_intent(record, number, intent)


def filled(record: EventRecord, number: int = 0) -> EventRecord:
    """The record with one submitting intent filled, with its commission."""
    before = record.intents[number]
    fill = Fill(ExecId("0001.1"), before.quantity, Decimal("99.95"), before.quantity, Decimal("1.00"), "USD")
    done = before.to(IntentState.WORKING).to(IntentState.DONE, ending=Ending.FILLED, note="all of it")
    done = replace(done, perm_id=PermId(1_234_567_890), fills=(fill,), reported_filled=before.quantity)
    return _with_intent(record, number, done)


def closed(record: EventRecord, outcome: Outcome = Outcome.COMPLETED) -> EventRecord:
    """The record at its end."""
    return replace(
        record,
        stage=Stage.CLOSED,
        outcome=outcome,
        reason_code="done",
        reason="Every order filled.",
        closed_at=AT + timedelta(minutes=1, microseconds=5),
        summary={"orders": 2, "drift": "0.001", "lines": [{"symbol": "SPY"}]},
    )


def note(kind: Outcome = Outcome.ACCEPTED, mark: str = "1", **data: object) -> OutcomeNote:
    """A note for the outcome stream."""
    return OutcomeNote(kind, mark, AT, data)


def _plan(record: EventRecord) -> Plan:
    seen = snapshot(cash="10000", prices={"SPY": "100", "TLT": "50"})
    portfolio = weights(SPY="0.6", TLT="0.4")
    known = {
        target.query: contract(target.query.symbol, liquid_hours=(TradingInterval(AT, AT + timedelta(hours=6)),))
        for target in portfolio.targets
    }
    made = plan(portfolio, seen, contracts=known)
    return replace(made, key=record.key, account=record.account, notes=("weights were scaled — a little",))


def _with_intent(record: EventRecord, number: int, intent: OrderIntent) -> EventRecord:
    intents = (*record.intents[:number], intent, *record.intents[number + 1 :])
    return replace(record, intents=intents)
