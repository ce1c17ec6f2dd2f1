"""What a price is worth by the time the question has its answer, and that the question ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.domain.contract import Contract, TradingInterval
from event_processor.errors import QuotesUnavailable
from tests.support.quote_market import QuoteMarket, numbered
from tests.support.virtual_time import run_virtual


@pytest.mark.parametrize("age", [16, 28, 31, 45])
def test_a_price_that_grew_old_while_others_were_waited_for_is_none(age: int) -> None:
    """The first wave of snapshots stays silent, so the second is never sent: what it was to refresh is judged by its
    age when the question ends, not when it began, and never by more than was asked."""

    async def run() -> None:
        market = QuoteMarket(IbkrSettings(market_data_lines=30, quote_timeout_seconds=20))
        await market.book.quotes(numbered(30), 30)
        market.quiet = True
        await asyncio.sleep(age)
        began = market.now()
        with pytest.raises(QuotesUnavailable, match="S30"):
            await market.book.quotes(numbered(30), 30)
        assert market.now() - began < timedelta(seconds=21)

    run_virtual(run())


def test_a_price_past_half_its_age_is_asked_for_again() -> None:
    """A plan is made and checked on it yet: what would be too old in a moment is refreshed."""

    async def run() -> int:
        market = QuoteMarket(IbkrSettings())
        await market.book.quotes(numbered(1), 30)
        await asyncio.sleep(14)
        await market.book.quotes(numbered(1), 30)
        assert len(market.requests) == 1
        await asyncio.sleep(3)
        await market.book.quotes(numbered(1), 30)
        return len(market.requests)

    assert run_virtual(run()) == 2


def test_a_talkative_line_does_not_keep_the_others_question_open() -> None:
    """Ticks of one contract come all the time and another says nothing: the wait ends with its setting."""

    async def run() -> float:
        market = QuoteMarket(IbkrSettings(quote_timeout_seconds=5))
        market.quiet = True

        async def chatter() -> None:
            for _ in range(100):
                await asyncio.sleep(1)
                market.book.tick_price(1, 1, 100.0)

        talking = asyncio.ensure_future(chatter())
        with pytest.raises(QuotesUnavailable):
            await market.book.quotes(numbered(2), 30)
        talking.cancel()
        return asyncio.get_running_loop().time() - market.start

    assert run_virtual(run()) <= 10.1


def test_nothing_is_said_of_delayed_data_unless_it_is_allowed() -> None:
    """A gateway that was never told stays with live data."""

    async def run() -> list[int]:
        market = QuoteMarket(IbkrSettings())
        await market.book.quotes(numbered(1), 30)
        return market.data_types

    assert run_virtual(run()) == []


def test_a_line_that_was_given_up_is_heard_no_more() -> None:
    """What comes late under its old request is about none of our lines; a snapshot that ended is not cancelled."""

    async def run() -> tuple[bool, list[int]]:
        market = QuoteMarket(IbkrSettings())
        await market.book.quotes(numbered(2), 30)
        await asyncio.sleep(60)
        asking = asyncio.ensure_future(market.book.quotes(numbered(2), 30))
        await asyncio.sleep(0.05)
        market.book.snapshot_complete(3)
        market.book.tick_price(1, 1, 100.0)
        with pytest.raises(QuotesUnavailable, match="S1"):
            await asking
        return market.book.notice(4, 354), market.cancelled

    assert run_virtual(run()) == (False, [4])


def test_a_last_trade_is_judged_by_the_hours_asked_with() -> None:
    """The line stands since yesterday; its contract was looked up again today, and only that has today's hours."""

    async def run() -> int:
        market = QuoteMarket(IbkrSettings())
        market.quiet = True
        [named] = numbered(1)
        old = replace(named, liquid_hours=())
        await market.book.keep(old, [old])
        market.book.tick_price(1, 4, 100.0)
        market.book.tick_other(1, 45, str(int(market.now().timestamp())))
        hours = TradingInterval(market.now() - timedelta(hours=1), market.now() + timedelta(hours=1))
        return len(await market.book.quotes([replace(old, liquid_hours=(hours,))], 30))

    assert run_virtual(run()) == 1


def test_lines_that_stand_beyond_their_reach_leave_nothing_lacking() -> None:
    """All nine stand and twenty are wanted: the rest is for snapshots, and nothing is given up for it beforehand."""

    async def run() -> int:
        market = QuoteMarket(IbkrSettings(market_data_lines=9))
        await market.book.quotes(numbered(9), 30)
        return len(market.book.lacking(numbered(20)))

    assert run_virtual(run()) == 0


def test_two_who_want_one_line_get_one() -> None:
    """Whoever keeps warm meets an event that asks for the same contract: the second waits and finds it there."""

    class Slow(QuoteMarket):
        async def request_data(self, contract: Contract, *, snapshot: bool) -> int:
            await asyncio.sleep(1)
            return await super().request_data(contract, snapshot=snapshot)

    async def run() -> int:
        market, wanted = Slow(IbkrSettings()), numbered(1)
        await asyncio.gather(market.book.quotes(wanted, 30), market.book.keep(wanted[0], wanted))
        return len(market.requests)

    assert run_virtual(run()) == 1
