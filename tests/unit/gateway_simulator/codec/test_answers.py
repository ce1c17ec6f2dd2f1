"""What the gateway says reaches the callbacks of both real clients unchanged."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway_simulator.codec import account, contracts, market_data, orders, system
from gateway_simulator.model import Commission, Contract, Execution, Instrument, Position
from tests.unit.gateway_simulator.codec.clients import (
    CLIENTS,
    CONTRACT_NAMES,
    VERSIONS,
    IbApi,
    IbAsync,
    Theirs,
)

UNSET = 1.7976931348623157e308
APPLE = Contract(
    con_id=265598, symbol="AAPL", sec_type="STK", exchange="SMART", primary_exchange="NASDAQ", currency="USD",
    local_symbol="AAPL", trading_class="NMS",
)  # fmt: skip
HELD = Position("DU1", APPLE, Decimal("10.5"), Decimal("187.25"))
ZONE = ZoneInfo("America/New_York")
EXECUTION = Execution(
    exec_id="0001.01", time=1767625200.0, account="DU1", exchange="ISLAND", side="BOT", shares=Decimal("0.5"),
    price=Decimal("187.25"), perm_id=9001, client_id=7, order_id=42, cumulative_quantity=Decimal("2.5"),
    average_price=Decimal("187.125"), order_ref="rb-1-a", contract=APPLE,
)  # fmt: skip
INSTRUMENT = Instrument(
    contract=APPLE, market_name="NMS", long_name="APPLE INC", min_tick=Decimal("0.01"), order_types="LMT,MKT",
    valid_exchanges="SMART,NASDAQ", market_rule_ids="26,26", industry="Technology", category="Computers",
    subcategory="Phones", min_size=Decimal("0.5"), size_increment=Decimal("0.25"),
)  # fmt: skip

Answer = Callable[[int], list[str]]
SAME: list[tuple[Answer, str, tuple[Any, ...]]] = [
    (lambda _: system.next_valid_id(12), "nextValidId", (12,)),
    (lambda _: system.managed_accounts(["DU1", "DU2"]), "managedAccounts", ("DU1,DU2",)),
    (lambda _: system.current_time(1767625200), "currentTime", (1767625200,)),
    (lambda _: system.user_info(3, "brand"), "userInfo", (3, "brand")),
    (lambda _: system.news_bulletin(1, 2, "Halted", "NYSE"), "updateNewsBulletin", (1, 2, "Halted", "NYSE")),
    (lambda _: orders.open_order_end(), "openOrderEnd", ()),
    (lambda _: orders.order_bound(9001, 7, 42), "orderBound", (9001, 7, 42)),
    (lambda _: orders.exec_details_end(5), "execDetailsEnd", (5,)),
    (lambda _: orders.completed_orders_end(), "completedOrdersEnd", ()),
    (
        lambda _: orders.order_status(
            42, "Submitted", filled=Decimal("2.5"), remaining=Decimal("7.5"),
            average_fill_price=Decimal("187.25"), perm_id=9001, parent_id=41,
            last_fill_price=Decimal("187.5"), client_id=7, why_held="locate",
        ),
        "orderStatus", (42, "Submitted", 2.5, 7.5, 187.25, 9001, 41, 187.5, 7, "locate", 0.0),
    ),
    (lambda _: account.account_value("NetLiquidation", "100.50", "USD", "DU1"),
     "updateAccountValue", ("NetLiquidation", "100.50", "USD", "DU1")),
    (lambda _: account.account_update_time("15:30"), "updateAccountTime", ("15:30",)),
    (lambda _: account.account_download_end("DU1"), "accountDownloadEnd", ("DU1",)),
    (lambda _: account.position_end(), "positionEnd", ()),
    (lambda _: account.account_summary(3, "DU1", "NetLiquidation", "1.5", "USD"),
     "accountSummary", (3, "DU1", "NetLiquidation", "1.5", "USD")),
    (lambda _: account.account_summary_end(3), "accountSummaryEnd", (3,)),
    (lambda _: account.position_multi_end(3), "positionMultiEnd", (3,)),
    (lambda _: account.account_update_multi(3, "DU1", "Cushion", "0.5", "", model_code="growth"),
     "accountUpdateMulti", (3, "DU1", "growth", "Cushion", "0.5", "")),
    (lambda _: account.account_update_multi_end(3), "accountUpdateMultiEnd", (3,)),
    (lambda _: account.pnl(3, Decimal("1.5"), None, Decimal("-2.5")), "pnl", (3, 1.5, UNSET, -2.5)),
    (lambda _: account.pnl_single(3, Decimal(4), daily=Decimal("1.5"), unrealized=Decimal(2), realized=None,
                                  value=Decimal("7.5")),
     "pnlSingle", (3, 4, 1.5, 2.0, UNSET, 7.5)),
    (lambda _: contracts.contract_data_end(3), "contractDetailsEnd", (3,)),
    (lambda _: market_data.tick_size(3, 5, Decimal("100.5")), "tickSize", (3, 5, 100.5)),
    (lambda _: market_data.tick_string(3, 45, "1767625200"), "tickString", (3, 45, "1767625200")),
    (lambda _: market_data.tick_generic(3, 49, Decimal(0)), "tickGeneric", (3, 49, 0.0)),
    (lambda _: market_data.market_data_type(3, 2), "marketDataType", (3, 2)),
    (lambda _: market_data.tick_req_params(3, Decimal("0.01"), "9c0001", 3),
     "tickReqParams", (3, 0.01, "9c0001", 3)),
    (lambda _: market_data.tick_snapshot_end(3), "tickSnapshotEnd", (3,)),
    (lambda _: market_data.head_timestamp(3, "19801212-14:30:00"), "headTimestamp", (3, "19801212-14:30:00")),
]  # fmt: skip
"""Answers whose callback has the same name and plain arguments in both clients."""

pytestmark = [pytest.mark.parametrize("version", VERSIONS), pytest.mark.parametrize("client", CLIENTS)]
AnyClient = type[IbAsync] | type[IbApi]


def heard(client: AnyClient, version: int, fields: list[str]) -> tuple[str, tuple[Any, ...]]:
    (call,) = client(version).receive(fields)
    return call


def contract_of(theirs: Theirs) -> dict[str, Any]:
    return {ours: getattr(theirs, name) for name, ours in CONTRACT_NAMES.items()}


def as_sent(contract: Contract, **different: Theirs) -> dict[str, Any]:
    return {ours: getattr(contract, ours) for ours in CONTRACT_NAMES.values()} | different


@pytest.mark.parametrize(("answer", "callback", "arguments"), SAME, ids=[row[1] for row in SAME])
def test_plain_answers_arrive(
    client: AnyClient, version: int, answer: Answer, callback: str, arguments: tuple[Any, ...]
) -> None:
    """One message makes one callback with the values that were sent, in both clients."""
    assert heard(client, version, answer(version)) == (callback, arguments)


def test_errors_arrive_with_their_reject_details(client: AnyClient, version: int) -> None:
    """Code, text and, from version 166 on, the details of a rejection reach the caller."""
    name, arguments = heard(client, version, system.error(version, 42, 201, "Order rejected", '{"a": 1}'))
    request_id, *time, code, text, details = arguments
    assert (name, request_id, code, text) == ("error", 42, 201, "Order rejected")
    assert time in ([], [0]), "IBKR's client adds a time, unknown to servers before 194"
    assert details == ('{"a": 1}' if version >= 166 else "")


def test_prices_arrive_with_their_size(client: AnyClient, version: int) -> None:
    """A price tick brings its size, in one callback or in two."""
    calls = client(version).receive(market_data.tick_price(3, 1, Decimal("187.25"), Decimal(300), pre_open=True))
    if client is IbAsync:
        assert calls == [("priceSizeTick", (3, 1, 187.25, 300.0))]
        return
    (price, (request_id, tick_type, value, attributes)), size = calls
    assert (price, request_id, tick_type, value) == ("tickPrice", 3, 1, 187.25)
    assert (attributes.preOpen, attributes.pastLimit) == (True, False)
    assert size == ("tickSize", (3, 0, 300))


def test_executions_arrive_whole(client: AnyClient, version: int) -> None:
    """Every field of an execution and its contract arrives; the time is local to the zone it names."""
    name, (request_id, contract, execution) = heard(client, version, orders.exec_details(version, -1, EXECUTION, ZONE))
    assert (name, request_id) == ("execDetails", -1)
    assert contract_of(contract) == as_sent(APPLE, primary_exchange="")
    assert {theirs: getattr(execution, theirs) for theirs in EXECUTED} == EXECUTED
    assert execution.pendingPriceRevision is False
    time = execution.time.timestamp() if client is IbAsync else execution.time
    assert time in {EXECUTION.time, "20260105 10:00:00 America/New_York"}


EXECUTED = {
    "execId": "0001.01", "acctNumber": "DU1", "exchange": "ISLAND", "side": "BOT", "shares": 0.5,
    "price": 187.25, "permId": 9001, "clientId": 7, "orderId": 42, "liquidation": 0, "cumQty": 2.5,
    "avgPrice": 187.125, "orderRef": "rb-1-a", "evRule": "", "modelCode": "", "lastLiquidity": 2,
}  # fmt: skip


@pytest.mark.parametrize("realized", [None, Decimal("-3.5")])
def test_commissions_arrive(client: AnyClient, version: int, realized: Decimal | None) -> None:
    """An opening execution has no realized profit: IBKR's unset value says so."""
    commission = Commission("0001.01", Decimal("1.25"), "USD", realized)
    _, (report,) = heard(client, version, orders.commission_report(commission))
    amount = report.commission if client is IbAsync else report.commissionAndFees
    assert (report.execId, amount, report.currency) == ("0001.01", 1.25, "USD")
    assert report.realizedPNL == (UNSET if realized is None else -3.5)


def test_positions_arrive_without_exchange(client: AnyClient, version: int) -> None:
    """As from the real gateway, a position names everything but where to trade it."""
    name, (account_number, contract, quantity, cost) = heard(client, version, account.position(HELD))
    assert (name, account_number, quantity, cost) == ("position", "DU1", 10.5, 187.25)
    assert contract_of(contract) == as_sent(APPLE, exchange="", primary_exchange="")


def test_positions_by_model_arrive(client: AnyClient, version: int) -> None:
    """The same for a request by account and model."""
    name, arguments = heard(client, version, account.position_multi(3, HELD, "growth"))
    request_id, account_number, model, contract, quantity, cost = arguments
    assert (name, request_id, account_number, model) == ("positionMulti", 3, "DU1", "growth")
    assert (quantity, cost) == (10.5, 187.25)
    assert contract_of(contract) == as_sent(APPLE, exchange="", primary_exchange="")


def test_portfolio_values_arrive(client: AnyClient, version: int) -> None:
    """A portfolio line has the primary exchange, value, cost and profit."""
    line = account.portfolio_value(HELD, Decimal(200), Decimal(2100), Decimal("133.875"), Decimal("0.5"))
    name, (contract, *numbers, account_number) = heard(client, version, line)
    assert (name, account_number) == ("updatePortfolio", "DU1")
    assert numbers == [10.5, 200, 2100, 187.25, 133.875, 0.5]
    assert contract_of(contract) == as_sent(APPLE, exchange="", right="0")


def test_contract_details_arrive_whole(client: AnyClient, version: int) -> None:
    """Everything a client needs before ordering: increments, rules, hours, names and sizes."""
    hours = "20260105:0400-20260105:2000;20260106:CLOSED"
    liquid = "20260105:0930-20260105:1600;20260106:CLOSED"
    fields = contracts.contract_data(
        version, 3, INSTRUMENT, time_zone="US/Eastern", trading_hours=hours, liquid_hours=liquid
    )
    name, (request_id, details) = heard(client, version, fields)
    assert (name, request_id) == ("contractDetails", 3)
    assert contract_of(details.contract) == as_sent(APPLE)
    told = {
        "marketName": "NMS", "minTick": 0.01, "orderTypes": "LMT,MKT", "validExchanges": "SMART,NASDAQ",
        "priceMagnifier": 1, "longName": "APPLE INC", "industry": "Technology", "category": "Computers",
        "subcategory": "Phones", "timeZoneId": "US/Eastern", "tradingHours": hours, "liquidHours": liquid,
        "marketRuleIds": "26,26", "stockType": "COMMON",
    }  # fmt: skip
    if version >= 164:
        told |= {"minSize": Decimal("0.5"), "sizeIncrement": Decimal("0.25")}
    assert {name: getattr(details, name) for name in told} == told


def test_names_outside_ascii_arrive(client: AnyClient, version: int) -> None:
    """A long name travels escaped and is whole again in both clients."""
    nestle = Instrument(APPLE, "X", "Nestlé 株", Decimal("0.01"), "MKT", "SMART", "26")
    fields = contracts.contract_data(version, 3, nestle, time_zone="UTC", trading_hours="", liquid_hours="")
    _, (_, details) = heard(client, version, fields)
    assert details.longName == "Nestlé 株"


def test_symbol_matches_arrive(client: AnyClient, version: int) -> None:
    """All matches arrive, from version 176 on with their description."""
    name, (request_id, matches) = heard(client, version, contracts.symbol_samples(version, 3, [INSTRUMENT, INSTRUMENT]))
    assert (name, request_id, len(matches)) == ("symbolSamples", 3, 2)
    for match in matches:
        assert (match.contract.conId, match.contract.primaryExchange) == (265598, "NASDAQ")
        assert match.contract.description == ("APPLE INC" if version >= 176 else "")


def test_market_rules_arrive(client: AnyClient, version: int) -> None:
    """Each increment starts at its price."""
    rule = contracts.market_rule(26, [(Decimal(0), Decimal("0.0001")), (Decimal(1), Decimal("0.01"))])
    name, (rule_id, increments) = heard(client, version, rule)
    assert (name, rule_id) == ("marketRule", 26)
    assert [(step.lowEdge, step.increment) for step in increments] == [(0.0, 0.0001), (1.0, 0.01)]


BAR = market_data.Bar("20260105", Decimal(10), Decimal(13), Decimal(9), Decimal(12), Decimal(1000), Decimal("11.5"), 77)


def bar_of(theirs: Theirs) -> tuple[Any, ...]:
    average = theirs.wap if hasattr(theirs, "wap") else theirs.average
    prices = (theirs.open, theirs.high, theirs.low, theirs.close)
    return (theirs.date, *prices, theirs.volume, average, theirs.barCount)


def test_bars_arrive_and_end(client: AnyClient, version: int) -> None:
    """Every bar arrives, and then the end of the list."""
    *bars, end = client(version).receive(market_data.historical_data(3, "20260104", "20260105", [BAR, BAR]))
    assert [(name, request_id, bar_of(bar)) for name, (request_id, bar) in bars] == [
        ("historicalData", 3, ("20260105", 10, 13, 9, 12, 1000, 11.5, 77))
    ] * 2
    assert end == ("historicalDataEnd", (3, "20260104", "20260105"))


def test_an_updated_bar_arrives(client: AnyClient, version: int) -> None:
    """The update message has another order of prices, which must not mix them up."""
    name, (request_id, bar) = heard(client, version, market_data.historical_data_update(3, BAR))
    assert (name, request_id) == ("historicalDataUpdate", 3)
    assert bar_of(bar) == ("20260105", 10, 13, 9, 12, 1000, 11.5, 77)
