"""Buys that waited long for their cash go at the prices of then, not at those they were planned by."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.policy import AccountRule, OrderStyle, TradingPolicy
from event_processor.domain.record import EventRecord, Outcome
from gateway_simulator.settings import FaultSettings
from gateway_simulator.universe import build_universe
from tests.support.stories import ACCOUNT, BUYING, SELLING, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

PLAN_AGE = TradingSettings().plan_age
SLOW = FaultSettings("order", {"count": len(SELLING), "fill_delay_ms": int(PLAN_AGE * 1000) + 5000})
RISE = Decimal("1.25")
_BEFORE = {symbol: build_universe().by_symbol(symbol, sec_type="STK").base_price for symbol in BUYING}


class Story:
    """The mixed event; its sells fill only when the plan is old, and by then what is to be bought costs more. With
    `dies` the process dies before that, so late that the one after it is still young when they fill."""

    def __init__(self, style: OrderStyle, rise: Decimal, *, dies: bool = False) -> None:
        self.prices = {symbol: (_BEFORE[symbol] * rise).quantize(Decimal("0.01")) for symbol in BUYING}
        self.problems: list[str] = []
        self._style, self._dies = style, dies
        run_virtual(self._run())

    async def _run(self) -> None:
        rule = AccountRule(ACCOUNT, ACCOUNT, armed=True, policy=TradingPolicy(order_style=self._style))
        moves = [FaultSettings("price", {"symbol": s, "price": p}, at_seconds=PLAN_AGE) for s, p in self.prices.items()]
        self.world = World(mixed(SLOW, *moves), rules=[rule])
        process = self.world.start()
        if self._dies:
            asyncio.get_running_loop().call_later(PLAN_AGE - 5, process.kill)
        self.world.publish(mixed_event())
        await self.world.settle()
        await self.world.close()
        self.problems = self.world.problems()

    @property
    def record(self) -> EventRecord:
        [record] = self.world.store.records.values()
        return record

    def sent_limits(self) -> dict[str, Decimal]:
        """The limit price under which each buy reached the gateway."""
        entries = [entry for entry in self.world.sim.ledger.of("order_received") if entry["side"] == "BUY"]
        return {str(entry["symbol"]): Decimal(str(entry["limitPrice"])) for entry in entries}


@pytest.mark.parametrize("dies", [False, True])
def test_market_orders_are_cut_to_what_the_cash_pays_at_the_new_prices(dies: bool) -> None:
    """The cash stays where it must, which the judge of the run sees, and the event says that it bought less. Prices
    are as old as the plan, not as the process that carries it out."""
    story = Story(OrderStyle.MARKET, RISE, dies=dies)
    assert story.world.deaths == dies
    assert story.problems == []
    assert story.record.outcome is Outcome.COMPLETED_ADJUSTED


@pytest.mark.parametrize("rise", [RISE, 1 / RISE])
def test_limit_orders_leave_with_the_limits_of_the_new_prices(rise: Decimal) -> None:
    """Whichever way the market went, each buy reaches just past it, and fills."""
    story = Story(OrderStyle.MARKETABLE_LIMIT, rise)
    assert story.problems == []
    assert all(intent.filled for intent in story.record.intents)
    limits = story.sent_limits()
    assert limits.keys() == set(BUYING)
    for symbol, limit in limits.items():
        assert 1 <= limit / story.prices[symbol] < Decimal("1.005"), symbol
