from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from event_processor.adapters.ibkr.orders import OrderBook, key_of
from event_processor.adapters.ibkr.translate import order_status
from event_processor.domain.contract import Contract
from event_processor.domain.ids import AccountId, ConId, EventKey, OrderRef, PermId
from event_processor.domain.order import Order, OrderStatus, OrderType, Side
from event_processor.domain.reports import OrderReport
from tests.support.making import execution

ACCOUNT = AccountId("DU1")
SPY = Contract(con_id=ConId(756733), symbol="SPY")


def _ref(leg: int) -> OrderRef:
    return OrderRef.derive(EventKey("k"), ACCOUNT, leg)


def _order(leg: int) -> Order:
    return Order(_ref(leg), ACCOUNT, SPY, Side.BUY, Decimal(10), OrderType.MARKET)


def _opened(leg: int, order_id: int, perm_id: int, client_id: int = 7) -> OrderReport:
    return OrderReport(ACCOUNT, str(_ref(leg)), OrderStatus.SUBMITTED, PermId(perm_id), order_id, client_id, SPY.con_id)


def test_a_bare_status_of_a_placed_order_is_recognised() -> None:
    """An orderStatus names an order by ids only; what we placed says whose it is."""
    book = OrderBook(7)
    book.placed(_order(1), 12)
    report = book.complete(order_status(12, "Submitted", 3.0, 900, 7, ""))
    assert (report.order_ref, report.account, report.con_id, report.side, report.filled) == (
        str(_ref(1)), ACCOUNT, SPY.con_id, Side.BUY, Decimal(3),
    )  # fmt: skip


@pytest.mark.parametrize("told", ["", str(_ref(1)).upper(), str(_ref(1))[:20]])
def test_an_order_is_known_by_the_reference_it_was_placed_with(told: str) -> None:
    """Also when the gateway gives back another text, or none, and whatever it is told of it by: nothing else names
    it to whoever waits for it."""
    book = OrderBook(7)
    book.placed(_order(1), 12)
    opened = replace(_opened(1, 12, 900), order_ref=told)
    assert book.complete(opened).order_ref == book.ref_of(12) == str(_ref(1))
    traded = execution(order_ref=told, perm_id=PermId(900), order_id=0, client_id=0)
    assert book.named(traded).order_ref == str(_ref(1))
    assert book.named(replace(traded, perm_id=PermId(901), order_id=12, client_id=8)).order_ref == told
    assert book.named(replace(traded, order_ref="theirs")).order_ref == "theirs"


def test_a_status_of_another_client_is_not_ours() -> None:
    """The same order id of another client means another order."""
    book = OrderBook(7)
    book.placed(_order(1), 12)
    assert book.complete(order_status(12, "Submitted", 0, 901, 8, "")).order_ref == ""


def test_a_reused_order_id_does_not_mix_two_orders_up() -> None:
    """After nextValidId moved back the old order under the id keeps its permId and its reference."""
    book = OrderBook(7)
    book.complete(_opened(1, 12, 900))
    book.placed(_order(2), 12)
    assert book.complete(order_status(12, "Submitted", 0, 955, 7, "")).order_ref == str(_ref(2))
    assert book.complete(order_status(0, "Filled", 10, 900, 7, "")).order_ref == str(_ref(1))
    assert book.complete(order_status(12, "Submitted", 0, 999, 7, "")).order_ref == ""


def test_filled_is_never_carried_over() -> None:
    """An openOrder that says Filled must not inherit the count of an earlier status."""
    book = OrderBook(7)
    book.complete(_opened(1, 12, 900))
    book.complete(order_status(12, "Submitted", 0, 900, 7, ""))
    assert book.complete(replace(_opened(1, 12, 900), status=OrderStatus.FILLED)).filled is None


def test_order_ids_only_go_up() -> None:
    """Reserved ids are above every id seen, reserved or forbidden; the "no id" integer is passed over."""
    book = OrderBook(7)
    book.raise_above(4)
    assert book.next_order_id() == 5
    book.complete(_opened(1, 40, 900, client_id=3))
    assert book.next_order_id() == 41
    book.raise_above(20)
    book.raise_above(2**31 - 1)
    assert book.next_order_id() == 42


def test_only_what_the_broker_showed_is_accepted() -> None:
    """An order is accepted once the broker reported it held or working, not when it was sent."""
    book = OrderBook(7)
    book.placed(_order(1), 12)
    before = book.accepted(12)
    book.complete(order_status(12, "PreSubmitted", 0, 900, 7, ""))
    assert (before, book.accepted(12), book.accepted(13)) == (False, True, False)


@pytest.mark.parametrize("status", [OrderStatus.PRE_SUBMITTED, OrderStatus.SUBMITTED, OrderStatus.FILLED])
def test_a_working_order_is_accepted(status: OrderStatus) -> None:
    """110 about such an order is a warning, not a refusal."""
    book = OrderBook(7)
    book.complete(replace(_opened(1, 12, 900), status=status))
    assert book.accepted(12)


def test_the_client_of_an_order_is_learned_later() -> None:
    """A look-up of completed orders names neither client nor order id; only that client can cancel it."""
    book = OrderBook(7)
    book.complete(_opened(1, 0, 900, client_id=0))
    assert book.complete(_opened(1, 12, 900, client_id=3)).client_id == 3
    assert book.complete(_opened(1, 0, 900, client_id=0)).client_id == 3


def test_a_perm_id_is_never_taken_for_an_order_id() -> None:
    """Client 7's order 12 without a permId is not its other order, whose permId is 12."""
    assert key_of(_opened(1, 12, 0)) != key_of(_opened(2, 3, 12))


def test_orders_are_told_apart_by_perm_id_when_there_is_one() -> None:
    """Two orders with one id and different permIds are two."""
    assert key_of(_opened(1, 12, 900)) != key_of(_opened(1, 12, 901))
    assert key_of(_opened(1, 12, 0)) == (7, 12)
