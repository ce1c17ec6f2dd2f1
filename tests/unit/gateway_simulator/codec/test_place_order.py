"""Orders of every kind, as both real clients send them, decode to the same order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway_simulator.codec import decode
from gateway_simulator.codec.requests import MalformedRequest, PlaceOrder
from gateway_simulator.model import Contract
from tests.unit.gateway_simulator.codec.clients import (
    CLIENTS,
    VERSIONS,
    Filled,
    IbApi,
    IbAsync,
    Theirs,
    made,
    tag,
)

APPLE = Contract(
    con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", primary_exchange="NASDAQ", currency="USD"
)
BOTH = {"account": "DU1", "orderRef": "rb-1-a", "tif": "DAY"}
"""What every example says, so that a shift by one field shows."""

PLAIN = {
    "order_id": 42, "action": "BUY", "total_quantity": 100, "account": "DU1", "order_ref": "rb-1-a",
    "tif": "DAY", "algo_strategy": "", "transmit": True, "what_if": False, "cash_qty": None,
}  # fmt: skip
"""What every example must say unless its row says otherwise."""

ORDERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("market", {"orderType": "MKT"}, {"order_type": "MKT", "lmt_price": None, "aux_price": None}),
    ("limit", {"orderType": "LMT", "lmtPrice": 187.25}, {"lmt_price": Decimal("187.25")}),
    ("limit at zero", {"orderType": "LMT", "lmtPrice": 0.0}, {"lmt_price": Decimal(0)}),
    ("midprice with a cap", {"orderType": "MIDPRICE", "lmtPrice": 12.5}, {"lmt_price": Decimal("12.5")}),
    ("on close", {"orderType": "MOC"}, {"order_type": "MOC"}),
    ("limit on close", {"orderType": "LOC", "lmtPrice": 1.01}, {"order_type": "LOC"}),
    ("stop", {"orderType": "STP", "auxPrice": 9.5}, {"aux_price": Decimal("9.5")}),
    ("good till cancelled", {"orderType": "LMT", "tif": "GTC"}, {"tif": "GTC"}),
    ("at the opening", {"orderType": "MKT", "tif": "OPG"}, {"tif": "OPG"}),
    ("immediate", {"orderType": "LMT", "tif": "IOC"}, {"tif": "IOC"}),
    ("good till date", {"orderType": "LMT", "tif": "GTD", "goodTillDate": "20260105-21:00:00"},
     {"tif": "GTD", "good_till_date": "20260105-21:00:00", "good_after_time": ""}),
    ("later", {"orderType": "LMT", "goodAfterTime": "20260105-15:00:00"},
     {"good_after_time": "20260105-15:00:00"}),
    ("outside hours", {"orderType": "LMT", "outsideRth": True}, {"outside_rth": True, "hidden": False}),
    ("hidden", {"orderType": "LMT", "hidden": True}, {"outside_rth": False, "hidden": True}),
    ("what-if", {"orderType": "MKT", "whatIf": True}, {"what_if": True, "transmit": True}),
    ("held back", {"orderType": "MKT", "transmit": False, "parentId": 41},
     {"transmit": False, "parent_id": 41}),
    ("one cancels others", {"orderType": "LMT", "ocaGroup": "g1", "ocaType": 2}, {"oca_group": "g1"}),
    ("fraction", {"orderType": "MKT", "totalQuantity": Decimal("0.125")},
     {"total_quantity": Decimal("0.125")}),
    ("cash", {"orderType": "MKT", "totalQuantity": Decimal(0), "cashQty": 250.5},
     {"total_quantity": 0, "cash_qty": Decimal("250.5")}),
    ("no cash", {"orderType": "MKT"}, {"cash_qty": None}),
    ("adaptive",
     {"orderType": "MKT", "algoStrategy": "Adaptive", "algoParams": [tag("adaptivePriority", "Urgent")],
      "algoId": "x"},
     {"algo_strategy": "Adaptive", "algo_params": (("adaptivePriority", "Urgent"),)}),
    ("algorithm without parameters", {"orderType": "MKT", "algoStrategy": "Vwap"},
     {"algo_strategy": "Vwap", "algo_params": ()}),
    ("hedge", {"orderType": "MKT", "hedgeType": "B", "hedgeParam": "0.5"}, {"order_type": "MKT"}),
    ("scale",
     {"orderType": "LMT", "scaleInitLevelSize": 10, "scalePriceIncrement": 0.5, "scaleAutoReset": True},
     {"order_type": "LMT"}),
    ("delta neutral",
     {"orderType": "VOL", "volatility": 0.25, "volatilityType": 2, "deltaNeutralOrderType": "MKT"},
     {"order_type": "VOL"}),
    ("pegged to a benchmark",
     {"orderType": "PEG BENCH", "referenceContractId": 756733, "peggedChangeAmount": 0.5},
     {"order_type": "PEG BENCH"}),
    ("soft dollars",
     {"orderType": "MKT", "softDollarTier": made("SoftDollarTier", name="n", val="v")},
     {"order_type": "MKT"}),
    ("miscellaneous options", {"orderType": "MKT", "orderMiscOptions": [tag("a", "b")]},
     {"order_type": "MKT"}),
    ("decision maker", {"orderType": "MKT", "mifid2DecisionMaker": "me", "usePriceMgmtAlgo": True},
     {"tif": "DAY"}),
]  # fmt: skip
"""Name, what the client sets, what the order must then say; the rest stays as in PLAIN."""

SPY_PRICE = {"conjunction": "a", "isMore": True, "conId": 1, "exch": "SMART"}
CONDITIONS: list[tuple[Filled, tuple[str, ...]]] = [
    (made("PriceCondition", price=187.5, triggerMethod=4, **SPY_PRICE),
     ("1", "a", "1", "187.5", "1", "SMART", "4")),
    (made("TimeCondition", conjunction="o", isMore=True, time="20260105-15:00:00"),
     ("3", "o", "1", "20260105-15:00:00")),
    (made("MarginCondition", conjunction="a", isMore=False, percent=30), ("4", "a", "0", "30")),
    (made("ExecutionCondition", conjunction="a", secType="STK", exch="SMART", symbol="SPY"),
     ("5", "a", "STK", "SMART", "SPY")),
    (made("VolumeCondition", volume=9, **SPY_PRICE), ("6", "a", "1", "9", "1", "SMART")),
    (made("PercentChangeCondition", changePercent=1.5, **SPY_PRICE), ("7", "a", "1", "1.5", "1", "SMART")),
]  # fmt: skip


def place(client: type[IbAsync | IbApi], version: int, contract: Contract, **said: Theirs) -> PlaceOrder:
    values = {"action": "BUY", "totalQuantity": Decimal(100), **BOTH, **said}
    if version >= 169:
        values["manualOrderTime"] = "20260105-14:30:00"
    payload = client(version).send("placeOrder", 42, contract, made("Order", **values))
    decoded = decode.request(version, payload)
    assert isinstance(decoded, PlaceOrder)
    return decoded


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("said", "meant"), [row[1:] for row in ORDERS], ids=[row[0] for row in ORDERS])
def test_orders_of_real_clients_are_understood(
    client: type[IbAsync | IbApi], version: int, said: dict[str, Any], meant: dict[str, Any]
) -> None:
    """Every kind of order of either client means the same at each layout, down to its last field."""
    placed = place(client, version, APPLE, **said)
    assert (placed.order_id, placed.contract, placed.trailing) == (42, APPLE, ())
    expected = PLAIN | meant
    assert {name: getattr(placed.order, name) for name in expected} == expected
    assert placed.order.extra.get("manualOrderTime", "") == ("20260105-14:30:00" if version >= 169 else "")


@pytest.mark.parametrize("client", CLIENTS)
def test_fields_only_echoed_are_kept_by_name(client: type[IbAsync | IbApi]) -> None:
    """What the simulator does not act on waits in `extra`, and what was not set is absent."""
    said = {"orderType": "LMT", "ocaType": 2, "hedgeType": "B", "hedgeParam": "0.5", "modelCode": "growth"}
    extra = place(client, 178, APPLE, **said).order.extra
    kept = {"ocaType": "2", "hedgeType": "B", "hedgeParam": "0.5", "modelCode": "growth"}
    assert {name: extra.get(name) for name in kept} == kept
    assert not {"duration", "postToAts", "triggerPrice", "minQty", "percentOffset"} & extra.keys()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("condition", "meant"), CONDITIONS, ids=lambda case: getattr(case, "kind", ""))
def test_conditions_are_kept(client: type[IbAsync | IbApi], condition: Filled, meant: tuple[str, ...]) -> None:
    """A condition of each type arrives whole, and the order after it too."""
    order = place(client, 178, APPLE, orderType="MKT", conditions=[condition], conditionsCancelOrder=True).order
    assert order.groups == {"conditions": (meant,)}
    assert order.extra["conditionsCancelOrder"] == "1"


@pytest.mark.parametrize("client", CLIENTS)
def test_combination_orders_are_kept(client: type[IbAsync | IbApi]) -> None:
    """Legs, their prices and the routing of a combination arrive as groups."""
    legs = [made("ComboLeg", conId=1, ratio=1, action="BUY", exchange="SMART"),
            made("ComboLeg", conId=2, ratio=3, action="SELL", exchange="SMART")]  # fmt: skip
    bag = made("Contract", symbol="SPY", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs)
    order = made(
        "Order", action="BUY", totalQuantity=Decimal(1), orderType="LMT", lmtPrice=1.5, **BOTH,
        orderComboLegs=[made("OrderComboLeg", price=0.75)],
        smartComboRoutingParams=[tag("NonGuaranteed", "1")],
    )  # fmt: skip
    placed = decode.request(178, client(178).send("placeOrder", 42, bag, order))
    assert isinstance(placed, PlaceOrder)
    assert placed.order.groups == {
        "comboLegs": (
            ("1", "1", "BUY", "SMART", "0", "0", "", "-1"),
            ("2", "3", "SELL", "SMART", "0", "0", "", "-1"),
        ),
        "orderComboLegs": (("0.75",),),
        "smartComboRoutingParams": (("NonGuaranteed", "1"),),
    }
    assert (placed.order.order_ref, placed.trailing) == ("rb-1-a", ())


@pytest.mark.parametrize("client", CLIENTS)
def test_a_delta_neutral_contract_is_kept(client: type[IbAsync | IbApi]) -> None:
    """The second contract of an order arrives, and what follows it stays in place."""
    hedge = made("DeltaNeutralContract", conId=5, delta=0.5, price=10.25)
    contract = made("Contract", symbol="SPY", secType="OPT", exchange="SMART", deltaNeutralContract=hedge)
    order = made("Order", action="BUY", totalQuantity=Decimal(1), orderType="MKT", whatIf=True, **BOTH)
    placed = decode.request(178, client(178).send("placeOrder", 42, contract, order))
    assert isinstance(placed, PlaceOrder)
    assert placed.order.groups == {"deltaNeutralContract": (("5", "0.5", "10.25"),)}
    assert (placed.order.what_if, placed.trailing) == (True, ())


def test_an_unknown_condition_is_refused() -> None:
    """The length of a condition depends on its type, so nothing after an unknown one can be read."""
    condition = made("TimeCondition", conjunction="a", isMore=True, time="x", condType=2)
    order = made("Order", orderType="MKT", conditions=[condition], **BOTH)
    with pytest.raises(MalformedRequest, match="order condition of unknown type '2'"):
        decode.request(178, IbAsync(178).send("placeOrder", 42, APPLE, order))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("order_type", "exchange", "said", "echoed"),
    [
        ("PEG MID", "SMART", {"midOffsetAtWhole": 0.5}, {"midOffsetAtWhole": "0.5"}),
        ("PEG BEST", "IBKRATS", {"minTradeQty": 5, "competeAgainstBestOffset": 0.25},
         {"minTradeQty": "5", "competeAgainstBestOffset": "0.25"}),
        ("PEG BEST", "IBKRATS", {"competeAgainstBestOffset": float("inf"), "midOffsetAtHalf": 0.5},
         {"competeAgainstBestOffset": "Infinity", "midOffsetAtHalf": "0.5"}),
    ],
)  # fmt: skip
def test_pegged_orders_end_where_the_client_ends(
    client: type[IbAsync | IbApi],
    order_type: str,
    exchange: str,
    said: dict[str, Any],
    echoed: dict[str, str],
) -> None:
    """The optional fields at the very end are taken exactly when they are there."""
    contract = Contract(con_id=1, symbol="SPY", sec_type="STK", exchange=exchange, currency="USD")
    placed = place(client, 178, contract, orderType=order_type, **said)
    assert placed.trailing == ()
    assert echoed.items() <= placed.order.extra.items()


def test_fields_of_a_later_version_do_no_harm() -> None:
    """A client that sends more than the version knows is still understood; the rest is put aside."""
    payload = IbAsync(178).send("placeOrder", 42, APPLE, made("Order", orderType="MKT", **BOTH))
    decoded = decode.request(178, payload + b"new\0fields\0")
    assert isinstance(decoded, PlaceOrder)
    assert decoded.trailing == ("new", "fields")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"lmtPrice": "cheap"}, "lmtPrice: 'cheap' is not a number"),
        ({"totalQuantity": "nan"}, "totalQuantity: 'nan' is not a number"),
        ({"parentId": "mother"}, "parentId: 'mother' is not a whole number"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(said: dict[str, str], reason: str) -> None:
    """The refusal names the order and the field, so that a person can mend it."""
    payload = IbAsync(178).send("placeOrder", 42, APPLE, made("Order", orderType="LMT", **BOTH, **said))
    with pytest.raises(MalformedRequest) as caught:
        decode.request(178, payload)
    assert (caught.value.request_id, caught.value.reason) == (42, reason)
