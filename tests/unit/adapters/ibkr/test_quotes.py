from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.errors import QuotesUnavailable
from tests.support.quote_market import QuoteMarket, numbered
from tests.support.virtual_time import run_virtual


def test_a_fresh_line_is_not_asked_again() -> None:
    """A second question within the age costs no message; an old line is refreshed by one snapshot."""

    async def run() -> list[tuple[int, bool]]:
        market = QuoteMarket(IbkrSettings())
        await market.book.quotes(numbered(2), 30)
        await market.book.quotes(numbered(2), 30)
        await asyncio.sleep(60)
        found = await market.book.quotes(numbered(2), 30)
        assert all(market.now() - quote.at < timedelta(seconds=1) for quote in found.values())
        return market.requests

    assert run_virtual(run()) == [(1, False), (2, False), (1, True), (2, True)]


def test_never_more_lines_than_allowed() -> None:
    """More contracts than lines are asked in waves of snapshots, each given back before the next."""

    async def run() -> int:
        market = QuoteMarket(IbkrSettings(market_data_lines=9))
        assert len(await market.book.quotes(numbered(40), 30)) == 40
        assert len(await market.book.quotes(numbered(40, first=100), 30)) == 40
        return market.most_lines

    assert run_virtual(run()) == 9


def test_what_is_missing_is_named_with_its_reason() -> None:
    """One error names each contract without a price and why, and spares the good ones."""

    async def run() -> None:
        market = QuoteMarket(IbkrSettings())
        market.codes = {2: 354}
        await market.book.quotes(numbered(3), 30)

    with pytest.raises(QuotesUnavailable, match=r"S2: no market data subscription$") as caught:
        run_virtual(run())
    assert caught.value.reason_code == "quotes_unavailable"


def test_a_competing_login_is_told_apart() -> None:
    """10197 has a reason code of its own, and the next question after it works."""

    async def run() -> int:
        market = QuoteMarket(IbkrSettings())
        market.codes = {1: 10197}
        with pytest.raises(QuotesUnavailable) as caught:
            await market.book.quotes(numbered(1), 30)
        assert caught.value.reason_code == "competing_data"
        market.codes = {}
        return len(await market.book.quotes(numbered(1), 30))

    assert run_virtual(run()) == 1


def test_silence_ends_the_wait() -> None:
    """Without any answer the wait is bounded by its setting."""

    async def run() -> float:
        market = QuoteMarket(IbkrSettings(quote_timeout_seconds=5))
        market.quiet = True
        with pytest.raises(QuotesUnavailable, match="no data came"):
            await market.book.quotes(numbered(90), 30)
        return asyncio.get_running_loop().time() - market.start

    assert run_virtual(run()) <= 10.1


def test_an_old_price_is_none() -> None:
    """A line that has gone silent does not become a price by being asked for again."""

    async def run() -> None:
        market = QuoteMarket(IbkrSettings(quote_timeout_seconds=5))
        await market.book.quotes(numbered(1), 30)
        market.quiet = True
        await asyncio.sleep(60)
        with pytest.raises(QuotesUnavailable, match="S1"):
            await market.book.quotes(numbered(1), 30)

    run_virtual(run())


def test_delayed_data_is_chosen_once() -> None:
    """Only with the setting, and before the first request, the gateway is told that delayed data will do."""

    async def run() -> list[int]:
        market = QuoteMarket(IbkrSettings(allow_delayed=True))
        await market.book.quotes(numbered(1), 30)
        await market.book.quotes(numbered(1, first=2), 30)
        return market.data_types

    assert run_virtual(run()) == [3]


def test_lost_subscriptions_are_made_again() -> None:
    """After 1101 every line is asked for anew."""

    async def run() -> list[tuple[int, bool]]:
        market = QuoteMarket(IbkrSettings())
        await market.book.quotes(numbered(1), 30)
        market.book.lines_lost()
        await market.book.quotes(numbered(1), 30)
        return market.requests

    assert run_virtual(run()) == [(1, False), (1, False)]


def test_all_lines_may_stand_when_they_suffice() -> None:
    """As many contracts as lines cost one message each, and the next question none."""

    async def run() -> int:
        market = QuoteMarket(IbkrSettings(market_data_lines=95))
        for _ in range(2):
            assert len(await market.book.quotes(numbered(95), 30)) == 95
        return len(market.requests) + len(market.cancelled)

    assert run_virtual(run()) == 95


def test_a_few_too_many_cost_a_few_snapshots() -> None:
    """Five more than there are lines: ninety stand, and each question asks for ten by snapshot."""

    async def run() -> list[int]:
        market, costs = QuoteMarket(IbkrSettings(market_data_lines=95)), []
        for _ in range(3):
            before = len(market.requests)
            await market.book.quotes(numbered(100), 30)
            costs.append(len(market.requests) - before)
        assert market.most_lines <= 95
        return costs

    assert run_virtual(run()) == [100, 10, 10]


def test_lines_that_others_use_are_done_without() -> None:
    """TWS has twenty of the hundred: every price is found all the same, what does not fit by snapshot; from then on we
    never ask for more than there are, and the next connection asks for all again."""

    async def run() -> tuple[int, list[int]]:
        market = QuoteMarket(IbkrSettings(market_data_lines=100))
        market.lines = 80
        for _ in range(3):
            market.most_lines = 0
            assert len(await market.book.quotes(numbered(100), 30)) == 100
        wanted = numbered(100)
        lacking = len(market.book.lacking(wanted))
        market.book.lines_lost()
        return market.most_lines, [lacking, len(market.book.lacking(wanted))]

    assert run_virtual(run()) == (80, [0, 100])


def test_without_any_line_the_question_ends_and_the_next_one_may_succeed() -> None:
    """Somebody else has them all: told as such, within a bound, and nothing is given up for good."""

    async def run() -> int:
        market = QuoteMarket(IbkrSettings(market_data_lines=100))
        market.lines = 0
        with pytest.raises(QuotesUnavailable, match="too many market data lines are in use"):
            await market.book.quotes(numbered(40), 30)
        market.lines = 100
        return len(await market.book.quotes(numbered(40), 30))

    assert run_virtual(run()) == 40


def test_lines_are_kept_beforehand() -> None:
    """What is kept has its price when it is asked for, without a message."""

    async def run() -> int:
        market, wanted = QuoteMarket(IbkrSettings()), numbered(3)
        for contract in market.book.lacking(wanted):
            await market.book.keep(contract, wanted)
        await asyncio.sleep(1)
        assert market.book.lacking(wanted) == []
        await market.book.quotes(wanted, 30)
        return len(market.requests)

    assert run_virtual(run()) == 3


def test_lines_are_kept_within_their_number() -> None:
    """Beyond the lines nothing is lacking, and a line nobody wants makes room."""

    async def run() -> tuple[int, list[int]]:
        market, wanted = QuoteMarket(IbkrSettings(market_data_lines=3)), numbered(3, first=10)
        await market.book.quotes(numbered(2), 30)
        for contract in market.book.lacking(wanted):
            await market.book.keep(contract, wanted)
        assert len(market.book.lacking(numbered(9))) == 2
        return market.most_lines, market.cancelled

    assert run_virtual(run()) == (3, [1, 2])


def test_a_refused_line_is_not_asked_for_again_and_again() -> None:
    """Keeping warm gives a contract up that the gateway refuses data for, until the subscriptions are made anew."""

    async def run() -> tuple[int, int]:
        market, wanted = QuoteMarket(IbkrSettings()), numbered(1)
        market.codes = {1: 354}
        await market.book.keep(wanted[0], wanted)
        await asyncio.sleep(1)
        refused = len(market.book.lacking(wanted))
        market.book.lines_lost()
        return refused, len(market.book.lacking(wanted))

    assert run_virtual(run()) == (0, 1)
