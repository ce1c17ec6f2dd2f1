"""openOrder and completedOrder reach both real clients as the order that was placed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway_simulator.codec import decode
from gateway_simulator.codec.open_order import completed_order, open_order
from gateway_simulator.codec.requests import PlaceOrder
from gateway_simulator.model import Contract, Order, OrderState
from tests.unit.gateway_simulator.codec.clients import (
    CLIENTS,
    CONTRACT_NAMES,
    VERSIONS,
    IbApi,
    IbAsync,
    Theirs,
    made,
    tag,
)

UNSET = 1.7976931348623157e308
APPLE = Contract(con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", currency="USD", local_symbol="AAPL")
PLACED: dict[str, Any] = {
    "action": "BUY", "totalQuantity": Decimal("100.5"), "orderType": "LMT", "lmtPrice": 187.25,
    "auxPrice": 0.5, "tif": "GTD", "ocaGroup": "g1", "account": "DU1", "orderRef": "rb-1-a",
    "outsideRth": True, "hidden": True, "goodAfterTime": "20260105-15:00:00",
    "goodTillDate": "20260105-21:00:00", "cashQty": 250.5, "modelCode": "growth", "ocaType": 2,
    "displaySize": 10, "minQty": 5, "algoStrategy": "Adaptive",
    "trailStopPrice": 12.5, "trailingPercent": 1.5, "discretionaryAmt": 0.25, "shortSaleSlot": 1,
    "clearingIntent": "Away",
}  # fmt: skip
"""Fields of both messages, as IBKR names them."""

EXTRAS: list[dict[str, Any]] = [
    {},
    {"algoParams": [tag("adaptivePriority", "Urgent")]},
    {"hedgeType": "B", "hedgeParam": "0.5"},
    {"scaleInitLevelSize": 10, "scalePriceIncrement": 0.5, "scaleProfitOffset": 0.25, "scaleAutoReset": True},
    {"orderType": "PEG BENCH", "referenceContractId": 756733, "peggedChangeAmount": 0.5},
    {"orderType": "VOL", "deltaNeutralOrderType": "MKT", "deltaNeutralConId": 5, "volatility": 0.25},
    {"conditionsCancelOrder": True,
     "conditions": [made("TimeCondition", conjunction="o", isMore=True, time="20260105-15:00:00")]},
]  # fmt: skip
"""Optional sections, each of which lengthens the message in its middle."""

AnyClient = type[IbAsync] | type[IbApi]
WORKING = OrderState(status="Submitted", warning_text="late")
pytestmark = [pytest.mark.parametrize("version", VERSIONS), pytest.mark.parametrize("client", CLIENTS)]


def placed(client: AnyClient, version: int, said: dict[str, Any]) -> Order:
    decoded = decode.request(version, client(version).send("placeOrder", 42, APPLE, made("Order", **said)))
    assert isinstance(decoded, PlaceOrder)
    decoded.order.client_id, decoded.order.perm_id, decoded.order.parent_id = 7, 9001, 41
    return decoded.order


def shown(theirs: Theirs, said: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a client's order that were set on it, lists as text."""
    return {name: comparable(getattr(theirs, name)) for name in said}


def comparable(value: Theirs) -> Theirs:
    return [str(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: ",".join(extra) or "plain")
def test_an_open_order_comes_back_as_it_was_placed(client: AnyClient, version: int, extra: dict[str, Any]) -> None:
    """Whatever a client placed it is shown again, with ids, status and warning after it in place."""
    said = PLACED | extra
    fields = open_order(version, APPLE, placed(client, version, said), WORKING)
    ((name, (order_id, contract, order, state)),) = client(version).receive(fields)
    assert (name, order_id, order.orderId, order.clientId, order.permId, order.parentId) == (
        "openOrder", 42, 42, 7, 9001, 41,
    )  # fmt: skip
    assert (contract.conId, contract.localSymbol, contract.right) == (265598, "AAPL", "?")
    assert (state.status, state.warningText) == ("Submitted", "late")
    own = client(version).own(made("Order", **said))
    assert shown(order, said) == shown(own, said)
    assert order.minTradeQty == 2**31 - 1


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: ",".join(extra) or "plain")
def test_a_completed_order_comes_back_without_ids_of_the_client(
    client: AnyClient, version: int, extra: dict[str, Any]
) -> None:
    """A completed order is known by permId and orderRef; its state says when and how it ended."""
    said = PLACED | extra
    state = OrderState("Filled", completed_time="20260105 10:00:00 US/Eastern", completed_status="Filled Size: 100")
    fields = completed_order(version, APPLE, placed(client, version, said), state, Decimal("100.5"))
    ((name, (contract, order, ended)),) = client(version).receive(fields)
    assert (name, contract.symbol, order.permId, order.orderId, order.filledQuantity) == (
        "completedOrder", "AAPL", 9001, 0, 100.5,
    )  # fmt: skip
    assert (ended.status, ended.completedTime, ended.completedStatus) == (
        "Filled", "20260105 10:00:00 US/Eastern", "Filled Size: 100",
    )  # fmt: skip
    own = client(version).own(made("Order", **said))
    assert shown(order, said) == shown(own, said)


def test_a_preview_brings_margin_and_commission(client: AnyClient, version: int) -> None:
    """A what-if order comes back with all nine margin figures and the commission."""
    margins = [f"{kind}_{when}" for when in ("before", "change", "after")
               for kind in ("init_margin", "maint_margin", "equity_with_loan")]  # fmt: skip
    figures: dict[str, Any] = {name: Decimal(place) + Decimal("0.5") for place, name in enumerate(margins)}
    state = OrderState("PreSubmitted", commission=Decimal("1.25"), commission_currency="USD", **figures)
    order = Order(order_id=42, order_type="MKT", what_if=True)
    ((_, (_, _, theirs, told)),) = client(version).receive(open_order(version, APPLE, order, state))
    assert theirs.whatIf is True
    names = [f"{kind}{when}" for when in ("Before", "Change", "After")
             for kind in ("initMargin", "maintMargin", "equityWithLoan")]  # fmt: skip
    assert [float(getattr(told, name)) for name in names] == [place + 0.5 for place in range(9)]
    fee, currency = (
        (told.commission, told.commissionCurrency)
        if client is IbAsync
        else (told.commissionAndFees, told.commissionAndFeesCurrency)
    )
    assert (fee, currency) == (1.25, "USD")


def test_what_is_not_known_is_unset(client: AnyClient, version: int) -> None:
    """A working order has no margin figures and no commission, in IBKR's way of saying so."""
    ((_, (_, _, order, state)),) = client(version).receive(
        open_order(version, APPLE, Order(order_id=42, order_type="MKT"), OrderState("Submitted"))
    )
    assert float(state.initMarginBefore) == UNSET
    assert (state.commission if client is IbAsync else state.commissionAndFees) == UNSET
    assert (order.lmtPrice, order.auxPrice, order.deltaNeutralOrderType) == (0.0, 0.0, "None")


def test_every_contract_field_comes_back(client: AnyClient, version: int) -> None:
    """Options keep strike, right, multiplier and class in both messages."""
    call = Contract(
        con_id=5, symbol="SPY", sec_type="OPT", last_trade_date="20260619", strike=512.5, right="C",
        multiplier="100", exchange="SMART", currency="USD", local_symbol="SPY C", trading_class="SPY",
    )  # fmt: skip
    order, state = Order(order_id=42, order_type="MKT"), OrderState("Filled")
    ((_, (_, opened, _, _)),) = client(version).receive(open_order(version, call, order, state))
    ((_, (closed, _, _)),) = client(version).receive(completed_order(version, call, order, state, Decimal(1)))
    for contract in (opened, closed):
        assert {ours: getattr(contract, theirs) for theirs, ours in CONTRACT_NAMES.items()} == {
            name: getattr(call, name) for name in CONTRACT_NAMES.values()
        }
