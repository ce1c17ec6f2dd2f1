"""What the hour of the day does to orders and look-ups, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway_simulator import scenario
from gateway_simulator.clock import ManualClock
from gateway_simulator.server import Server
from gateway_simulator.simulator import Simulator
from tests.support.clients import Client, connected
from tests.support.gateway import HOST, Gateway

HOUR = 3600.0


@asynccontextmanager
async def gateway_at(hour: int, minute: int = 0) -> AsyncIterator[Gateway]:
    """A gateway with real market hours, at this time of a Wednesday in New York; time stands still."""
    moment = datetime(2026, 3, 4, hour, minute, tzinfo=ZoneInfo("America/New_York"))
    sim = Simulator(scenario.load("exchange-hours"), ManualClock(moment.timestamp()))
    async with Server(sim, host=HOST, control_port=None, manual=True) as server:
        yield Gateway(sim, server)


async def passes(served: Gateway, client: Client, seconds: float) -> None:
    """Let time pass, once the gateway has read everything the client has sent, and hear what happens."""
    await _read(client)
    served.do("advance", seconds=seconds)
    await _read(client)


async def _read(client: Client) -> None:
    answers = len(client.all("currentTime"))
    client.ask("reqCurrentTime")
    await client.until(lambda: len(client.all("currentTime")) > answers, "answer")


async def test_outside_regular_hours(kind: type[Client]) -> None:
    """Before the opening a limit order that wishes so trades; another waits with 399 and trades at the opening."""
    async with gateway_at(7) as served, connected(kind, served) as client:
        early = client.place(client.order("BUY", 1, "LMT", lmtPrice=600, outsideRth=True))
        waiting = client.place(client.order("BUY", 1, "LMT", lmtPrice=600))
        await passes(served, client, 1)
        assert client.all("openOrder", orderId=early)[0].order.outsideRth
        assert client.story(early).count("execDetails") == 1
        assert client.story(waiting)[-1] == "error 399"
        assert "09:30:00 US/Eastern" in client.all("error", reqId=waiting)[0].text
        await passes(served, client, 3 * HOUR)
        assert client.story(waiting).count("execDetails") == 1


async def test_market_orders_do_not_trade_outside_regular_hours(kind: type[Client]) -> None:
    """The wish is ignored with the warning 2109, and the order waits for the opening."""
    async with gateway_at(7) as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 1, outsideRth=True))
        await passes(served, client, 1)
        assert client.story(order_id) == [
            "error 2109",
            "openOrder PreSubmitted",
            "orderStatus PreSubmitted",
            "error 399",
        ]


async def test_the_auctions_of_the_day(kind: type[Client]) -> None:
    """OPG trades at the opening, MOC and LOC at the close."""
    async with gateway_at(9) as served, connected(kind, served) as client:
        opening = client.place(client.order("BUY", 1, tif="OPG"))
        at_close = client.place(client.order("BUY", 2, "MOC"))
        limited = client.place(client.order("BUY", 3, "LOC", lmtPrice=600))
        await passes(served, client, HOUR)
        assert [said.execution.orderId for said in client.all("execDetails")] == [opening]
        await passes(served, client, 7 * HOUR)
        assert {said.execution.orderId for said in client.all("execDetails")} == {opening, at_close, limited}


async def test_day_orders_end_with_the_day(kind: type[Client]) -> None:
    """At the close a DAY order is cancelled, a GTC order stays and trades the next day."""
    async with gateway_at(15) as served, connected(kind, served) as client:
        day = client.place(client.order("BUY", 1, "LMT", lmtPrice=500))
        good = client.place(client.order("BUY", 1, "LMT", lmtPrice=499, tif="GTC"))
        await passes(served, client, 2 * HOUR)
        assert client.story(day)[-1] == "orderStatus Cancelled"
        assert client.all("orderStatus", orderId=good, status="Cancelled") == []
        served.do("price", symbol="SPY", price="490")
        await passes(served, client, 18 * HOUR)
        assert client.story(good).count("execDetails") == 1


async def test_only_the_day_is_remembered(kind: type[Client]) -> None:
    """The next morning yesterday's executions and completed orders are gone, the position is not."""
    async with gateway_at(11) as served, connected(kind, served) as client:
        client.place(client.order("BUY", 1, orderRef="yesterday"))
        await passes(served, client, HOUR)
        client.ask_executions(1)
        assert (await client.hear("execDetails", reqId=1)).execution.orderRef == "yesterday"
        await passes(served, client, 20 * HOUR)
        client.forget()
        client.ask_executions(2)
        client.ask("reqCompletedOrders", False)
        client.ask("reqPositions")
        await client.hear("positionEnd")
        assert not any(client.all(name) for name in ("execDetails", "completedOrder"))
        assert client.all("position")[0].position == 1
