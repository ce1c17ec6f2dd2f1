"""What a client can find out about orders that it did not watch: open, manual, completed, executed."""

from __future__ import annotations

import asyncio

from tests.support.clients import SPY, Client, connected
from tests.support.gateway import gateway

TLT = {"conId": 15547841, "symbol": "TLT", "secType": "STK", "exchange": "SMART", "currency": "USD"}


async def resting(client: Client, **fields: object) -> int:
    """An order that the exchange has taken and that does not fill."""
    order_id = client.place(client.order("BUY", 1, "LMT", lmtPrice=500, **fields))
    await client.hear("orderStatus", orderId=order_id, status="Submitted")
    return order_id


async def test_open_orders(kind: type[Client]) -> None:
    """One's own on the one request, those of every client with their client ids on the other, each with its status."""
    async with gateway() as served, connected(kind, served) as client, connected(kind, served, 2) as other:
        mine, theirs = await resting(client, orderRef="mine"), await resting(other, orderRef="theirs")
        client.forget()
        client.ask("reqOpenOrders")
        await client.hear("openOrderEnd")
        assert [said.name for said in client.heard] == ["openOrder", "orderStatus", "openOrderEnd"]
        assert client.all("openOrder")[0].order.orderRef == "mine"
        client.forget()
        client.ask("reqAllOpenOrders")
        await client.hear("openOrderEnd")
        found = {said.order.orderRef: (said.order.clientId, said.orderId) for said in client.all("openOrder")}
        assert found == {"mine": (1, mine), "theirs": (2, theirs)}
        assert [(said.clientId, said.status) for said in client.all("orderStatus")] == [
            (1, "Submitted"),
            (2, "Submitted"),
        ]
        perm_ids = {said.order.permId for said in client.all("openOrder")}
        assert perm_ids == {said.permId for said in client.all("orderStatus")}
        assert len(perm_ids) == 2


async def test_nothing_open(kind: type[Client]) -> None:
    """Every look-up ends when there is nothing to tell."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask("reqAllOpenOrders")
        await client.hear("openOrderEnd")
        client.ask("reqCompletedOrders", False)
        await client.hear("completedOrdersEnd")
        client.ask_executions(3)
        await client.hear("execDetailsEnd", reqId=3)
        client.ask("reqPositions")
        await client.hear("positionEnd")
        assert not any(client.all(name) for name in ("openOrder", "completedOrder", "execDetails", "position"))


async def test_manual_orders_are_bound_to_client_0(kind: type[Client]) -> None:
    """An order placed by hand gets an id of client 0 when it asks, and can then be changed and cancelled."""
    async with gateway() as served, connected(kind, served, 0) as client:
        perm_id = served.do("manual_order", symbol="SPY", side="BUY", quantity="3", limit="500")["permId"]
        client.ask("reqAutoOpenOrders", True)
        bound = await client.hear("orderBound", permId=perm_id)
        assert (bound.clientId, bound.orderId) == (0, 1)
        opened = await client.hear("openOrder", orderId=bound.orderId)
        assert opened.order.permId == perm_id
        client.cancel(bound.orderId)
        assert await client.hear("orderStatus", orderId=bound.orderId, status="Cancelled")


async def test_later_manual_orders_are_bound_as_they_come(kind: type[Client]) -> None:
    """With auto-bind on, an order placed by hand is told like one's own; switched off, no longer."""
    async with gateway() as served, connected(kind, served, 0) as client:
        client.ask("reqAutoOpenOrders", True)
        client.ask("reqCurrentTime")
        await client.hear("currentTime")
        perm_id = served.do("manual_order", symbol="SPY", side="BUY", quantity="3", limit="500")["permId"]
        bound = await client.hear("orderBound", permId=perm_id)
        assert (await client.hear("orderStatus", permId=perm_id, status="Submitted")).orderId == bound.orderId > 0
        client.ask("reqAutoOpenOrders", False)
        client.forget()
        client.ask("reqCurrentTime")
        await client.hear("currentTime")
        served.do("manual_order", symbol="TLT", side="BUY", quantity="3", limit="50")
        client.ask("reqAllOpenOrders")
        await client.hear("openOrderEnd")
        assert client.all("orderBound") == []


async def test_only_client_0_binds(kind: type[Client]) -> None:
    """Another client hears 321, and sees a manual order among all open ones with order id 0."""
    async with gateway() as served, connected(kind, served, 4) as client:
        client.ask("reqAutoOpenOrders", True)
        await client.hear("error", code=321)
        served.do("manual_order", symbol="SPY", side="BUY", quantity="3", limit="500")
        client.ask("reqAllOpenOrders")
        await client.hear("openOrderEnd")
        (opened,) = client.all("openOrder")
        assert (opened.orderId, opened.order.clientId, opened.order.orderRef) == (0, 0, "")


async def test_executions(kind: type[Client]) -> None:
    """All of today, with their commissions; narrowed by client, symbol and side; the same on each request."""
    async with gateway("demo") as served, connected(kind, served) as client, connected(kind, served, 2) as other:
        client.place(client.order("SELL", 2, orderRef="sold"), SPY)
        await client.hear("commissionReport")
        other.place(other.order("BUY", 3, orderRef="bought"), TLT)
        await other.hear("commissionReport")
        client.forget()
        narrow: tuple[dict[str, object], ...] = (
            {},
            {"clientId": 2},
            {"symbol": "SPY"},
            {"side": "BUY"},
            {"acctCode": "DU9"},
            {},
        )
        for request_id, fields in enumerate(narrow):
            client.ask_executions(request_id, **fields)
            await client.hear("execDetailsEnd", reqId=request_id)
        refs = [
            [said.execution.orderRef for said in client.all("execDetails", reqId=request_id)]
            for request_id in range(len(narrow))
        ]
        assert refs == [["sold", "bought"], ["bought"], ["sold"], ["bought"], [], ["sold", "bought"]]
        ids = {said.execution.execId for said in client.all("execDetails")}
        await client.until(lambda: len(client.all("commissionReport")) == 7, "seven commissions")
        assert {said.report.execId for said in client.all("commissionReport")} == ids
        assert len(ids) == 2


async def test_executions_since(kind: type[Client]) -> None:
    """With a time in the filter only what came after it is told."""
    async with gateway() as served, connected(kind, served) as client:
        client.place(client.order("BUY", 1))
        await client.hear("commissionReport")
        client.forget()
        client.ask_executions(1, time="20200101-00:00:00")
        await client.hear("execDetailsEnd", reqId=1)
        client.ask_executions(2, time="21990101-00:00:00")
        await client.hear("execDetailsEnd", reqId=2)
        assert [said.reqId for said in client.all("execDetails")] == [1]


async def test_completed_orders(kind: type[Client]) -> None:
    """Filled, cancelled and refused ones by permId and orderRef, without an order id."""
    async with gateway() as served, connected(kind, served) as client:
        filled = client.place(client.order("BUY", 2, orderRef="filled"))
        await client.hear("commissionReport")
        cancelled = await resting(client, orderRef="cancelled")
        client.cancel(cancelled)
        await client.hear("orderStatus", orderId=cancelled, status="Cancelled")
        still = await resting(client, orderRef="open")
        perm_ids = {said.orderId: said.permId for said in client.all("orderStatus")}
        client.ask("reqCompletedOrders", True)
        await client.hear("completedOrdersEnd")
        found = {said.order.orderRef: said for said in client.all("completedOrder")}
        assert set(found) == {"filled", "cancelled"}
        assert found["filled"].order.permId == perm_ids[filled]
        assert found["cancelled"].order.permId == perm_ids[cancelled] != perm_ids[still]
        assert (found["filled"].state.status, found["cancelled"].state.status) == ("Filled", "Cancelled")
        assert found["filled"].state.completedStatus == "Filled Size: 2"
        assert float(found["filled"].order.filledQuantity) == 2
        assert found["filled"].order.orderId == 0


async def test_manual_orders_are_completed_too(kind: type[Client]) -> None:
    """A filled manual order shows among all completed orders, and not among those of API clients."""
    async with gateway() as served, connected(kind, served) as client:
        perm_id = served.do("manual_order", symbol="SPY", side="BUY", quantity="3")["permId"]
        client.ask("reqPositions")
        await client.hear("position")
        client.ask("reqCompletedOrders", True)
        await client.hear("completedOrdersEnd")
        assert client.all("completedOrder") == []
        client.forget()
        client.ask("reqCompletedOrders", False)
        assert (await client.hear("completedOrder")).order.permId == perm_id


async def test_look_ups_lag(kind: type[Client]) -> None:
    """For a moment a filled order is in neither open orders, executions nor completed ones."""
    async with gateway(latency={"lookup_ms": 800}) as served, connected(kind, served) as client:
        client.place(client.order("BUY", 1, orderRef="late"))
        await client.hear("commissionReport")
        client.forget()
        client.ask("reqAllOpenOrders")
        client.ask("reqCompletedOrders", False)
        client.ask_executions(1)
        await client.hear("execDetailsEnd", reqId=1)
        assert not any(client.all(name) for name in ("openOrder", "completedOrder", "execDetails"))
        await asyncio.sleep(0.85)
        client.ask("reqCompletedOrders", False)
        client.ask_executions(2)
        assert (await client.hear("completedOrder")).order.orderRef == "late"
        assert (await client.hear("execDetails", reqId=2)).execution.orderRef == "late"
