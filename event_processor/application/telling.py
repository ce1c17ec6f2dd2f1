"""Turns changes of records into facts and outcome notes; the only place that words them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from event_processor.application.desk import Desk
from event_processor.domain.facts import (
    EventClosed,
    EventWaiting,
    IntentReconciled,
    OrderCancelRequested,
    OrderDone,
    OrderExecuted,
    OrderNoticed,
    OrderOutcomeUnknown,
    OrderSubmitted,
    OrderSubmitting,
    OrderTakenBack,
    OrderWorking,
    PlanRecorded,
    StoreLost,
    StoreRestored,
)
from event_processor.domain.intent import IntentState, OrderIntent
from event_processor.domain.plan import Plan
from event_processor.domain.reconcile import Decision
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote
from event_processor.domain.reports import OrderNotice
from event_processor.errors import StoreUnavailable


def order_notes(before: EventRecord, after: EventRecord, now: datetime) -> list[OutcomeNote]:
    """`order_submitted` when the broker first shows an order, `order_filled` when it is done with fills."""
    notes = []
    for old, new in zip(before.intents, after.intents, strict=True):
        if _seen_first(old, new):
            notes.append(_order_note(Outcome.ORDER_SUBMITTED, new, now))
        if new.state is IntentState.DONE and old.state is not IntentState.DONE and new.filled:
            notes.append(_order_note(Outcome.ORDER_FILLED, new, now))
    return notes


def _seen_first(old: OrderIntent, new: OrderIntent) -> bool:
    known = bool(new.perm_id or new.fills) or new.state is IntentState.WORKING
    known_before = bool(old.perm_id or old.fills) or old.state is IntentState.WORKING
    return known and not known_before


def _order_note(kind: Outcome, intent: OrderIntent, now: datetime) -> OutcomeNote:
    data: dict[str, Any] = {
        "order_ref": str(intent.ref),
        "perm_id": intent.perm_id,
        "side": str(intent.leg.side),
        "symbol": intent.leg.contract.symbol,
        "quantity": f"{intent.quantity:f}",
        "filled": f"{intent.filled:f}",
    }
    return OutcomeNote(kind=kind, mark=str(intent.ref), at=now, data=data)


def moves(desk: Desk, before: EventRecord, after: EventRecord) -> None:
    """One fact for every intent that moved, one for every new execution."""
    for old, new in zip(before.intents, after.intents, strict=True):
        _executions(desk, after, old, new)
        if old.state is not new.state:
            _move(desk, after, new)


def _executions(desk: Desk, record: EventRecord, old: OrderIntent, new: OrderIntent) -> None:
    known = {fill.exec_id for fill in old.fills}
    for fill in new.fills:
        if fill.exec_id not in known:
            desk.observer.observe(
                OrderExecuted(**_order(record, new), exec_id=fill.exec_id, shares=fill.quantity, price=fill.price)
            )


def _move(desk: Desk, record: EventRecord, intent: OrderIntent) -> None:
    words = _order(record, intent)
    match intent.state:
        case IntentState.SUBMITTING:
            desk.observer.observe(OrderSubmitting(**words))
        case IntentState.WORKING:
            desk.observer.observe(OrderWorking(**words, perm_id=intent.perm_id))
        case IntentState.UNKNOWN:
            desk.observer.observe(OrderOutcomeUnknown(**words, reason=intent.note))
        case IntentState.DONE:
            desk.observer.observe(OrderDone(**words, ending=str(intent.ending), filled=intent.filled, note=intent.note))
        case IntentState.RECORDED:
            desk.observer.observe(OrderTakenBack(**words, note=intent.note))


def submitted(desk: Desk, record: EventRecord, intent: OrderIntent) -> None:
    """The order was handed to the socket."""
    desk.observer.observe(OrderSubmitted(**_order(record, intent), order_id=intent.order_id))


def cancel_requested(desk: Desk, record: EventRecord, intent: OrderIntent, reason: str) -> None:
    """A cancel was handed to the socket."""
    desk.observer.observe(OrderCancelRequested(**_order(record, intent), reason=reason))


def noticed(desk: Desk, record: EventRecord, intent: OrderIntent, notice: OrderNotice) -> None:
    """The broker said something about an order."""
    desk.observer.observe(OrderNoticed(**_order(record, intent), code=notice.code, message=notice.message))


def reconciled(desk: Desk, record: EventRecord, decision: Decision) -> None:
    """A look at the broker settled what one intent is."""
    desk.observer.observe(
        IntentReconciled(**_order(record, decision.intent), decision=str(decision.verdict), reason=decision.reason)
    )


def store_failed(desk: Desk, error: StoreUnavailable) -> None:
    """A journal write was not confirmed; told once, until one is."""
    if not desk.store.failing:
        desk.store.failing = True
        desk.observer.observe(StoreLost(reason=str(error)))
        desk.bell.ring()


def store_works(desk: Desk) -> None:
    """A journal write was confirmed."""
    if desk.store.failing:
        desk.store.failing = False
        desk.observer.observe(StoreRestored())
        desk.bell.ring()


def plan_recorded(desk: Desk, record: EventRecord, plan: Plan) -> None:
    """The plan and its intents are durable."""
    desk.observer.observe(
        PlanRecorded(
            **_event(record),
            plan_id=plan.plan_id,
            sells=len(plan.sells),
            buys=len(plan.buys),
            notes=plan.notes,
        )
    )


def waiting(desk: Desk, record: EventRecord, code: str, reason: str, until: datetime | None) -> None:
    """The event cannot go on now, and why."""
    desk.observer.observe(EventWaiting(**_event(record), reason_code=code, reason=reason, until=until))


def closed(desk: Desk, record: EventRecord, outcome: Outcome) -> None:
    """The event has its final outcome."""
    seconds = (desk.clock.now() - record.accepted_at).total_seconds()
    desk.observer.observe(
        EventClosed(
            **_event(record),
            outcome=outcome,
            reason_code=record.reason_code,
            reason=record.reason,
            seconds=seconds,
            summary=record.summary,
        )
    )


def _event(record: EventRecord) -> dict[str, Any]:
    return {"key": record.key, "event_id": record.event.id, "account": record.account}


def _order(record: EventRecord, intent: OrderIntent) -> dict[str, Any]:
    return {
        **_event(record),
        "order_ref": str(intent.ref),
        "symbol": intent.leg.contract.symbol,
        "side": intent.leg.side,
        "quantity": intent.quantity,
    }


def plan_data(plan: Plan) -> Mapping[str, Any]:
    """The plan as the `planned` outcome tells it."""
    return {
        "plan_id": plan.plan_id,
        "base_currency": plan.base_currency,
        "net_liquidation": f"{plan.net_liquidation:.2f}",
        "basis": f"{plan.basis:.2f}",
        "kept": f"{plan.kept:.2f}",
        "cash": f"{plan.cash:.2f}",
        "reserve": f"{plan.reserve:.2f}",
        "lines": [
            {
                "symbol": line.contract.symbol,
                "con_id": line.contract.con_id,
                "currency": line.contract.currency,
                "held": f"{line.held:f}",
                "target": f"{line.target:f}",
                "price": f"{line.price:f}",
                "weight_before": f"{line.weight_before:.6f}",
                "weight_target": f"{line.weight_target:.6f}",
                "weight_after": f"{line.weight_after:.6f}",
            }
            for line in plan.lines
        ],
        "orders": [
            {
                "leg": leg.number,
                "side": str(leg.side),
                "symbol": leg.contract.symbol,
                "quantity": f"{leg.quantity:f}",
                "order_type": str(leg.order_type),
                "limit_price": f"{leg.limit_price:f}" if leg.limit_price is not None else None,
                "value": f"{leg.quantity * leg.unit_value:.2f}",
            }
            for leg in plan.legs
        ],
        "notes": list(plan.notes),
    }
