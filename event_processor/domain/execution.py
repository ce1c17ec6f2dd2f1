"""Which recorded orders may go now: sells at once, buys as the cash they need is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import Side
from event_processor.domain.plan import Plan

_ZERO = Decimal(0)
_OPEN = frozenset({IntentState.SUBMITTING, IntentState.WORKING, IntentState.UNKNOWN})
_MAY_FILL_YET = frozenset({Ending.LEFT_OPEN, Ending.UNRESOLVED})


@dataclass(frozen=True, slots=True)
class Release:
    """Send this intent now with this quantity; zero means: give it up, the cash will not come."""

    intent: OrderIntent
    quantity: Decimal


def releases(plan: Plan, intents: Sequence[OrderIntent]) -> tuple[Release, ...]:
    """Every recorded intent that may be sent now, in the plan's order.

    Buys are counted against our own ledger of executions since the snapshot, never against the broker's
    cash, which lags fills. While a sell is not done, or any order is in doubt, a buy that does not fit waits;
    afterwards it is trimmed to what the cash pays. A doubtful buy has spent its cash, a doubtful sell brought none.
    What was sent before, or trades the contract of a doubtful order, waits until every doubt is settled.
    """
    doubted = {intent.leg.contract.con_id for intent in intents if intent.state is IntentState.UNKNOWN}
    waiting = [
        intent
        for intent in intents
        if intent.state is IntentState.RECORDED
        and not (doubted and (intent.sent or intent.leg.contract.con_id in doubted))
    ]
    sells = tuple(Release(intent, intent.quantity) for intent in waiting if intent.leg.side is Side.SELL)
    final = not doubted and all(i.state is IntentState.DONE for i in intents if i.leg.side is Side.SELL)
    free = cash_free(plan, intents)
    if not final:  # waiting costs nothing: the allowance is only there to spare a buy from being trimmed
        free -= _allowance(plan)
    buys = []
    for intent in waiting:
        if intent.leg.side is Side.SELL:
            continue
        quantity = _affordable(intent, free)
        if quantity < intent.quantity and not final:
            continue
        if quantity < intent.quantity:  # the allowance spares a buy from being trimmed; what is trimmed gets none
            quantity = _affordable(intent, free - _allowance(plan))
        buys.append(Release(intent, quantity))
        free -= _cost(intent, quantity)
    return (*sells, *buys)


def cash_free(plan: Plan, intents: Sequence[OrderIntent]) -> Decimal:
    """Base money that buys may still use: the snapshot's cash less the reserve, plus what sells brought,
    less what buys spent or may spend yet, plus the slippage the plan allows for out of the reserve."""
    bound = (
        _cost(intent, max(_ZERO, intent.quantity - intent.filled))
        for intent in intents
        if intent.leg.side is Side.BUY and (intent.state in _OPEN or intent.ending in _MAY_FILL_YET)
    )
    return cash_left(plan, intents) - plan.reserve + _allowance(plan) - sum(bound, _ZERO)


def cash_left(plan: Plan, intents: Sequence[OrderIntent]) -> Decimal:
    """The snapshot's cash plus what sells brought, less what buys and commissions took. Base money."""
    cash = plan.cash
    for intent in intents:
        traded = money_traded(intent)
        cash += (traded if intent.leg.side is Side.SELL else -traded) - commission_paid(intent)
    return cash


@dataclass(frozen=True, slots=True)
class RunCash:
    """The cash of one run in base money: what must be `left`, between which bounds it moved, how much was traded."""

    left: Decimal
    lowest: Decimal
    highest: Decimal
    traded: Decimal

    @property
    def found(self) -> Decimal:
        """The cash before the first trade: the highest less what was sold."""
        return self.highest - (self.left - self.lowest)


def run_cash(plan: Plan, intents: Sequence[OrderIntent]) -> RunCash:
    """Whatever order the trades came in, the cash never left these bounds."""
    sold = sum((money_traded(i) for i in intents if i.leg.side is Side.SELL), _ZERO)
    traded = sum((money_traded(i) for i in intents), _ZERO)
    costs = sum((commission_paid(i) for i in intents), _ZERO)
    return RunCash(cash_left(plan, intents), plan.cash - (traded - sold) - costs, plan.cash + sold, traded)


def _allowance(plan: Plan) -> Decimal:
    """How far into the reserve prices may push us; never beyond it, since that is not money we have."""
    return min(plan.slippage, plan.reserve)


def money_traded(intent: OrderIntent) -> Decimal:
    """Base money of all fills; shares the broker counts but has not detailed yet at their estimate."""
    detailed = sum((fill.quantity * fill.price for fill in intent.fills), _ZERO) * intent.leg.rate
    return detailed + (intent.filled - intent.executed) * intent.leg.unit_value


def commission_paid(intent: OrderIntent) -> Decimal:
    """Base money of commissions: the broker's figure per fill, or the estimate's share while it is missing."""
    total = _ZERO
    for fill in intent.fills:
        if fill.commission is not None:
            total += fill.commission * (
                intent.leg.rate if fill.commission_currency == intent.leg.contract.currency else 1
            )
        else:
            total += intent.leg.commission * fill.quantity / intent.leg.quantity
    return total + intent.leg.commission * (intent.filled - intent.executed) / intent.leg.quantity


def _cost(intent: OrderIntent, quantity: Decimal) -> Decimal:
    return quantity * intent.leg.unit_value + intent.leg.commission * quantity / intent.leg.quantity


def _affordable(intent: OrderIntent, free: Decimal) -> Decimal:
    each = _cost(intent, Decimal(1))
    if each <= 0 or _cost(intent, intent.quantity) <= free:
        return intent.quantity
    return max(_ZERO, (free / each).to_integral_value(ROUND_FLOOR))
