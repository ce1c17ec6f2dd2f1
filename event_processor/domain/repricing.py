"""A leg whose turn comes long after the plan: the same shares, at today's prices."""

from __future__ import annotations

from dataclasses import replace

from event_processor.domain.money import buy_limit, sell_limit
from event_processor.domain.order import OrderType, Side
from event_processor.domain.plan import Leg
from event_processor.domain.policy import TradingPolicy
from event_processor.domain.portfolio import Quote
from event_processor.errors import QuotesUnavailable


def repriced(leg: Leg, quote: Quote, policy: TradingPolicy) -> Leg:
    """The leg with its limit price and unit value from `quote`; its quantity and side stay as planned.

    Raises QuotesUnavailable when the side we need has no price."""
    buying = leg.side is Side.BUY
    price = quote.to_buy if buying else quote.to_sell
    if price is None:
        raise QuotesUnavailable(f"no price for {leg.contract.symbol}")
    if leg.order_type is OrderType.MARKET:
        return replace(leg, unit_value=price * leg.rate)
    limit = (buy_limit if buying else sell_limit)(price, policy.limit_offset_bps, leg.contract.min_tick)
    return replace(leg, limit_price=limit, unit_value=(limit if buying else price) * leg.rate)
