"""What there is to trade: details, hours, price steps, and the words for what does not exist."""

from __future__ import annotations

import re

import pytest

from tests.support.clients import Client, connected
from tests.support.gateway import gateway

US_SPY = {"symbol": "SPY", "secType": "STK", "exchange": "SMART", "currency": "USD"}
DAY = r"\d{8}:(CLOSED|\d{4}-\d{8}:\d{4})"


async def details(client: Client, request_id: int, **fields: object) -> list[object]:
    """All contract details for these fields."""
    client.ask("reqContractDetails", request_id, client.contract(fields))
    await client.hear("contractDetailsEnd", reqId=request_id)
    return [said.details for said in client.all("contractDetails", reqId=request_id)]


async def test_details_of_a_share(kind: type[Client]) -> None:
    """Ids, names, exchanges, steps, sizes, hours and their time zone."""
    async with gateway("exchange-hours") as served, connected(kind, served) as client:
        (found,) = await details(client, 1, **US_SPY)
        share: object = found.contract  # type: ignore[attr-defined]
        assert (
            vars(share).items()
            >= {
                "conId": 756733,
                "symbol": "SPY",
                "secType": "STK",
                "exchange": "SMART",
                "primaryExchange": "ARCA",
                "currency": "USD",
                "localSymbol": "SPY",
                "tradingClass": "SPY",
            }.items()
        )
        facts = vars(found)
        assert (facts["timeZoneId"], facts["minTick"], facts["stockType"]) == ("US/Eastern", 0.01, "ETF")
        assert facts["longName"] == "SPDR S&P 500 ETF TRUST"
        assert "MIDPX" in facts["orderTypes"].split(",")
        assert len(facts["marketRuleIds"].split(",")) == len(facts["validExchanges"].split(","))
        assert float(facts["sizeIncrement"]) == float(facts["minSize"]) == 0.0001
        for hours in (facts["liquidHours"], facts["tradingHours"]):
            assert re.fullmatch(f"{DAY}(;{DAY}){{5}}", hours)
        assert "0930" in facts["liquidHours"]
        assert "0400" in facts["tradingHours"]


async def test_details_by_id_and_of_other_kinds(kind: type[Client]) -> None:
    """By conId alone; a European share in its zone, an option with its terms, a currency pair."""
    async with gateway() as served, connected(kind, served) as client:
        (by_id,) = await details(client, 1, conId=756733)
        assert vars(by_id)["contract"].symbol == "SPY"
        (sap,) = await details(client, 2, symbol="SAP", secType="STK", exchange="IBIS", currency="EUR")
        assert (vars(sap)["timeZoneId"], vars(sap)["contract"].exchange) == ("MET", "IBIS")
        (option,) = await details(client, 3, conId=700000001)
        terms = vars(option)["contract"]
        assert (terms.lastTradeDateOrContractMonth, terms.strike, terms.right, terms.multiplier) == (
            "20271217",
            550,
            "P",
            "100",
        )
        (euro,) = await details(client, 4, symbol="EUR", secType="CASH", exchange="IDEALPRO", currency="USD")
        assert vars(euro)["minTick"] == 0.00005


async def test_an_ambiguous_symbol(kind: type[Client]) -> None:
    """Two shares of one symbol are two answers to one request; the currency decides."""
    async with gateway() as served, connected(kind, served) as client:
        both = await details(client, 1, symbol="ABC", secType="STK", exchange="SMART")
        assert {vars(found)["contract"].currency for found in both} == {"USD", "EUR"}
        assert len(await details(client, 2, symbol="ABC", secType="STK", exchange="SMART", currency="EUR")) == 1


@pytest.mark.parametrize("fields", [{**US_SPY, "symbol": "NOSUCH"}, {"conId": 1}, {**US_SPY, "exchange": "NOWHERE"}])
async def test_what_does_not_exist(kind: type[Client], fields: dict[str, object]) -> None:
    """200 for the request, and no end of answers."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask("reqContractDetails", 9, client.contract(fields))
        refused = await client.hear("error", reqId=9, code=200)
        assert refused.text == "No security definition has been found for the request"
        assert client.all("contractDetailsEnd") == []


async def test_market_rules(kind: type[Client]) -> None:
    """Price steps by price; an unknown rule is an error."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask("reqMarketRule", 1788)
        rule = await client.hear("marketRule", ruleId=1788)
        steps = [(step.lowEdge, step.increment) for step in rule.increments]
        assert steps[:2] == [(0, 0.001), (10, 0.005)]
        assert len(steps) == 5
        client.ask("reqMarketRule", 4)
        assert (await client.hear("error", code=322)).reqId == -1
