"""Lost links, competing logins, restarts and second factors, as both clients live through them."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.clients import SPY, Client, connected
from tests.support.gateway import Gateway, eventually, gateway

ACCOUNT = "DU1234567"


async def watching(client: Client) -> None:
    """Subscribe to positions, account values and prices, and forget the first picture."""
    client.ask("reqPositions")
    client.ask("reqAccountUpdates", True, ACCOUNT)
    client.ask("reqAccountUpdatesMulti", 1, ACCOUNT, "", False)
    client.ask("reqPositionsMulti", 2, ACCOUNT, "")
    client.ask("reqAccountSummary", 3, "All", "TotalCashValue")
    client.ask_prices(4)
    await client.hear("accountSummaryEnd")
    await client.hear("tickGeneric", reqId=4)
    client.forget()


async def filled_without_a_word(served: Gateway, client: Client) -> None:
    """Buy five shares with a fill that falls into the loss of the link that begins here."""
    served.do("order", never_fill=True)
    client.place(client.order("BUY", 5, orderRef="away"))
    await client.hear("orderStatus", status="Submitted")
    served.do("link_down")
    await client.hear("error", code=1100)
    assert served.do("release") == {"released": 1}
    await asyncio.sleep(0.15)  # the account follows the fill by 100 ms, if anybody can be told


async def test_changes_during_a_lost_link_are_pushed_after_1102(kind: type[Client]) -> None:
    """Nothing comes while the link is down; after 1102 positions, cash and prices do, the fill itself does not."""
    async with gateway() as served, connected(kind, served) as client:
        await watching(client)
        await filled_without_a_word(served, client)
        served.do("price", symbol="SPY", price="600")
        assert not any(client.all(name) for name in ("position", "positionMulti", "execDetails"))
        client.ask("reqPositions")
        client.ask("reqAccountUpdatesMulti", 9, ACCOUNT, "", False)
        await client.hear("accountUpdateMultiEnd", reqId=9)
        assert client.all("position") == []
        assert client.all("accountUpdateMulti", reqId=9, tag="CashBalance", currency="USD", value="100000.00")
        client.forget()
        served.do("link_up")
        await client.hear("error", code=1102)
        assert (await client.hear("position")).position == 5
        assert (await client.hear("positionMulti", reqId=2)).position == 5
        cash = f"{served.sim.ledger.cash(ACCOUNT)['USD']:.2f}"
        await client.hear("updateAccountValue", tag="CashBalance", currency="USD", value=cash)
        await client.hear("accountUpdateMulti", reqId=1, tag="CashBalance", currency="USD", value=cash)
        await client.hear("accountSummary", reqId=3, tag="TotalCashValue", value=cash)
        served.do("price", symbol="SPY", price="610")
        await client.hear("tickPrice", reqId=4, price=610.0)
        assert client.heard[0].code == 1102
        assert client.all("execDetails") == []
        client.ask_executions(5)
        assert (await client.hear("execDetails", reqId=5)).execution.orderRef == "away"


async def test_after_1101_every_subscription_is_gone(kind: type[Client]) -> None:
    """Nothing is pushed any more until it is asked for anew, and then it is all there."""
    async with gateway() as served, connected(kind, served) as client:
        await watching(client)
        await filled_without_a_word(served, client)
        client.forget()
        served.do("link_up", data_kept=False)
        await client.hear("error", code=1101)
        served.do("price", symbol="SPY", price="600")
        served.do("cash", account=ACCOUNT, currency="USD", amount="7")
        await asyncio.sleep(0.4)  # account changes are told at most four times a second
        assert [said.name for said in client.heard] == ["error"]
        await watching_again(client)


async def watching_again(client: Client) -> None:
    client.ask("reqPositions")
    assert (await client.hear("position")).position == 5
    client.ask("reqAccountSummary", 6, "All", "TotalCashValue")
    client.ask("reqAccountSummary", 7, "All", "TotalCashValue")
    await client.hear("accountSummaryEnd", reqId=7)
    client.ask_prices(4)
    await client.hear("tickPrice", reqId=4, price=600.0)


async def test_a_lost_link(kind: type[Client]) -> None:
    """1100 with the socket open: IBKR's answers do not come, the gateway's own do; 1102 brings both back."""
    async with gateway() as served, connected(kind, served) as client:
        served.do("link_down")
        await client.hear("error", reqId=-1, code=1100)
        client.ask("reqContractDetails", 1, client.contract(SPY))
        client.ask("reqCurrentTime")
        await client.hear("currentTime")
        assert client.connected
        assert client.all("contractDetails") == []
        served.do("link_up")
        await client.hear("error", reqId=-1, code=1102)
        client.ask("reqContractDetails", 2, client.contract(SPY))
        await client.hear("contractDetailsEnd", reqId=2)
        assert client.all("contractDetails", reqId=1) == []


@pytest.mark.parametrize(("orders", "codes"), [("hold", []), ("lose", []), ("reject", [504])])
async def test_orders_during_a_lost_link(kind: type[Client], orders: str, codes: list[int]) -> None:
    """Held until the link is back, lost without a word, or refused, as the scenario says."""
    async with gateway() as served, connected(kind, served) as client:
        served.do("link_down", orders=orders)
        await client.hear("error", code=1100)
        order_id = client.place(client.order("BUY", 1))
        client.ask("reqCurrentTime")
        await client.hear("currentTime")
        assert client.story(order_id) == [f"error {code}" for code in codes]
        served.do("link_up")
        if orders == "hold":
            await client.hear("orderStatus", orderId=order_id, status="Filled")
        client.ask("reqAllOpenOrders")
        await client.hear("openOrderEnd")
        assert len(served.sim.ledger.of("order_accepted")) == (orders == "hold")


async def test_a_competing_login(kind: type[Client]) -> None:
    """1100 again and again until the owner leaves, an order sent meanwhile is lost, and 1101 ends it."""
    async with gateway() as served, connected(kind, served) as client:
        served.do("compete", every=0.03)
        await client.until(lambda: client.codes.count(1100) > 3, "1100 again and again")
        client.place(client.order("BUY", 1))
        await eventually(lambda: bool(served.sim.ledger.of("order_lost")))
        served.do("owner_leaves", data_kept=False)
        await client.hear("error", code=1101)
        count = client.codes.count(1100)
        order_id = client.place(client.order("BUY", 1))
        await client.hear("orderStatus", orderId=order_id, status="Filled")
        assert client.codes.count(1100) == count
        assert len(served.sim.ledger.executions()) == 1


async def test_connecting_during_a_competing_login(kind: type[Client]) -> None:
    """A client gets in and hears 1100 in place of the state of the farms."""
    async with gateway() as served:
        served.do("compete", every=60)
        async with connected(kind, served) as client:
            await client.hear("error", code=1100)
            assert 2104 not in client.codes


async def test_an_acknowledgement_lost_by_a_drop(kind: type[Client]) -> None:
    """The socket closes without a word about the order; a new connection finds it once, by its orderRef."""
    async with gateway() as served:
        served.do("order", drop="accepted", count=1)
        async with connected(kind, served) as client:
            order_id = client.place(client.order("BUY", 5, orderRef="lost"))
            await client.hear("connectionClosed")
            assert client.story(order_id) == []
        await eventually(lambda: bool(served.sim.ledger.executions()))
        async with connected(kind, served) as client:
            assert client.all("nextValidId")[0].orderId == order_id + 1
            client.ask_executions(1)
            await client.hear("commissionReport")
            client.ask("reqCompletedOrders", False)
            await client.hear("completedOrdersEnd")
            assert [said.execution.orderRef for said in client.all("execDetails")] == ["lost"]
            assert [said.order.orderRef for said in client.all("completedOrder")] == ["lost"]


async def test_an_order_dropped_before_it_was_read(kind: type[Client]) -> None:
    """The same to the client's eye, but the order does not exist anywhere."""
    async with gateway() as served:
        served.do("order", drop="received", count=1)
        async with connected(kind, served) as client:
            client.place(client.order("BUY", 5, orderRef="lost"))
            await client.hear("connectionClosed")
        async with connected(kind, served) as client:
            client.ask("reqAllOpenOrders")
            client.ask("reqCompletedOrders", False)
            client.ask_executions(1)
            await client.hear("execDetailsEnd", reqId=1)
            assert not any(client.all(name) for name in ("openOrder", "completedOrder", "execDetails"))


async def test_fills_while_away(kind: type[Client]) -> None:
    """An acknowledged order fills after the drop; open before, it is found executed and in the positions."""
    async with gateway() as served:
        served.do("order", drop="acknowledged", never_fill=True)
        async with connected(kind, served) as client:
            client.place(client.order("BUY", 5, orderRef="away"))
            await client.hear("connectionClosed")
            assert client.all("orderStatus", status="Submitted")
        async with connected(kind, served) as client:
            client.ask("reqOpenOrders")
            assert (await client.hear("openOrder")).order.orderRef == "away"
        served.do("release")
        async with connected(kind, served) as client:
            client.ask_executions(1)
            assert (await client.hear("execDetails", reqId=1)).execution.orderRef == "away"
            client.ask("reqPositions")
            assert (await client.hear("position")).position == 5


async def test_a_daily_restart(kind: type[Client]) -> None:
    """The socket closes, nobody gets in, then the gateway is back and nextValidId has moved back."""
    async with gateway() as served:
        async with connected(kind, served) as client:
            for order_id in (1, 2, 3):
                client.place(client.order("BUY", 1, orderRef=f"before-{order_id}"))
                await client.hear("orderStatus", orderId=order_id, status="Filled")
            served.do("restart", seconds=1, ids_back=2)
            await client.hear("connectionClosed")
        with pytest.raises(ConnectionError):
            await refused(kind, served)
        await eventually(lambda: served.sim.session.linked)
        await asyncio.sleep(0.05)  # the port opens in the next rounds of the event loop
        async with connected(kind, served) as client:
            assert client.all("nextValidId")[0].orderId == 2
            order_id = client.place(client.order("BUY", 1, orderRef="after"))
            await client.hear("orderStatus", orderId=order_id, status="Filled")
            client.forget()
            client.ask_executions(1)
            await client.hear("execDetailsEnd", reqId=1)
            found = [(said.execution.orderId, said.execution.orderRef) for said in client.all("execDetails")]
            assert found == [(1, "before-1"), (2, "before-2"), (3, "before-3"), (2, "after")]
            assert len({said.execution.permId for said in client.all("execDetails")}) == 4


async def refused(kind: type[Client], served: Gateway, seconds: float = 0.3) -> None:
    """Try to connect and clean up; raises what `connect` raises."""
    client = kind()
    try:
        await client.connect(served.port, 1, seconds)
    finally:
        await client.close()


async def test_a_login_that_needs_a_second_factor(kind: type[Client]) -> None:
    """The socket closes, TCP connects and nothing answers; after the approval a client gets in."""
    async with gateway() as served:
        async with connected(kind, served) as client:
            served.do("require_login")
            await client.hear("connectionClosed")
        with pytest.raises(TimeoutError):
            await refused(kind, served)
        served.do("approve_login")
        async with connected(kind, served) as client:
            assert client.connected


async def test_a_second_factor_that_nobody_approves(kind: type[Client]) -> None:
    """After its time the login has failed; only a new one helps."""
    async with gateway() as served:
        served.do("require_login", timeout=0.05)
        await eventually(lambda: str(served.sim.session.state) == "login_failed")
        with pytest.raises(TimeoutError):
            await refused(kind, served)
        served.do("require_login")
        served.do("approve_login")
        async with connected(kind, served) as client:
            assert client.connected


async def test_a_silent_gateway(kind: type[Client]) -> None:
    """TCP is accepted and nothing answered; when it wakes, clients get in."""
    async with gateway() as served:
        served.do("silent")
        with pytest.raises(TimeoutError):
            await refused(kind, served)
        served.do("open")
        async with connected(kind, served) as client:
            assert client.connected


@pytest.mark.parametrize("door", ["refuse", "slam"])
async def test_a_closed_door(kind: type[Client], door: str) -> None:
    """A refused connection and one that is closed at once are errors, and `open` lets a client in."""
    async with gateway() as served:
        served.do(door)
        await asyncio.sleep(0.05)  # the port closes in the next rounds of the event loop
        with pytest.raises((ConnectionError, TimeoutError)):
            await refused(kind, served)
        served.do("open")
        await asyncio.sleep(0.05)
        async with connected(kind, served) as client:
            assert client.connected
