"""What must be true of an event's end, told from the exchange's ledger, the event as it was published and the store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from event_processor.domain.agenda import arrival
from event_processor.domain.ids import EntryId, run_digest
from event_processor.domain.intent import Ending
from event_processor.domain.order import Side
from event_processor.domain.plan import Plan
from event_processor.domain.record import EventRecord, Outcome
from gateway_simulator.simulator import Simulator
from tests.support.memory_store import MemoryStore

UNTRADED = frozenset({Outcome.NO_CHANGE, Outcome.SUPERSEDED, Outcome.EXPIRED, Outcome.REJECTED})
"""Outcomes that say that no order was ever placed."""
SLIPPAGE_MAX = Decimal("0.0051")
"""Share of what is bought: the default policy's 50 basis points."""
COSTS_MAX = Decimal("0.98")
"""A reserve is a share of what the account is worth after costs, which are small."""
TOLERANCE = Decimal("0.001")
"""How much of the account's value cash may be off: by so little the processor tells no old figure from a new one."""
LIFE = timedelta(days=1)
DEPOSIT_HIDDEN_MAX = timedelta(seconds=220)
"""The broker's own lag, and the time for which a figure from the course of the last run may be that of before it."""


def expiry(record: EventRecord, store: MemoryStore) -> datetime:
    """When the event expires, read from what was published and not from what the processor made of it."""
    expires_at = _data(record, store).get("expires_at")
    return datetime.fromisoformat(str(expires_at)) if expires_at else record.accepted_at + LIFE


def judge_ending(record: EventRecord, sim: Simulator, store: MemoryStore, *, clock_jumps: bool) -> Iterator[str]:
    """What is wrong with how one event ended. With `clock_jumps` nobody can tell when it was planned."""
    name, run = record.event.id, f"rb{run_digest(record.key, record.account)}-"
    accepted = [ref for ref in sim.ledger.orders_by_ref() if ref.startswith(run)]
    executed = sum((Decimal(str(e["shares"])) for e in _executions(sim, run)), Decimal(0))
    if accepted and (record.outcome in UNTRADED or record.event.data.dry_run):
        yield f"event {name} is {record.outcome}, the exchange has its orders {accepted}"
    if record.outcome is Outcome.FAILED and executed:
        yield f"event {name} failed, and yet {executed} shares were executed"
    if record.outcome is Outcome.PARTIAL and record.intents:
        planned = sum((i.leg.quantity for i in record.intents), Decimal(0))
        if not 0 < executed < planned:
            yield f"event {name} is partial with {executed} of {planned} shares executed"
    if record.outcome is Outcome.SUPERSEDED and not any(_supersedes(one, record) for one in store.records.values()):
        yield f"event {name} was superseded, and none is newer"
    if record.outcome is Outcome.EXPIRED and record.closed_at and record.closed_at < expiry(record, store):
        yield f"event {name} expired at {record.closed_at}, before its time ({expiry(record, store)})"
    if record.plan is not None:
        yield from _reserve(record, record.plan, store)
        guessed = clock_jumps or (record.event.data.dry_run and _after_a_review(record, store))
        yield from () if guessed else _looked_right(record, record.plan, sim)
    if record.outcome is Outcome.COMPLETED_ADJUSTED and record.plan is not None:
        yield from _short_of_cash(record, record.plan, list(_executions(sim, run)))


def working_at(sim: Simulator, record: EventRecord) -> list[str]:
    """The event's orders that may still trade at the exchange, but for those that were left open by policy."""
    run = f"rb{run_digest(record.key, record.account)}-"
    left = {str(intent.ref) for intent in record.intents if intent.ending is Ending.LEFT_OPEN}
    alive = [working.order.order_ref for working in sim.book.working()]
    return [ref for ref in alive if ref.startswith(run) and ref not in left]


def _supersedes(newer: EventRecord, old: EventRecord) -> bool:
    same = newer.account == old.account and not newer.event.data.dry_run
    return same and arrival(newer) > arrival(old) and newer.event.id in old.reason


def _after_a_review(record: EventRecord, store: MemoryStore) -> bool:
    """Whether an event of the account ended before it of which nobody knows what is left of the cash: a dry run then
    takes the broker's figure, and a real one waits for a person."""
    reviewed = [one for one in store.records.values() if one.outcome is Outcome.NEEDS_REVIEW]
    return any(one.account == record.account and one.entry_id != record.entry_id for one in reviewed)


def _looked_right(record: EventRecord, plan: Plan, sim: Simulator) -> Iterator[str]:
    """The plan was made from what the account really had, however long the broker takes to show that."""
    before = [e for e in sim.ledger.entries if datetime.fromisoformat(str(e["time"])) <= plan.made_at]
    mine = [e for e in before if e.get("account") == record.account]
    held = {int(str(e["conId"])): Decimal(str(e["quantity"])) for e in mine if e["kind"] == "position"}
    for line in plan.lines:
        if line.held != held.get(line.contract.con_id, Decimal(0)):
            truth = held.get(line.contract.con_id, Decimal(0))
            yield f"event {record.event.id} was planned with {line.held} {line.contract.symbol} held, not {truth}"
    cash = [Decimal(str(e["amount"])) for e in mine if e["kind"] == "cash"]
    if not cash:
        return
    least = cash[-1] - _paid_in_lately(mine, plan.made_at)
    off = plan.net_liquidation * TOLERANCE
    if not least - off <= plan.cash <= cash[-1] + off:
        yield f"event {record.event.id} was planned with {plan.cash} cash, not {least} to {cash[-1]}"


def _paid_in_lately(mine: Iterable[dict[str, Any]], at: datetime) -> Decimal:
    """Money that the broker alone knows of and shows late: it need not be counted yet."""
    paid_in = [e for e in mine if e["kind"] == "action" and e["action"] == "cash"]
    recent = [e for e in paid_in if at - datetime.fromisoformat(str(e["time"])) < DEPOSIT_HIDDEN_MAX]
    return sum((Decimal(str(e["amount"])) for e in recent), Decimal(0))


def _reserve(record: EventRecord, plan: Plan, store: MemoryStore) -> Iterator[str]:
    """The plan's own figures, which the cash is judged by, are those that the event and the policy allow."""
    share = Decimal(str(_data(record, store).get("cash", {}).get("reserve", 0)))
    if plan.reserve < share * plan.basis * COSTS_MAX:
        yield f"event {record.event.id} asks to keep {share} of {plan.basis:.2f}, its plan keeps {plan.reserve:.2f}"
    bought = sum((leg.quantity * leg.unit_value for leg in plan.legs if leg.side is Side.BUY), Decimal(0))
    if plan.slippage > bought * SLIPPAGE_MAX:
        yield f"event {record.event.id} buys for {bought:.2f}, its plan lets prices slip by {plan.slippage:.2f}"


def _short_of_cash(record: EventRecord, plan: Plan, trades: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Adjusted means: what was left out, the cash did not pay for."""
    cash = plan.cash
    for trade in trades:
        amount = Decimal(str(trade["shares"])) * Decimal(str(trade["price"]))
        cash += (amount if trade["side"] == "SLD" else -amount) - Decimal(str(trade["commission"]))
    missing = [i.leg for i in record.intents if i.executed < i.leg.quantity]
    if not missing or any(line.rate != 1 for line in plan.lines):
        return
    most = max(leg.unit_value + leg.commission for leg in missing) + 2 * plan.slippage
    if cash - plan.reserve > most:
        yield f"event {record.event.id} bought less than planned with {cash - plan.reserve:.2f} left to spend"


def _executions(sim: Simulator, run: str) -> Iterator[dict[str, Any]]:
    return (entry for entry in sim.ledger.executions() if str(entry["orderRef"]).startswith(run))


def _data(record: EventRecord, store: MemoryStore) -> dict[str, Any]:
    published: dict[str, Any] = json.loads(store.entries[EntryId(record.entry_id)]["event"])
    data: dict[str, Any] = published["data"]
    return data
