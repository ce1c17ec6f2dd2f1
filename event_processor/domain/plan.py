"""The plan: which orders turn one snapshot of an account into its targets, and how we got there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from event_processor.domain.contract import Contract
from event_processor.domain.ids import AccountId, EventKey
from event_processor.domain.order import OrderType, Side


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One contract of the plan, without its hours: what is held, what is wanted, and the price both were judged by.

    Quantities in shares; `price` is the mark in the contract's currency and `rate` its base value per
    unit; weights are shares of `Plan.basis`. `ideal` is the unrounded target.
    """

    contract: Contract
    held: Decimal
    ideal: Decimal
    target: Decimal
    price: Decimal
    rate: Decimal
    weight_before: Decimal
    weight_target: Decimal
    weight_after: Decimal


@dataclass(frozen=True, slots=True)
class Leg:
    """One order of the plan. Sells come first; `number` counts from 1 over all of them.

    `unit_value` is the estimated base money one share costs (buy: at the price we would pay) or brings
    (sell), `commission` the estimated commission of the whole leg in base money, `rate` the base value of
    one unit of the contract's currency.
    """

    number: int
    contract: Contract
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None
    unit_value: Decimal
    commission: Decimal
    rate: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided for one event in one account, from one snapshot. Money in `base_currency`.

    `net_liquidation` values holdings at live marks; `kept` is what stays untouched by request or kind;
    `basis` = what weights are shares of; `reserve` the cash that must remain; `cash` what there was;
    `slippage` is how far below the reserve price moves may push the cash before buys are trimmed.
    `adjusted` says that the cash did not pay for all that was wanted.
    `notes` says in words whatever a person should know (scaled weights, trimmed buys, suppressed lines).
    """

    key: EventKey
    account: AccountId
    plan_id: str
    made_at: datetime
    base_currency: str
    net_liquidation: Decimal
    kept: Decimal
    basis: Decimal
    cash: Decimal
    reserve: Decimal
    slippage: Decimal
    lines: tuple[PlanLine, ...]
    legs: tuple[Leg, ...]
    adjusted: bool = False
    notes: tuple[str, ...] = ()

    @property
    def sells(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs if leg.side is Side.SELL)

    @property
    def buys(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs if leg.side is Side.BUY)
