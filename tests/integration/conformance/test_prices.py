"""Market data: snapshots, streams, delayed prices, permissions, and the bars of past days."""

from __future__ import annotations

import pytest

from tests.support.clients import SPY, Client, connected
from tests.support.gateway import gateway

BID, ASK, LAST, CLOSE = 1, 2, 4, 9
DELAYED_BID, DELAYED_ASK, DELAYED_LAST, DELAYED_CLOSE = 66, 67, 68, 75
HALT = {"conId": 800000004, "exchange": "SMART"}


def prices(client: Client, request_id: int) -> dict[int, float]:
    """Tick type -> the last price heard."""
    return {said.tick: said.price for said in client.all("tickPrice", reqId=request_id)}


async def test_a_snapshot(kind: type[Client]) -> None:
    """Its kind and parameters first, then bid, ask, last and close with their sizes, then the end, once."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask_prices(1, snapshot=True)
        await client.hear("tickSnapshotEnd", reqId=1)
        seen = prices(client, 1)
        assert (seen[BID], seen[LAST], seen[ASK]) == (585.14, 585.2, 585.26)
        assert seen[CLOSE] != seen[LAST]
        sizes = {said.tick: said.size for said in client.all("tickSize", reqId=1)}
        assert min(sizes[tick] for tick in (0, 3, 5, 8)) > 0
        about = [said for said in client.heard if said.values.get("reqId") == 1]
        assert (about[0].name, about[0].values["dataType"]) == ("marketDataType", 1)
        (parameters,) = client.all("tickReqParams", reqId=1)
        assert parameters.minTick == 0.01
        served.do("price", symbol="SPY", price="600")
        client.ask_prices(2, snapshot=True)
        await client.hear("tickSnapshotEnd", reqId=2)
        assert prices(client, 1)[LAST] == 585.2


async def test_a_stream(kind: type[Client]) -> None:
    """It follows the price, is silent when cancelled, and cannot be cancelled twice (300)."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask_prices(1)
        await client.hear("tickPrice", reqId=1, tick=LAST)
        served.do("price", symbol="SPY", price="600")
        await client.hear("tickPrice", reqId=1, tick=LAST, price=600.0)
        await client.hear("tickPrice", reqId=1, tick=BID, price=599.94)
        client.ask("cancelMktData", 1)
        client.ask("cancelMktData", 1)
        await client.hear("error", reqId=1, code=300)
        client.forget()
        served.do("price", symbol="SPY", price="610")
        client.ask_prices(2, snapshot=True)
        await client.hear("tickSnapshotEnd", reqId=2)
        assert prices(client, 1) == {}


async def test_a_closed_market_has_no_bid_and_no_ask(kind: type[Client]) -> None:
    """-1 with size 0 on both sides; close and last are there; a halted share says that it is halted."""
    async with gateway("closed-market") as served, connected(kind, served) as client:
        client.ask_prices(1, snapshot=True)
        await client.hear("tickSnapshotEnd", reqId=1)
        seen = prices(client, 1)
        assert (seen[BID], seen[ASK]) == (-1, -1)
        assert seen[LAST] == seen[CLOSE] > 0
        assert {said.size for said in client.all("tickSize", reqId=1) if said.tick in {0, 3}} == {0}
        client.ask_prices(2, HALT, snapshot=True)
        assert (await client.hear("tickGeneric", reqId=2, tick=49)).value == 1


async def test_delayed_data(kind: type[Client]) -> None:
    """354 for live prices; under type 3 the warning 10167, type 3, and delayed ticks in place of live ones."""
    async with gateway("delayed-data") as served, connected(kind, served) as client:
        client.ask_prices(1, snapshot=True)
        assert "Delayed market data is available" in (await client.hear("error", reqId=1, code=354)).text
        client.ask("reqMarketDataType", 3)
        client.ask_prices(2, snapshot=True)
        await client.hear("tickSnapshotEnd", reqId=2)
        assert client.all("error", reqId=2, code=10167)
        assert client.all("marketDataType", reqId=2)[0].dataType == 3
        assert prices(client, 2).keys() >= {DELAYED_BID, DELAYED_ASK, DELAYED_LAST, DELAYED_CLOSE}
        assert not prices(client, 2).keys() & {BID, ASK, LAST, CLOSE}
        assert client.all("tickSnapshotEnd", reqId=1) == []


async def test_no_market_data(kind: type[Client]) -> None:
    """354 whatever type is asked for, and no bars either (162)."""
    async with gateway("no-market-data") as served, connected(kind, served) as client:
        client.ask("reqMarketDataType", 3)
        client.ask_prices(1)
        await client.hear("error", reqId=1, code=354)
        client.ask("reqHistoricalData", 2, client.contract(SPY), "", "5 D", "1 day", "TRADES", 1, 1, False, [])
        assert await client.hear("error", reqId=2, code=162)


async def test_prices_during_a_competing_login(kind: type[Client]) -> None:
    """10197 on the open line and on new requests; afterwards prices again."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask_prices(1)
        await client.hear("tickPrice", reqId=1)
        served.do("compete", every=0.05)
        await client.hear("error", reqId=1, code=10197)
        client.ask_prices(2, snapshot=True)
        await client.hear("error", reqId=2, code=10197)
        served.do("owner_leaves")
        await client.hear("error", code=1102)
        client.ask_prices(3, snapshot=True)
        assert await client.hear("tickSnapshotEnd", reqId=3)


async def test_lines_run_out(kind: type[Client]) -> None:
    """One line above the limit is refused with 101; a snapshot needs none, and a cancelled line makes room."""
    async with gateway(market={"lines": 2}) as served, connected(kind, served) as client:
        for request_id in (1, 2, 3):
            client.ask_prices(request_id)
        await client.hear("error", reqId=3, code=101)
        client.ask_prices(4, snapshot=True)
        await client.hear("tickSnapshotEnd", reqId=4)
        client.ask("cancelMktData", 1)
        client.ask_prices(5)
        assert await client.hear("tickPrice", reqId=5)
        assert client.codes.count(101) == 1


@pytest.mark.parametrize(("contract", "code"), [({**SPY, "conId": 1}, 200), ({**SPY, "exchange": ""}, 321)])
async def test_prices_of_nothing(kind: type[Client], contract: dict[str, object], code: int) -> None:
    """200 for a contract that does not exist, 321 for one without an exchange."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask_prices(1, contract)
        assert await client.hear("error", reqId=1, code=code)


async def test_daily_bars(kind: type[Client]) -> None:
    """Weekdays, oldest first, sound prices, an end; the same bars when asked again; 200 for no contract."""
    async with gateway() as served, connected(kind, served) as client:
        for request_id in (1, 2):
            client.ask(
                "reqHistoricalData", request_id, client.contract(SPY), "", "10 D", "1 day", "TRADES", 1, 1, False, []
            )
            await client.hear("historicalDataEnd", reqId=request_id)
        first, second = ([said.bar for said in client.all("historicalData", reqId=n)] for n in (1, 2))
        assert 6 <= len(first) <= 8
        days = [str(bar.date) for bar in first]
        assert days == sorted(days) == [str(bar.date) for bar in second]
        assert all(0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in first)
        assert [bar.close for bar in first] == [bar.close for bar in second]
        nothing = client.contract({**SPY, "conId": 1})
        client.ask("reqHistoricalData", 3, nothing, "", "10 D", "1 day", "TRADES", 1, 1, False, [])
        assert await client.hear("error", reqId=3, code=200)
