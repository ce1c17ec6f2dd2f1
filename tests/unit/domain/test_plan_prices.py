from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from event_processor.domain.contract import TradingInterval
from event_processor.domain.policy import OrderStyle, TradingPolicy
from event_processor.domain.portfolio import Position
from tests.support.builders import AT, contract, plan, quote, snapshot, weights


def test_what_is_held_and_wanted_is_traded_by_its_full_contract() -> None:
    """A position comes without price step and hours: the contract that was looked up has them, and its order is
    limited on that step."""
    hours = (TradingInterval(AT, AT + timedelta(hours=6)),)
    whole = contract("SPY", min_tick=Decimal("0.05"), liquid_hours=hours)
    held = [Position(contract("SPY"), Decimal(10))]
    seen = snapshot(cash="95000", positions=held, quotes=[quote(whole.con_id, "500.02")])
    portfolio = weights(SPY="1")
    policy = TradingPolicy(order_style=OrderStyle.MARKETABLE_LIMIT, limit_offset_bps=Decimal(10))
    [leg] = plan(portfolio, seen, policy, contracts={portfolio.targets[0].query: whole}).legs
    assert (leg.contract, leg.limit_price) == (whole, Decimal("500.50"))


def test_a_step_that_is_no_step_is_a_cent() -> None:
    """IBKR says 0 of a contract whose step it does not know; that divides nothing by zero."""
    odd = contract("SPY", min_tick=Decimal(0))
    portfolio = weights(SPY="1")
    policy = TradingPolicy(order_style=OrderStyle.MARKETABLE_LIMIT)
    seen = snapshot(cash="95000", quotes=[quote(odd.con_id, "500")])
    [leg] = plan(portfolio, seen, policy, contracts={portfolio.targets[0].query: odd}).legs
    assert leg.limit_price == Decimal("501.25")
    assert leg.contract == replace(odd)
