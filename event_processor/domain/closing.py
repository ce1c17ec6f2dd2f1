"""How an event ended: its final outcome, in one word, one sentence and one summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from event_processor.domain.execution import commission_paid
from event_processor.domain.ids import ConId
from event_processor.domain.intent import Ending, OrderIntent
from event_processor.domain.order import Side
from event_processor.domain.plan import Plan
from event_processor.domain.record import Outcome

_WEIGHT = Decimal("0.000001")
_MONEY = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Conclusion:
    outcome: Outcome
    reason_code: str
    reason: str


def conclude(plan: Plan, intents: Sequence[OrderIntent]) -> Conclusion:
    """The final outcome of a plan whose intents are all done."""
    if not intents and plan.adjusted:
        return Conclusion(Outcome.NO_CHANGE, "cash_short", "The cash pays for no share of what is missing.")
    if not intents:
        return Conclusion(Outcome.NO_CHANGE, "in_band", "Every line is already within one share of its target.")
    overfilled = [i for i in intents if i.filled > i.quantity]
    if overfilled:
        return Conclusion(Outcome.NEEDS_REVIEW, "overfilled", _listed("Filled more than was ordered", overfilled))
    unresolved = [i for i in intents if i.ending is Ending.UNRESOLVED]
    if unresolved:
        return Conclusion(Outcome.NEEDS_REVIEW, "outcome_unknown", _listed("Not proven either way", unresolved))
    short = [i for i in intents if i.ending in {Ending.CANCELLED, Ending.REFUSED, Ending.LEFT_OPEN}]
    if short:
        return _fell_short(intents, short)
    adjusted = [i for i in intents if i.filled < i.leg.quantity]
    if adjusted:
        return Conclusion(Outcome.COMPLETED_ADJUSTED, "cash_short", _listed("Bought less than planned", adjusted))
    if plan.adjusted:
        reason = f"All {len(intents)} orders filled, but the cash did not pay for all the targets ask for."
        return Conclusion(Outcome.COMPLETED_ADJUSTED, "cash_short", reason)
    return Conclusion(Outcome.COMPLETED, "filled", f"All {len(intents)} orders filled.")


def _fell_short(intents: Sequence[OrderIntent], short: Sequence[OrderIntent]) -> Conclusion:
    refused = any(i.ending is Ending.REFUSED for i in short)
    left = any(i.ending is Ending.LEFT_OPEN for i in short)
    code = "order_refused" if refused else "left_open" if left else "unfilled"
    outcome = Outcome.PARTIAL if left or any(i.filled for i in intents) else Outcome.FAILED
    return Conclusion(outcome, code, _listed("Not filled as planned", short))


def _listed(head: str, intents: Sequence[OrderIntent]) -> str:
    most = 10
    rows = [
        f"{i.leg.side} {i.leg.contract.symbol} {i.filled:f} of {i.leg.quantity:f}{f' ({i.note})' if i.note else ''}"
        for i in intents[:most]
    ]
    more = f" and {len(intents) - most} more" if len(intents) > most else ""
    return f"{head}: {'; '.join(rows)}{more}."


def summary(plan: Plan, intents: Sequence[OrderIntent]) -> dict[str, Any]:
    """Weights before, wanted and after (shares of the basis, at the plan's prices), drift, orders, cost.

    `residual_drift` is half the sum of absolute weight differences: the share of the basis still to be moved.
    """
    moved = _moved(intents)
    weights: dict[str, dict[str, str]] = {}
    drift = Decimal(0)
    for line in plan.lines:
        quantity = line.held + moved.get(line.contract.con_id, Decimal(0))
        after = quantity * line.price * line.rate / plan.basis
        drift += abs(after - line.weight_target)
        weights[_name(plan, line.contract.symbol, line.contract.con_id)] = {
            "before": _show(line.weight_before, _WEIGHT),
            "target": _show(line.weight_target, _WEIGHT),
            "after": _show(after, _WEIGHT),
            "quantity": f"{quantity:f}",
        }
    return {
        "plan_id": plan.plan_id,
        "base_currency": plan.base_currency,
        "net_liquidation": _show(plan.net_liquidation, _MONEY),
        "kept": _show(plan.kept, _MONEY),
        "basis": _show(plan.basis, _MONEY),
        "weights": weights,
        "residual_drift": _show(drift / 2, _WEIGHT),
        "commission": _show(sum((commission_paid(i) for i in intents), Decimal(0)), _MONEY),
        "commission_complete": all(f.commission is not None for i in intents for f in i.fills),
        "orders": [_order(i) for i in intents],
        "notes": list(plan.notes),
    }


def _moved(intents: Sequence[OrderIntent]) -> dict[ConId, Decimal]:
    moved: dict[ConId, Decimal] = {}
    for intent in intents:
        signed = intent.filled if intent.leg.side is Side.BUY else -intent.filled
        con_id = intent.leg.contract.con_id
        moved[con_id] = moved.get(con_id, Decimal(0)) + signed
    return moved


def _name(plan: Plan, symbol: str, con_id: ConId) -> str:
    alone = sum(1 for line in plan.lines if line.contract.symbol == symbol) == 1
    return symbol if alone else f"{symbol}:{con_id}"


def _order(intent: OrderIntent) -> dict[str, Any]:
    return {
        "order_ref": str(intent.ref),
        "perm_id": intent.perm_id,
        "side": str(intent.leg.side),
        "symbol": intent.leg.contract.symbol,
        "planned": f"{intent.leg.quantity:f}",
        "filled": f"{intent.filled:f}",
        "state": str(intent.state),
        "ending": str(intent.ending) if intent.ending else None,
        "note": intent.note,
    }


def _show(value: Decimal, step: Decimal) -> str:
    return f"{value.quantize(step):f}"
