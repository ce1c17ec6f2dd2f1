"""What the two real clients send decodes to what the caller meant."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_simulator.codec import decode
from gateway_simulator.codec import requests as ask
from gateway_simulator.model import Contract
from tests.unit.gateway_simulator.codec.clients import (
    CLIENT_ID,
    CLIENTS,
    VERSIONS,
    IbApi,
    IbAsync,
    made,
)

LEGS = [
    made("ComboLeg", conId=1, ratio=1, action="BUY", exchange="SMART"),
    made("ComboLeg", conId=2, ratio=3, action="SELL", exchange="SMART"),
]
BAG = made("Contract", symbol="SPY", secType="BAG", exchange="SMART", currency="USD", comboLegs=LEGS)
BAG_MEANT = Contract(symbol="SPY", sec_type="BAG", exchange="SMART", currency="USD")
HEDGED = made("Contract", **BAG.values, deltaNeutralContract=made("DeltaNeutralContract", conId=5, delta=0.5))
APPLE = Contract(
    con_id=265598,
    symbol="AAPL",
    sec_type="STK",
    exchange="SMART",
    primary_exchange="NASDAQ",
    currency="USD",
    local_symbol="AAPL",
    trading_class="NMS",
)
CALL = Contract(
    symbol="SPY",
    sec_type="OPT",
    last_trade_date="20260619",
    strike=512.5,
    right="C",
    multiplier="100",
    exchange="SMART",
    currency="USD",
)

EXAMPLES: list[tuple[str, tuple[Any, ...], ask.Request]] = [
    ("startApi", (), ask.StartApi(CLIENT_ID, "")),
    ("reqMktData", (1, APPLE, "233,236", True, False, []), ask.ReqMktData(1, APPLE, "233,236", True, False)),
    ("reqMktData", (2, CALL, "", False, True, []), ask.ReqMktData(2, CALL, "", False, True)),
    ("reqMktData", (2, HEDGED, "100", False, False, []), ask.ReqMktData(2, BAG_MEANT, "100", False, False)),
    ("cancelMktData", (3,), ask.CancelMktData(3)),
    ("reqOpenOrders", (), ask.ReqOpenOrders()),
    ("reqAccountUpdates", (True, "DU1"), ask.ReqAccountUpdates(True, "DU1")),
    ("reqAccountUpdates", (False, ""), ask.ReqAccountUpdates(False, "")),
    (
        "reqExecutions",
        (4, made("ExecutionFilter", clientId=7, acctCode="DU1", time="20260105-14:30:00", side="BUY")),
        ask.ReqExecutions(4, 7, "DU1", "20260105-14:30:00", "", "", "", "BUY"),
    ),
    ("reqIds", (-1,), ask.ReqIds(-1)),
    ("reqNewsBulletins", (True,), ask.ReqNewsBulletins(True)),
    ("cancelNewsBulletins", (), ask.CancelNewsBulletins()),
    ("setServerLogLevel", (5,), ask.SetServerLogLevel(5)),
    ("reqAutoOpenOrders", (True,), ask.ReqAutoOpenOrders(True)),
    ("reqAllOpenOrders", (), ask.ReqAllOpenOrders()),
    ("reqManagedAccts", (), ask.ReqManagedAccts()),
    (
        "reqHistoricalData",
        (5, APPLE, "20260105-21:00:00", "30 D", "1 day", "TRADES", 1, 2, True, []),
        ask.ReqHistoricalData(5, APPLE, False, "20260105-21:00:00", "1 day", "30 D", True, "TRADES", 2, True),
    ),
    (
        "reqHistoricalData",
        (5, BAG, "", "1 Y", "1 day", "MIDPOINT", 0, 1, False, []),
        ask.ReqHistoricalData(5, BAG_MEANT, False, "", "1 day", "1 Y", False, "MIDPOINT", 1, False),
    ),
    ("cancelHistoricalData", (6,), ask.CancelHistoricalData(6)),
    ("reqCurrentTime", (), ask.ReqCurrentTime()),
    ("reqGlobalCancel", (), ask.ReqGlobalCancel()),
    ("reqMarketDataType", (3,), ask.ReqMarketDataType(3)),
    ("reqPositions", (), ask.ReqPositions()),
    ("reqAccountSummary", (7, "All", "NetLiquidation,TotalCashValue"),
     ask.ReqAccountSummary(7, "All", "NetLiquidation,TotalCashValue")),
    ("cancelAccountSummary", (8,), ask.CancelAccountSummary(8)),
    ("cancelPositions", (), ask.CancelPositions()),
    ("reqPositionsMulti", (9, "DU1", "growth"), ask.ReqPositionsMulti(9, "DU1", "growth")),
    ("cancelPositionsMulti", (10,), ask.CancelPositionsMulti(10)),
    ("reqAccountUpdatesMulti", (11, "DU1", "", True), ask.ReqAccountUpdatesMulti(11, "DU1", "", True)),
    ("cancelAccountUpdatesMulti", (12,), ask.CancelAccountUpdatesMulti(12)),
    ("reqMatchingSymbols", (13, "app"), ask.ReqMatchingSymbols(13, "app")),
    ("reqHeadTimeStamp", (14, APPLE, "TRADES", 1, 2),
     ask.ReqHeadTimestamp(14, APPLE, False, True, "TRADES", 2)),
    ("cancelHeadTimeStamp", (15,), ask.CancelHeadTimestamp(15)),
    ("reqMarketRule", (26,), ask.ReqMarketRule(26)),
    ("reqPnL", (16, "DU1", ""), ask.ReqPnL(16, "DU1", "")),
    ("cancelPnL", (17,), ask.CancelPnL(17)),
    ("reqPnLSingle", (18, "DU1", "", 265598), ask.ReqPnLSingle(18, "DU1", "", 265598)),
    ("cancelPnLSingle", (19,), ask.CancelPnLSingle(19)),
    ("reqCompletedOrders", (True,), ask.ReqCompletedOrders(True)),
    ("reqContractDetails", (20, APPLE), ask.ReqContractDetails(20, APPLE, False, "", "")),
    ("reqContractDetails", (21, CALL), ask.ReqContractDetails(21, CALL, False, "", "")),
]  # fmt: skip
"""Client method, its arguments, what the gateway must understand."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("method", "arguments", "meant"), EXAMPLES)
def test_requests_of_real_clients_are_understood(
    client: type[IbAsync | IbApi], version: int, method: str, arguments: tuple[Any, ...], meant: ask.Request
) -> None:
    """Each request of either client, at each layout, decodes to the dataclass that says the same."""
    assert decode.request(version, client(version).send(method, *arguments)) == meant


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_cancel_keeps_its_manual_time_where_the_version_has_one(client: type[IbAsync | IbApi], version: int) -> None:
    """Before version 169 a cancel has no time; from then on the time arrives."""
    time = "20260105-14:30:00" if version >= 169 else ""
    assert decode.request(version, client(version).send("cancelOrder", 22, time)) == ask.CancelOrder(22, time)


@pytest.mark.parametrize("client", CLIENTS)
def test_user_information_can_be_asked_for(client: type[IbAsync | IbApi]) -> None:
    """The request exists from version 167 on."""
    assert decode.request(178, client(178).send("reqUserInfo", 23)) == ask.ReqUserInfo(23)


def test_a_request_not_served_is_named() -> None:
    """A message id without a layout is an answer of its own, with its fields, not a failure."""
    sent = IbAsync(178).send("reqScannerParameters")
    assert decode.request(178, sent) == ask.UnknownRequest(24, ("1",))


@pytest.mark.parametrize(
    ("payload", "message_id", "request_id", "reason"),
    [
        (b"", None, -1, "the last field has no end"),
        (b"5\x001", None, -1, "the last field has no end"),
        (b"\xff\xfe\x00", None, -1, "not UTF-8 text: invalid start byte"),
        (b"hello\x00", None, -1, "'hello' is not a whole number"),
        (b"1_0\x00", None, -1, "'1_0' is not a whole number"),
        (b"62\x001\x009\x00All\x00", 62, 9, "only 4 fields"),
        (b"6\x002\x00yes\x00DU1\x00", 6, -1, "'yes' is not a whole number"),
        (b"92\x00x\x00", 92, -1, "'x' is not a whole number"),
        (b"94\x0018\x00DU1\x00\x00apple\x00", 94, 18, "'apple' is not a whole number"),
        (b"87\x0014\x000\x00SPY\x00OPT\x00\x00nan\x00", 87, 14, "'nan' is not a number"),
        (b"3\x0077\x00", 3, 77, "only 2 fields"),
        (
            b"1\x0011\x003\x000\x00SPY\x00BAG\x00\x00\x00\x00\x00\x00\x00\x00\x00\x009\x00",
            1,
            3,
            "'9' is not a count of at most 0",
        ),
    ],
)
def test_malformed_messages_say_what_is_wrong(
    payload: bytes, message_id: int | None, request_id: int, reason: str
) -> None:
    """Whoever sent nonsense is told which message, which request and why."""
    with pytest.raises(ask.MalformedRequest) as caught:
        decode.request(178, payload)
    assert (caught.value.message_id, caught.value.request_id, caught.value.reason) == (
        message_id, request_id, reason,
    )  # fmt: skip


@given(
    st.integers(0, 110),
    st.lists(st.one_of(st.text("0123456789.-eBAGPX", max_size=8), st.text(max_size=8)), max_size=140),
    st.sampled_from(VERSIONS),
)
def test_no_message_can_do_more_than_be_refused(message_id: int, texts: list[str], version: int) -> None:
    """Whatever the fields hold, decoding returns or raises MalformedRequest, nothing else."""
    payload = "".join(f"{text}\0" for text in (str(message_id), *texts)).encode("utf-8", "replace")
    with suppress(ask.MalformedRequest):
        assert type(decode.request(version, payload)).__name__ in ask.__all__
