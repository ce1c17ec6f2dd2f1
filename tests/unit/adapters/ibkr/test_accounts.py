from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from event_processor.adapters.ibkr.accounts import AccountBook
from event_processor.domain.contract import Contract
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.portfolio import Position
from event_processor.errors import GatewayDisconnected
from tests.support.virtual_time import run_virtual

OURS, OTHER = AccountId("DU1"), AccountId("DU2")
NOW = datetime(2026, 1, 5, tzinfo=UTC)
SPY = Contract(con_id=ConId(1), symbol="SPY")
EUR_OPTION = Contract(con_id=ConId(2), symbol="SAP", sec_type="OPT", currency="EUR")


def _book(*values: tuple[str, str, str]) -> AccountBook:
    book = AccountBook()
    for tag, text, currency in values or (("NetLiquidation", "1000", "USD"), ("TotalCashValue", "400", "USD")):
        book.value(OURS, tag, text, currency)
    return book


def test_a_state_holds_this_accounts_positions_only() -> None:
    """Positions of other accounts are left out, and a holding that went to zero is gone."""
    book = _book()
    book.position(OURS, Position(SPY, Decimal(10)))
    book.position(OTHER, Position(SPY, Decimal(99)))
    book.position(OURS, Position(EUR_OPTION, Decimal(1)))
    book.position(OURS, Position(EUR_OPTION, Decimal(0)))
    state = book.state(OURS, NOW)
    assert state.positions == (Position(SPY, Decimal(10)),)
    assert (state.base_currency, state.net_liquidation, state.cash) == ("USD", Decimal(1000), Decimal(400))


@pytest.mark.parametrize(
    ("tag", "currency"), [("TotalCashValue", "USD"), ("TotalCashBalance", "BASE"), ("CashBalance", "BASE")]
)
def test_cash_is_found_under_any_of_its_names(tag: str, currency: str) -> None:
    """Gateways name the cash total differently, by kind of request."""
    assert _book(("NetLiquidation", "1000", "USD"), (tag, "400", currency)).state(OURS, NOW).cash == Decimal(400)


@pytest.mark.parametrize(
    ("sure", "others"),
    [
        (
            ("TotalCashValue", "USD"),
            [("TotalCashBalance", "BASE"), ("TotalCashBalance", "USD"), ("CashBalance", "USD")],
        ),
        (("TotalCashBalance", "BASE"), [("TotalCashBalance", "USD"), ("CashBalance", "USD")]),
        (("CashBalance", "BASE"), [("TotalCashBalance", "USD"), ("CashBalance", "USD")]),
    ],
)
def test_the_cash_of_all_currencies_comes_before_that_of_one(
    sure: tuple[str, str], others: list[tuple[str, str]]
) -> None:
    """Next to money in euro the dollars alone are too few, and next to a debt in euro too many."""
    values = [("NetLiquidation", "1000", "USD"), *((tag, "9", currency) for tag, currency in others)]
    assert _book(*values, (sure[0], "400", sure[1])).state(OURS, NOW).cash == Decimal(400)


def test_the_base_currency_is_that_of_the_net_liquidation_value() -> None:
    """Not the first that is named: an account in dollars may hold euro, too."""
    values = (("CashBalance", "7", "EUR"), ("NetLiquidation", "1000", "USD"), ("TotalCashValue", "400", "USD"))
    assert _book(*values).state(OURS, NOW).base_currency == "USD"


@pytest.mark.parametrize("tag", ["NetLiquidation", "TotalCashValue"])
def test_a_missing_value_is_an_error_never_zero(tag: str) -> None:
    """Without net liquidation or cash there is no state, and the error names what is missing."""
    values = [("NetLiquidation", "1000", "USD"), ("TotalCashValue", "400", "USD")]
    with pytest.raises(GatewayDisconnected, match=tag) as caught:
        _book(*(value for value in values if value[0] != tag)).state(OURS, NOW)
    assert caught.value.reason_code == "account_values_missing"


def test_rates_are_those_of_other_currencies() -> None:
    """The base currency and the sum over all currencies are no exchange rates."""
    rates = [("ExchangeRate", "1.08", "EUR"), ("ExchangeRate", "1.00", "USD"), ("ExchangeRate", "1.00", "BASE")]
    book = _book(("NetLiquidation", "1000", "USD"), ("TotalCashValue", "400", "USD"), *rates)
    assert book.state(OURS, NOW).rates == {"EUR": Decimal("1.08")}


def test_other_holdings_are_valued_by_the_gateway() -> None:
    """What is not stock-like counts at the gateway's own valuation, in the base currency."""
    book = _book(("NetLiquidation", "1000", "USD"), ("TotalCashValue", "400", "USD"), ("ExchangeRate", "1.5", "EUR"))
    book.position(OURS, Position(EUR_OPTION, Decimal(1)))
    book.worth(OURS, Position(EUR_OPTION, Decimal(1)), 100.0)
    assert book.state(OURS, NOW).other_value == Decimal(150)


def test_other_holdings_without_valuation_are_what_is_left() -> None:
    """Several-account logins get no valuation by holding: net liquidation less cash less stocks is it."""
    values = (("NetLiquidation", "1000", "USD"), ("TotalCashValue", "400", "USD"), ("StockMarketValue", "350", "BASE"))
    book = _book(*values)
    book.position(OURS, Position(EUR_OPTION, Decimal(1)))
    assert book.state(OURS, NOW).other_value == Decimal(250)


def test_a_holding_in_the_base_currency_needs_no_rate() -> None:
    """It counts at the gateway's valuation as it is."""
    bond = Position(Contract(ConId(3), "T", sec_type="BOND", currency="USD"), Decimal(1))
    book = _book()
    book.position(OURS, bond)
    book.worth(OURS, bond, 120.0)
    assert book.state(OURS, NOW).other_value == Decimal(120)


def test_one_valuation_of_two_is_not_taken_for_both() -> None:
    """Then all of them are what is left."""
    values = (("NetLiquidation", "1000", "USD"), ("TotalCashValue", "400", "USD"), ("StockMarketValue", "350", "BASE"))
    book = _book(*values)
    bond = Position(Contract(ConId(3), "T", sec_type="BOND", currency="USD"), Decimal(1))
    book.position(OURS, bond)
    book.position(OURS, Position(EUR_OPTION, Decimal(1)))
    book.worth(OURS, bond, 120.0)
    assert book.state(OURS, NOW).other_value == Decimal(250)


def test_nothing_of_before_is_left_in_a_list_that_is_told_anew() -> None:
    """A holding that went while nobody listened is simply not named any more; nor does its old valuation count."""
    book = _book(
        ("NetLiquidation", "1000", "USD"), ("TotalCashValue", "400", "USD"), ("StockMarketValue", "350", "BASE")
    )
    bond = Position(Contract(ConId(3), "T", sec_type="BOND", currency="USD"), Decimal(1))
    book.position(OURS, Position(SPY, Decimal(10)))
    book.position(OURS, bond)
    book.worth(OURS, bond, 120.0)
    book.expect_anew()
    book.position(OURS, bond)
    state = book.state(OURS, NOW)
    assert state.positions == (bond,)
    assert state.other_value == Decimal(250)


def test_what_currency_trades_left_behind_is_cash_already() -> None:
    """IBKR shows it as a position of type CASH: it needs no valuation, and counts once."""
    book = _book(("NetLiquidation", "1000", "USD"), ("TotalCashValue", "400", "USD"))
    held = Position(Contract(ConId(9), "EUR", sec_type="CASH", currency="USD"), Decimal(100))
    book.position(OURS, held)
    assert book.state(OURS, NOW).other_value == 0
    book.worth(OURS, held, 110.0)
    assert book.state(OURS, NOW).other_value == 0


def test_nothing_is_complete_before_both_ends() -> None:
    """Completeness needs positionEnd and this account's own end, and a new subscription starts over."""

    async def run() -> list[bool]:
        book = _book()
        seen = []
        complete = book.complete(OURS)
        waiting = asyncio.ensure_future(complete)
        for step in (book.positions_complete, lambda: book.values_complete(OTHER), lambda: book.values_complete(OURS)):
            step()
            await asyncio.sleep(0.1)
            seen.append(waiting.done())
        book.expect_anew()
        again = asyncio.ensure_future(book.complete(OURS))
        await asyncio.sleep(0.1)
        seen.append(again.done())
        again.cancel()
        return seen

    assert run_virtual(run()) == [False, False, True, False]


def test_a_second_question_does_not_cut_the_answer_to_the_first() -> None:
    """Its end says that the list is whole, so what came of it before the second question must still be in it: a
    position that is missing there would look like shares that were sold."""
    book = _book()
    book.positions_complete()
    book.expect_positions_anew()
    book.position(OURS, Position(SPY, Decimal(10)))
    book.expect_positions_anew()
    book.positions_complete()
    assert book.state(OURS, NOW).positions == (Position(SPY, Decimal(10)),)


def test_values_alone_are_not_complete() -> None:
    """An account without positions would be bought full a second time."""

    async def run() -> list[bool]:
        book = _book()
        book.values_complete(OURS)
        waiting = asyncio.ensure_future(book.complete(OURS))
        await asyncio.sleep(0.1)
        before = waiting.done()
        book.positions_complete()
        await asyncio.sleep(0.1)
        return [before, waiting.done()]

    assert run_virtual(run()) == [False, True]


def test_values_do_not_count_while_the_servers_reset() -> None:
    """AccountReady=false: nobody is told figures that may be wrong; what comes after AccountReady=true counts."""

    async def reset() -> None:
        book = _book(("AccountReady", "false", ""), ("NetLiquidation", "0", "USD"), ("TotalCashValue", "0", "USD"))
        book.positions_complete()
        book.values_complete(OURS)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(book.complete(OURS), 60)
        book.value(OURS, "AccountReady", "true", "")
        with pytest.raises(GatewayDisconnected):
            book.state(OURS, NOW)
        book.value(OURS, "NetLiquidation", "1000", "USD")
        book.value(OURS, "TotalCashValue", "400", "USD")
        await asyncio.wait_for(book.complete(OURS), 60)
        assert book.state(OURS, NOW).cash == Decimal(400)

    run_virtual(reset())
