"""Getting in: handshake, greeting, client ids, clock, pace."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.clients import Client, connected
from tests.support.gateway import gateway

ACCOUNT = "DU1234567"


async def test_the_greeting(kind: type[Client]) -> None:
    """The newest server version of the text protocol, the account, the first order id, and the state of the farms."""
    async with gateway() as served, connected(kind, served) as client:
        assert client.server_version == 178
        assert client.all("managedAccounts")[0].accounts == ACCOUNT
        assert client.all("nextValidId")[0].orderId == 1
        await client.hear("error", code=2158)
        assert client.codes == [2104, 2106, 2158]


async def test_several_accounts(kind: type[Client]) -> None:
    """All accounts of the login in one list, which may end with a comma."""
    async with gateway("multi-account") as served, connected(kind, served) as client:
        assert client.all("managedAccounts")[0].accounts == "DU1234567,DU7654321,DU1112223,"
        client.forget()
        client.ask("reqManagedAccts")
        assert (await client.hear("managedAccounts")).accounts.startswith("DU1234567,")


@pytest.mark.parametrize("version", [157, 163, 165, 169, 176, 177])
async def test_older_gateways(kind: type[Client], version: int) -> None:
    """At every layout the messages have had since 157, contract, order, execution and bookkeeping are understood."""
    async with gateway(gateway={"server_version": version}) as served, connected(kind, served) as client:
        assert client.server_version == version
        client.ask("reqContractDetails", 1, client.contract({"symbol": "SPY", "secType": "STK", "exchange": "SMART"}))
        assert (await client.hear("contractDetails")).details.marketRuleIds.startswith("26,")
        order_id = client.place(client.order("BUY", 2, orderRef="old"))
        await client.hear("commissionReport")
        assert client.all("execDetails")[0].execution.orderRef == "old"
        assert client.all("openOrder")[0].order.permId > 0
        assert client.story(order_id).count("execDetails") == 1
        client.ask("reqCompletedOrders", False)
        completed = await client.hear("completedOrder")
        assert (completed.order.orderRef, completed.state.status) == ("old", "Filled")


async def test_a_client_id_in_use(kind: type[Client]) -> None:
    """The second client with the id hears 326 and its socket closes; the first goes on."""
    async with gateway() as served, connected(kind, served) as first:
        second = kind()
        with pytest.raises((ConnectionError, TimeoutError)):
            await second.connect(served.port, 1, 1)
        assert second.codes == [326]
        assert not second.connected
        await second.close()
        first.ask("reqCurrentTime")
        assert await first.hear("currentTime")


async def test_the_clock(kind: type[Client]) -> None:
    """Whole seconds since the epoch on the gateway's clock."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask("reqCurrentTime")
        assert abs((await client.hear("currentTime")).time - served.sim.clock.now()) < 5


async def test_the_next_order_id(kind: type[Client]) -> None:
    """It follows the highest id used, is the client's own, and survives a reconnect."""
    async with gateway() as served:
        async with connected(kind, served) as client:
            client.place(client.order("BUY", 1), order_id=40)
            await client.hear("commissionReport")
            client.forget()
            client.ask("reqIds", -1)
            assert (await client.hear("nextValidId")).orderId == 41
        async with connected(kind, served) as again:
            assert again.all("nextValidId")[0].orderId == 41
        async with connected(kind, served, 2) as other:
            assert other.all("nextValidId")[0].orderId == 1


async def test_too_many_messages(kind: type[Client]) -> None:
    """Messages beyond 50 in a second are lost with error 100 about no request; after three the socket closes."""
    async with gateway() as served, connected(kind, served) as client:
        client.forget()
        client.unthrottle()
        for _ in range(200):
            client.ask("reqCurrentTime")
        await client.hear("connectionClosed")
        strikes = client.all("error", code=100)
        assert [strike.reqId for strike in strikes] == [-1, -1, -1]
        assert 50 <= len(client.all("currentTime")) < 190
        assert served.sim.ledger.of("client_disconnected")


async def test_many_messages_at_a_lawful_pace(kind: type[Client]) -> None:
    """Eighty messages in bursts of twenty lose none."""
    async with gateway() as served, connected(kind, served) as client:
        for burst in range(1, 5):
            for _ in range(20):
                client.ask("reqCurrentTime")
            await client.until(lambda n=burst: len(client.all("currentTime")) == 20 * n, "answers")  # type: ignore[misc]
            await asyncio.sleep(0.4)
        assert 100 not in client.codes


async def test_a_request_that_does_not_exist(kind: type[Client]) -> None:
    """A gateway that does not know a message says so with 505 and goes on."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask("reqScannerParameters")
        assert (await client.hear("error", code=505)).reqId == -1
        client.ask("reqCurrentTime")
        assert await client.hear("currentTime")
