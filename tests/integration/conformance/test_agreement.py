"""Both clients, side by side on one gateway, read the same into every field that both of them have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from enum import Enum
from typing import Any

from tests.support.clients import SPY, Client, connected
from tests.support.gateway import Gateway, gateway
from tests.support.hearing import Said
from tests.support.ib_async_client import IbAsyncClient
from tests.support.official_client import OfficialClient

UNSET = {"", "None", 2147483647, 1.7976931348623157e308, float(2**127 - 1), None}
"""How one client or the other writes that there is nothing."""
CLOCKS = {"time", "lastTradeDate"}
"""One client makes objects of these, or splits them; the rest of the suite looks at them."""


@asynccontextmanager
async def both(served: Gateway) -> AsyncIterator[tuple[Client, Client]]:
    async with connected(IbAsyncClient, served, 1) as first, connected(OfficialClient, served, 2) as second:
        yield first, second


def plain(value: Any) -> Any:  # noqa: ANN401 - anything a client decodes to
    """The same for both clients: numbers as float, objects as their fields, nothing as None."""
    if isinstance(value, (bool, int, float, Decimal)):
        value = float(value)
    if isinstance(value, Enum):
        return value.name
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "__dict__"):
        value = vars(value)
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if name not in CLOCKS}
    return None if value in UNSET else value


def differences(first: Any, second: Any, where: str = "") -> list[str]:  # noqa: ANN401
    """Where two plain values differ, looking only at fields that both have."""
    if isinstance(first, dict) and isinstance(second, dict):
        shared = sorted(first.keys() & second.keys())
        return [line for name in shared for line in differences(first[name], second[name], f"{where}.{name}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [line for n, (one, other) in pairs for line in differences(one, other, f"{where}[{n}]")]
    return [] if (first or None) == (second or None) else [f"{where}: {first!r} and {second!r}"]


def check_agreement(first: list[Said], second: list[Said]) -> None:
    assert [said.name for said in first] == [said.name for said in second]
    assert first
    for one, other in zip(first, second, strict=True):
        assert differences(plain(one.values), plain(other.values), one.name) == []


async def ask_both(clients: tuple[Client, Client], end: str, request: str, *values: object) -> None:
    """The same question to both; their answers must agree."""
    for client in clients:
        client.forget()
        client.ask(request, *values)
        await client.hear(end)
    check_agreement(clients[0].heard, clients[1].heard)


async def test_the_login_and_its_accounts() -> None:
    """Values, portfolio, summary and positions of an account with two currencies and an option."""
    for name in ("two-currencies", "demo"):
        async with gateway(name) as served, both(served) as clients:
            await clients[0].hear("error", code=2158)
            await clients[1].hear("error", code=2158)
            await ask_both(clients, "accountDownloadEnd", "reqAccountUpdates", True, "DU1234567")
            await ask_both(clients, "accountUpdateMultiEnd", "reqAccountUpdatesMulti", 1, "DU1234567", "", False)
            await ask_both(clients, "accountSummaryEnd", "reqAccountSummary", 2, "All", "NetLiquidation,$LEDGER:ALL")
            await ask_both(clients, "positionEnd", "reqPositions")
            await ask_both(clients, "positionMultiEnd", "reqPositionsMulti", 3, "DU1234567", "")
            check_agreement(clients[0].heard, clients[1].heard)


async def test_contracts() -> None:
    """Details of a share, an option, a future and a currency pair."""
    async with gateway() as served, both(served) as clients:
        for con_id in (756733, 14204, 700000001, 700000002, 12087792):
            for client in clients:
                client.forget()
                client.ask("reqContractDetails", con_id, client.contract({"conId": con_id}))
                await client.hear("contractDetailsEnd", reqId=con_id)
            first, second = (client.all("contractDetails") for client in clients)
            check_agreement(first, second)


async def test_orders_and_executions() -> None:
    """Open orders of every kind, their ends, executions with commissions, and completed orders."""
    async with gateway() as served, both(served) as clients, connected(OfficialClient, served, 3) as trader:
        adaptive = {"algoStrategy": "Adaptive", "algo": {"adaptivePriority": "Patient"}}
        orders = [
            trader.order("BUY", 3, "LMT", lmtPrice=500.25, tif="GTC", orderRef="gtc", outsideRth=True),
            trader.order("BUY", 2, "MOC", orderRef="moc"),
            trader.order("BUY", 4, "LMT", lmtPrice=400, orderRef="adaptive", hidden=True, minQty=2, **adaptive),
            trader.order("BUY", 5, "MIDPRICE", lmtPrice=600, orderRef="mid", goodTillDate="20270101 12:00:00"),
            trader.order("BUY", 6, "LMT", lmtPrice=300, orderRef="cancelled", rule80A="I", displaySize=1),
        ]
        ids = [trader.place(order, SPY) for order in orders]
        await trader.hear("commissionReport")
        await trader.hear("orderStatus", orderId=ids[-1], status="Submitted")
        await ask_both(clients, "openOrderEnd", "reqAllOpenOrders")
        assert len(clients[0].all("openOrder")) == 4
        trader.cancel(ids[-1])
        await trader.hear("orderStatus", orderId=ids[-1], status="Cancelled")
        await ask_both(clients, "completedOrdersEnd", "reqCompletedOrders", False)
        assert len(clients[0].all("completedOrder")) == 2
        for client in clients:
            client.forget()
            client.ask_executions(1)
            await client.hear("commissionReport")
        check_agreement(clients[0].heard, clients[1].heard)


async def test_prices_and_bars() -> None:
    """A snapshot without its clock, a market rule, and the bars of past days."""
    async with gateway() as served, both(served) as clients:
        for client in clients:
            client.forget()
            client.ask_prices(1, snapshot=True)
            await client.hear("tickSnapshotEnd")
        first, second = ([(said.tick, said.price) for said in client.all("tickPrice")] for client in clients)
        assert first == second
        await ask_both(clients, "marketRule", "reqMarketRule", 1788)
        for client in clients:
            client.forget()
            client.ask("reqHistoricalData", 1, client.contract(SPY), "", "5 D", "1 day", "TRADES", 1, 1, False, [])
            await client.hear("historicalDataEnd")
        bars = [
            [(b.open, b.high, b.low, b.close, float(b.volume)) for b in map(_bar, c.all("historicalData"))]
            for c in clients
        ]
        assert bars[0] == bars[1]


def _bar(said: Said) -> Any:  # noqa: ANN401
    return said.bar
