"""No two fields of an order can change places unnoticed: each is given a value of its own."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import ib_async
import pytest

from gateway_simulator.codec import decode
from gateway_simulator.codec.open_order import completed_order, open_order
from gateway_simulator.codec.requests import PlaceOrder
from gateway_simulator.model import Contract, Order, OrderState
from tests.unit.gateway_simulator.codec.clients import CLIENTS, IbApi, IbAsync, Theirs, made

VERSION = 178
SPY = Contract(con_id=756733, symbol="SPY", sec_type="STK", exchange="SMART", currency="USD")
AnyClient = type[IbAsync] | type[IbApi]
pytestmark = pytest.mark.parametrize("client", CLIENTS)


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KINDS = {field.name: type(field.default) for field in dataclasses.fields(ib_async.Order)}
FLAGS = names(" ".join(name for name, kind in KINDS.items() if kind is bool))
NOT_PLACED = names(
    "orderId clientId permId basisPoints basisPointsType autoCancelDate filledQuantity refFuturesConId "
    "shareholder imbalanceOnly routeMarketableToBbo parentPermId faProfile eTradeOnly firmQuoteOnly nbboPriceCap "
    "volatility minTradeQty minCompeteSize competeAgainstBestOffset midOffsetAtWhole midOffsetAtHalf"
)
"""Told by the gateway alone, retired, or only for the pegged and volatility orders tested elsewhere."""
OWN_ATTRIBUTE = names(
    "action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account orderRef parentId transmit "
    "outsideRth hidden whatIf algoStrategy goodAfterTime goodTillDate cashQty"
)
WITH_CONDITIONS = names("conditionsCancelOrder conditionsIgnoreRth")
"""Sent and shown only when there are conditions."""
NOT_OPEN = (
    NOT_PLACED
    | WITH_CONDITIONS
    | names(
        "transmit overridePercentageConstraints scaleTable activeStartTime activeStopTime algoId extOperator "
        "mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo "
        "advancedErrorOverride manualOrderTime"
    )
)
"""What openOrder does not say."""
NOT_COMPLETED = NOT_OPEN | names(
    "parentId auctionStrategy blockOrder deltaNeutralSettlingFirm deltaNeutralClearingAccount "
    "deltaNeutralClearingIntent deltaNeutralOpenClose optOutSmartRouting whatIf adjustedOrderType "
    "triggerPrice adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount adjustableTrailingUnit "
    "discretionaryUpToLimitPrice usePriceMgmtAlgo duration postToAts"
)


def every_field() -> dict[str, Any]:
    """A value for each field that placeOrder sends, no two alike; flags are off."""
    values: dict[str, Any] = {}
    for place, (name, kind) in enumerate(KINDS.items(), start=101):
        if name not in NOT_PLACED and kind in {str, int, float}:
            values[name] = kind(place) if kind is not str else f"text{place}"
    return values | {"orderType": "PEG BENCH", "totalQuantity": Decimal(99)}


def placed(client: AnyClient, said: dict[str, Any]) -> Order:
    decoded = decode.request(VERSION, client(VERSION).send("placeOrder", 42, SPY, made("Order", **said)))
    assert isinstance(decoded, PlaceOrder)
    assert decoded.trailing == ()
    return decoded.order


def shown(theirs: Theirs, said: dict[str, Any], unsaid: frozenset[str]) -> dict[str, Any]:
    return {name: getattr(theirs, name) for name in said if name not in unsaid}


def test_each_placed_value_is_found_under_its_name(client: AnyClient) -> None:
    """Every field that is only echoed waits in `extra` with its own value."""
    said = every_field()
    extra = placed(client, said).extra
    expected = {name: str(value) for name, value in said.items() if name not in OWN_ATTRIBUTE}
    assert {name: extra.get(name) for name in expected} == expected


def test_each_value_of_an_open_order_is_shown_under_its_name(client: AnyClient) -> None:
    """What was placed comes back in openOrder, every value where the client looks for it."""
    said = every_field()
    ((_, (_, _, order, _)),) = client(VERSION).receive(
        open_order(VERSION, SPY, placed(client, said), OrderState("Submitted"))
    )
    assert shown(order, said, NOT_OPEN) == {k: v for k, v in said.items() if k not in NOT_OPEN}


def test_each_value_of_a_completed_order_is_shown_under_its_name(client: AnyClient) -> None:
    """The same for completedOrder, which says less."""
    said = every_field()
    ((_, (_, order, _)),) = client(VERSION).receive(
        completed_order(VERSION, SPY, placed(client, said), OrderState("Filled"), Decimal(99))
    )
    assert shown(order, said, NOT_COMPLETED) == {k: v for k, v in said.items() if k not in NOT_COMPLETED}


@pytest.mark.parametrize("flag", sorted(FLAGS - NOT_OPEN))
def test_each_flag_is_shown_alone(client: AnyClient, flag: str) -> None:
    """One flag set is one flag shown, in openOrder and in completedOrder."""
    said = every_field() | dict.fromkeys(FLAGS - NOT_PLACED, False) | {flag: True}
    order = placed(client, said)
    ((_, (_, _, opened, _)),) = client(VERSION).receive(open_order(VERSION, SPY, order, OrderState("Submitted")))
    ((_, (_, completed, _)),) = client(VERSION).receive(
        completed_order(VERSION, SPY, order, OrderState("Filled"), Decimal(99))
    )
    assert {name for name in FLAGS - NOT_OPEN if getattr(opened, name)} == {flag}
    in_both = FLAGS - NOT_COMPLETED
    assert {name for name in in_both if getattr(completed, name)} == {flag} & in_both


@pytest.mark.parametrize("flag", sorted(FLAGS - NOT_PLACED - OWN_ATTRIBUTE - WITH_CONDITIONS))
def test_each_placed_flag_is_found_alone(client: AnyClient, flag: str) -> None:
    """One flag set is one flag kept."""
    extra = placed(client, every_field() | dict.fromkeys(FLAGS - NOT_PLACED, False) | {flag: True}).extra
    assert {name for name in FLAGS if extra.get(name) == "1"} == {flag}
