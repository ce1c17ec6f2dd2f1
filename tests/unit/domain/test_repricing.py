from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from event_processor.domain.order import OrderType, Side
from event_processor.domain.policy import TradingPolicy
from event_processor.domain.portfolio import Quote
from event_processor.domain.repricing import repriced
from event_processor.errors import QuotesUnavailable
from tests.support.builders import AT
from tests.support.making import leg

POLICY = TradingPolicy(limit_offset_bps=Decimal(100))
RATE = Decimal("1.25")


TODAY = Quote(leg(1).contract.con_id, AT, bid=Decimal(109), ask=Decimal(111))


@pytest.mark.parametrize(("side", "value"), [(Side.BUY, "138.75"), (Side.SELL, "136.25")])
def test_a_market_order_is_worth_what_its_side_costs_today(side: Side, value: str) -> None:
    """The ask for a buy, the bid for a sell, in the account's currency; shares and everything else as planned."""
    planned = leg(1, side, rate=RATE)
    today = repriced(planned, TODAY, POLICY)
    assert today == replace(planned, unit_value=Decimal(value))


@pytest.mark.parametrize(
    ("side", "limit", "value"), [(Side.BUY, "112.11", "140.1375"), (Side.SELL, "107.91", "136.25")]
)
def test_a_limit_order_follows_the_price(side: Side, limit: str, value: str) -> None:
    """A buy is worth its limit, since it may cost that; a sell what it brings at the bid."""
    planned = leg(1, side, rate=RATE, order_type=OrderType.LIMIT, limit_price=Decimal(100))
    today = repriced(planned, TODAY, POLICY)
    assert today == replace(planned, limit_price=Decimal(limit), unit_value=Decimal(value))


@pytest.mark.parametrize("side", Side)
def test_a_side_without_a_price_is_waited_for(side: Side) -> None:
    """Nothing is guessed from the other side."""
    half = replace(TODAY, ask=None) if side is Side.BUY else replace(TODAY, bid=None)
    with pytest.raises(QuotesUnavailable):
        repriced(leg(1, side), half, POLICY)
