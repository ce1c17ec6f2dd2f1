from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import ib_async as ib
import pytest

from event_processor.adapters.ibkr import translate
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId, EventKey, OrderRef
from event_processor.domain.order import Order, OrderStatus, OrderType, Side

RECEIVED = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)
SPY = Contract(con_id=ConId(756733), symbol="SPY", primary_exchange="ARCA")
REF = OrderRef.derive(EventKey("k"), AccountId("DU1"), 1)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("20260105 09:30:00 US/Eastern", datetime(2026, 1, 5, 14, 30, tzinfo=UTC)),
        ("20260105  09:30:00 America/New_York", datetime(2026, 1, 5, 14, 30, tzinfo=UTC)),
        ("20260105-14:30:00", datetime(2026, 1, 5, 14, 30, tzinfo=UTC)),
        ("1767623400", datetime(2026, 1, 5, 14, 30, tzinfo=UTC)),
        ("20260105  09:30:00", RECEIVED),
        ("20260105 09:30:00 Nowhere/Land", RECEIVED),
        ("20261305-14:30:00", RECEIVED),
        ("", RECEIVED),
    ],
)
def test_times_of_executions(text: str, time: datetime) -> None:
    """Every way IBKR writes a time is read; one without a usable zone becomes the time of receipt."""
    assert translate.message_time(text, RECEIVED) == time


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5.0, Decimal(5)),
        ("1,234.50", Decimal("1234.5")),
        (0.1, Decimal("0.1")),
        (ib.util.UNSET_DOUBLE, None),
        ("1.7976931348623157E308", None),
        (float("nan"), None),
        ("", None),
        ("Infinity", None),
    ],
)
def test_numbers(value: object, number: Decimal | None) -> None:
    """Numbers keep their digits; unset, empty and non-finite ones are None."""
    assert translate.decimal(value) == number


@pytest.mark.parametrize(
    ("value", "shares"),
    [
        (66.0, Decimal(66)),
        ("0", Decimal(0)),
        (float("2147483647"), None),
        (float("9223372036854775807"), None),
        (float("-9223372036854775808"), None),
        (float("170141183460469231731687303715884105727"), None),
        ("1.7976931348623157E308", None),
        ("", None),
    ],
)
def test_a_quantity_that_is_none(value: object, shares: Decimal | None) -> None:
    """However the gateway spells "unset", it never becomes a number of shares."""
    assert translate.quantity(value) == shares


def test_a_cancelled_order_that_says_no_filled_quantity() -> None:
    """The largest integer in a completed order is no fill."""
    order = ib.Order(orderRef=str(REF), permId=5, totalQuantity=10, filledQuantity=float(2**63 - 1))
    report = translate.completed_order(ib.Contract(conId=1), order, ib.OrderState(status="Cancelled"))
    assert (report.status, report.quantity, report.filled) == (OrderStatus.CANCELLED, Decimal(10), None)


@pytest.mark.parametrize(("value", "price"), [(1.25, Decimal("1.25")), (-1.0, None), (0.0, None), (float("nan"), None)])
def test_a_price_that_is_none(value: float, price: Decimal | None) -> None:
    """IBKR's -1 and 0 for "no price" never become prices."""
    assert translate.price(value) == price


def test_an_open_order_does_not_say_what_is_filled() -> None:
    """An openOrder gives identity and status, and leaves `filled` open even when the status is Filled."""
    order = ib.Order(account="DU1", orderRef=str(REF), permId=9, clientId=3, action="BUY", totalQuantity=10.0)
    report = translate.open_order(4, ib.Contract(conId=756733, symbol="SPY"), order, ib.OrderState(status="Filled"))
    assert (report.order_ref, report.perm_id, report.order_id, report.client_id) == (str(REF), 9, 4, 3)
    assert (report.status, report.side, report.quantity, report.filled) == (
        OrderStatus.FILLED, Side.BUY, Decimal(10), None,
    )  # fmt: skip


def test_a_completed_order_says_what_was_filled_and_why_it_ended() -> None:
    """A completedOrder gives permId, orderRef, the filled quantity and the broker's words."""
    order = ib.Order(account="DU1", orderRef=str(REF), permId=9, action="SELL", totalQuantity=10.0, filledQuantity=4.0)
    state = ib.OrderState(status="Cancelled", completedStatus="Cancelled by Trader")
    report = translate.completed_order(ib.Contract(conId=756733), order, state)
    assert (report.status, report.filled, report.reason) == (OrderStatus.CANCELLED, Decimal(4), "Cancelled by Trader")
    assert (report.perm_id, report.order_ref, report.order_id) == (9, str(REF), 0)


def test_an_execution_keeps_the_brokers_numbers() -> None:
    """BOT and SLD become sides; a hand-placed order's unset id becomes 0."""
    message = ib.Execution(
        execId="e.1.01", acctNumber="DU1", side="SLD", shares=3.0, price=101.25, permId=9, clientId=0, cumQty=7.0,
        orderId=ib.util.UNSET_INTEGER, orderRef="", time=datetime(2026, 1, 5, 14, 30, tzinfo=UTC),
    )  # fmt: skip
    report = translate.execution(ib.Contract(conId=756733), message)
    assert (report.side, report.quantity, report.price, report.cumulative) == (
        Side.SELL, Decimal(3), Decimal("101.25"), Decimal(7),
    )  # fmt: skip
    assert report.order_id == 0


def test_a_count_of_nothing_is_no_count() -> None:
    """A gateway that leaves the cumulative quantity at zero has not said how much was executed so far."""
    message = ib.Execution(
        execId="e.01", side="BOT", shares=3.0, price=1.0, cumQty=0.0, time=datetime(2026, 1, 5, tzinfo=UTC)
    )
    assert translate.execution(ib.Contract(conId=1), message).cumulative is None


def test_an_execution_without_a_side_is_an_error() -> None:
    """An execution that cannot be read is never dropped in silence."""
    with pytest.raises(ValueError, match="side"):
        translate.execution(ib.Contract(conId=1), ib.Execution(execId="e", side="?", shares=1.0, price=1.0))


@pytest.mark.parametrize(
    ("order_type", "limit", "sent"),
    [(OrderType.MARKET, None, ib.util.UNSET_DOUBLE), (OrderType.LIMIT, Decimal("101.25"), 101.25)],
)
def test_orders_name_tif_and_account(order_type: OrderType, limit: Decimal | None, sent: float) -> None:
    """Each order goes out with tif, account and orderRef explicit, and its limit only when it has one."""
    order = Order(REF, AccountId("DU1"), SPY, Side.BUY, Decimal(10), order_type, limit)
    named = translate.to_ib_order(order)
    assert (named.action, named.totalQuantity, named.orderType, named.lmtPrice) == ("BUY", 10.0, order_type.value, sent)
    assert (named.tif, named.account, named.orderRef, named.outsideRth) == ("DAY", "DU1", str(REF), False)
    assert named.transmit


@pytest.mark.parametrize("side", Side)
def test_an_order_goes_to_its_own_side(side: Side) -> None:
    """A sale leaves as SELL, a purchase as BUY."""
    named = translate.to_ib_order(Order(REF, AccountId("DU1"), SPY, side, Decimal(10), OrderType.MARKET))
    assert named.action == side.value


@pytest.mark.parametrize(
    ("text", "side"),
    [("BUY", Side.BUY), ("BOT", Side.BUY), ("SELL", Side.SELL), ("SLD", Side.SELL), ("SSHORT", Side.SELL), ("", None)],
)
def test_sides_of_orders_and_executions(text: str, side: Side | None) -> None:
    """Each way to write a side is that side, and a short sale is a sale."""
    assert translate.side(text) is side


@pytest.mark.parametrize(("quantity", "text"), [("1", "1"), ("99", "99"), ("12345", "12345"), ("0.25", "0.25")])
def test_orders_name_their_whole_quantity(quantity: str, text: str) -> None:
    """To the last share, and whole ones without a fraction: ib_async writes the number as it is."""
    order = Order(REF, AccountId("DU1"), SPY, Side.SELL, Decimal(quantity), OrderType.MARKET)
    assert str(translate.to_ib_order(order).totalQuantity) == text


def test_a_contract_is_named_by_id_and_by_where_it_is_listed() -> None:
    """The smart route alone does not tell two listings of one symbol apart."""
    named = translate.to_ib_contract(SPY)
    assert (named.conId, named.symbol, named.secType, named.currency) == (756733, "SPY", "STK", "USD")
    assert (named.exchange, named.primaryExchange) == ("SMART", "ARCA")


def test_positions_are_routed_smart() -> None:
    """A position's contract comes without exchange and would be refused with 321 as it is."""
    held = translate.position(ib.Contract(conId=756733, symbol="SPY", secType="STK", currency="USD"), 10.0, 401.5)
    assert (held.contract.exchange, held.quantity, held.average_cost) == ("SMART", Decimal(10), Decimal("401.5"))


def test_what_was_sold_short_is_held_below_zero() -> None:
    """A short position keeps its sign: taken for a long one it would be sold again."""
    held = translate.position(ib.Contract(conId=756733, symbol="SPY", secType="STK", currency="USD"), -10.0, 401.5)
    assert held.quantity == -10


def test_etfs_are_asked_for_as_stocks() -> None:
    """IBKR files ETFs under STK; a query by id names nothing else."""
    asked = translate.to_ib_query(ContractQuery(symbol="SPY", sec_type="ETF", primary_exchange="ARCA"))
    assert (asked.secType, asked.exchange, asked.primaryExchange) == ("STK", "SMART", "")
    by_id = translate.to_ib_query(ContractQuery(con_id=ConId(7)))
    assert (by_id.conId, by_id.symbol, by_id.secType, by_id.exchange, by_id.currency) == (7, "", "", "", "")
    assert translate.to_ib_query(ContractQuery(symbol="SAP", exchange="IBIS")).exchange == "IBIS"


def test_contract_details_bring_hours_and_price_step() -> None:
    """Hours in the contract's zone become intervals in UTC."""
    details = ib.ContractDetails(
        contract=ib.Contract(conId=1, symbol="X", secType="STK", currency="USD", primaryExchange="NYSE"),
        minTick=0.05, timeZoneId="US/Eastern", liquidHours="20260105:0930-20260105:1600;20260106:CLOSED",
    )  # fmt: skip
    contract = translate.contract_of(details)
    assert (contract.min_tick, contract.primary_exchange) == (Decimal("0.05"), "NYSE")
    assert contract.liquid_hours is not None
    assert [span.opens for span in contract.liquid_hours] == [datetime(2026, 1, 5, 14, 30, tzinfo=UTC)]
