"""How an account wants to be traded: the reserve, the order style, the limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

_T = TypeVar("_T", Decimal, int)


class OrderStyle(StrEnum):
    MARKET = "market"
    MARKETABLE_LIMIT = "marketable_limit"


class OnTimeout(StrEnum):
    """What happens to orders still open when their time is up."""

    CANCEL = "cancel"
    LEAVE = "leave"


class ForeignOrders(StrEnum):
    """What open orders of others on a contract of the plan mean."""

    REVIEW = "review"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Limits:
    """Pre-trade limits; None means no limit. Money in the base currency, shares of value as fractions.

    `quote_age_seconds_max` is how old a price may be that a plan is made on.
    """

    order_value_max: Decimal | None = None
    orders_max: int | None = None
    turnover_max: Decimal | None = None
    position_weight_max: Decimal | None = None
    quote_age_seconds_max: Decimal = Decimal(30)

    def tightened(self, other: Limits) -> Limits:
        """The tighter of both, limit by limit: an event may narrow the account's limits, never widen them."""
        return Limits(
            order_value_max=_least(self.order_value_max, other.order_value_max),
            orders_max=_least(self.orders_max, other.orders_max),
            turnover_max=_least(self.turnover_max, other.turnover_max),
            position_weight_max=_least(self.position_weight_max, other.position_weight_max),
            quote_age_seconds_max=min(self.quote_age_seconds_max, other.quote_age_seconds_max),
        )


def _least(one: _T | None, two: _T | None) -> _T | None:
    return two if one is None else one if two is None else min(one, two)


@dataclass(frozen=True, slots=True)
class TradingPolicy:
    """One account's policy; the defaults are what a paper account without an entry gets.

    `cash_reserve` is the share of the basis that stays in cash. `limit_offset_bps` is how far a
    marketable limit reaches past the quote. `trade_value_min` suppresses orders too small to be worth
    their commission (base currency). `slippage_bps` of the buys is how far prices may move between plan and
    fill before buys are trimmed to what the cash still pays.
    """

    cash_reserve: Decimal = Decimal(0)
    order_style: OrderStyle = OrderStyle.MARKET
    limit_offset_bps: Decimal = Decimal(25)
    trade_value_min: Decimal = Decimal(0)
    slippage_bps: Decimal = Decimal(50)
    on_timeout: OnTimeout = OnTimeout.CANCEL
    foreign_orders: ForeignOrders = ForeignOrders.REVIEW
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class AccountRule:
    """What the owner allows for one account. An account that is not `armed` gets dry runs only."""

    alias: str
    account: str
    armed: bool
    policy: TradingPolicy = field(default_factory=TradingPolicy)
