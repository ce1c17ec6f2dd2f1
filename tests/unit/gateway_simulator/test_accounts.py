from __future__ import annotations

from decimal import Decimal

import pytest

from gateway_simulator.account_values import Valuation, account_values, money, summary_values
from gateway_simulator.accounts import Account, Books, Holding, Rates, Trade
from gateway_simulator.model import Contract
from tests.unit.gateway_simulator.conftest import MakeWorld

SPY = Contract(con_id=1, symbol="SPY", sec_type="STK", currency="USD")
SAP = Contract(con_id=2, symbol="SAP", sec_type="STK", currency="EUR")
PUT = Contract(con_id=3, symbol="SPY", sec_type="OPT", currency="USD", multiplier="100")
PRICES = {1: Decimal(600), 2: Decimal(200), 3: Decimal(5)}


def d(text: str) -> Decimal:
    return Decimal(text)


def account(**cash: str) -> Account:
    return Account("DU1", books=Books(cash={currency: d(amount) for currency, amount in cash.items()}))


@pytest.mark.parametrize(
    ("held", "cost", "moved", "price", "left", "new_cost", "realized"),
    [
        ("0", "0", "10", "100", "10", "100.1", None),
        ("10", "100", "10", "200", "20", "150.05", None),
        ("10", "100", "-4", "150", "6", "100", "199"),
        ("10", "100", "-10", "90", "0", "0", "-101"),
        ("10", "100", "-15", "120", "-5", "120", "199"),
        ("-5", "120", "5", "100", "0", "0", "99"),
    ],
)
def test_a_fill_moves_position_cost_and_profit(
    held: str, cost: str, moved: str, price: str, left: str, new_cost: str, realized: str | None
) -> None:
    """Opening, adding, reducing, closing and turning a position, with one dollar of commission."""
    owner = account(USD="10000")
    if d(held):
        owner.books.holdings[1] = Holding(SPY, d(held), d(cost))
    profit = owner.book(Trade(SPY, d(moved), d(price), d("1")))
    position = owner.position(SPY)
    assert (position.quantity, position.average_cost) == (d(left), d(new_cost))
    assert profit == (None if realized is None else d(realized))
    assert owner.books.cash["USD"] == 10000 - d(moved) * d(price) - 1


def test_an_account_in_two_currencies_is_valued_in_its_base() -> None:
    """Net liquidation adds cash and holdings of every currency at its rate, options with their multiplier."""
    owner = account(USD="1000", EUR="500")
    owner.books.holdings = {
        1: Holding(SPY, d("10"), d("400")),
        2: Holding(SAP, d("5"), d("150")),
        3: Holding(PUT, d("2"), d("700")),
    }
    view = Valuation(owner, owner.books, Rates({"EUR": d("1.10")}), PRICES.__getitem__)
    assert view.net_liquidation == 1000 + 6000 + 1000 + d("1.10") * (500 + 1000)
    assert view.unrealized("USD") == 2000 - 400
    values = {(value.tag, value.currency): value.text for value in account_values(view)}
    assert values["NetLiquidation", "USD"] == "9650.00"
    assert values["StockMarketValue", "EUR"] == "1000.00"
    assert values["OptionMarketValue", "USD"] == "1000.00"
    assert values["CashBalance", "BASE"] == "1550.00"
    assert values["ExchangeRate", "EUR"] == "1.1000000"


def test_a_summary_gives_the_tags_that_were_asked_for() -> None:
    """Plain tags, the base ledger, one currency of it, or all."""
    owner = account(USD="1000", EUR="500")
    view = Valuation(owner, owner.books, Rates({"EUR": d("1.10")}), PRICES.__getitem__)

    def seen(tags: str) -> set[tuple[str, str]]:
        return {(value.tag, value.currency) for value in summary_values(view, tags)}

    assert seen("NetLiquidation, BuyingPower") == {("NetLiquidation", "USD"), ("BuyingPower", "USD")}
    assert {currency for _, currency in seen("$LEDGER")} == {"BASE"}
    assert {currency for _, currency in seen("$LEDGER:EUR")} == {"EUR"}
    assert {currency for _, currency in seen("$LEDGER:ALL")} == {"BASE", "EUR", "USD"}
    assert seen("UnrealizedPnL,RealizedPnL") == {("UnrealizedPnL", "USD"), ("RealizedPnL", "USD")}


def test_money_has_two_decimals_and_no_exponent() -> None:
    """Large amounts are written out."""
    assert money(d("1E+7")) == "10000000.00"


def test_margin_doubles_buying_power(make_world: MakeWorld) -> None:
    """With margin 2 a purchase above the cash is accepted, and short selling is allowed."""
    world = make_world(account=[{"number": "DU1", "margin": 2}])
    world.place(1, quantity="250")
    world.place(2, "SELL", "5", "TLT")
    world.wait(1)
    assert world.sim.ledger.positions("DU1") == {"SPY": Decimal(250), "TLT": Decimal(-5)}


def test_a_purchase_in_another_currency_is_charged_at_its_rate(make_world: MakeWorld) -> None:
    """Euro shares count against dollar cash at the exchange rate, and leave a euro balance below zero."""
    world = make_world(rates={"EUR": 2}, account=[{"number": "DU1", "cash": {"USD": 10000}}])
    world.place(1, quantity="30", symbol="SAP")
    world.place(2, quantity="20", symbol="SAP")
    world.wait(1)
    assert world.client.codes == [201]
    assert world.sim.ledger.positions("DU1") == {"SAP": Decimal(20)}
    assert world.sim.ledger.cash("DU1")["EUR"] < 0


def test_money_can_be_paid_in(make_world: MakeWorld) -> None:
    """A deposit is in the ledger at once, and published as late as any other change of the account."""
    world = make_world()
    world.do("cash", account="DU1234567", currency="USD", amount="-40000")
    assert world.sim.ledger.cash("DU1234567") == {"USD": Decimal(60000)}
    world.wait(5)
    assert world.sim.bank.published("DU1234567").cash("USD") == 60000
