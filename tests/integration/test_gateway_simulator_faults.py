"""Unmodified ib_async against the simulator over a real socket: things go wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ib_async import IB, Contract, LimitOrder, MarketOrder, RequestError, StartupFetchNONE, Stock

from tests.support.gateway import HOST, Gateway, eventually, gateway

SPY = Contract(conId=756733, symbol="SPY", secType="STK", exchange="SMART", currency="USD")


@asynccontextmanager
async def connected(served: Gateway, client_id: int = 1, seconds: float = 5) -> AsyncIterator[tuple[IB, list[int]]]:
    """A client and the list of error codes it has heard."""
    ib = IB()
    ib.RaiseRequestErrors = True
    codes: list[int] = []
    ib.errorEvent += lambda _id, code, *_rest: codes.append(code)
    await ib.connectAsync(HOST, served.port, clientId=client_id, timeout=seconds, raiseSyncErrors=True)
    try:
        yield ib, codes
    finally:
        ib.disconnect()
        await asyncio.sleep(0.01)


async def test_a_client_id_in_use() -> None:
    """The second client with the id hears 326 and is closed; the first goes on."""
    async with gateway() as served, connected(served) as (first, _):
        second = IB()
        codes: list[int] = []
        second.errorEvent += lambda _id, code, *_rest: codes.append(code)
        with pytest.raises((ConnectionError, TimeoutError)):
            await second.connectAsync(HOST, served.port, clientId=1, timeout=1)
        assert codes == [326]
        assert first.isConnected()


async def test_an_acknowledgement_lost_by_a_drop() -> None:
    """The socket closes with no report; after reconnecting, the filled order is among the executions, once."""
    async with gateway() as served:
        served.do("order", drop="accepted", count=1)
        async with connected(served) as (ib, _):
            trade = ib.placeOrder(SPY, MarketOrder("BUY", 5, tif="DAY", orderRef="lost"))
            await eventually(lambda: not ib.isConnected())
            assert trade.orderStatus.status == "PendingSubmit"
        await eventually(lambda: bool(served.sim.ledger.executions()))
        async with connected(served) as (ib, _):
            fills = await ib.reqExecutionsAsync()
            assert [fill.execution.orderRef for fill in fills] == ["lost"]
            completed = await ib.reqCompletedOrdersAsync(apiOnly=False)
            assert [trade.order.orderRef for trade in completed] == ["lost"]


async def test_a_lost_link() -> None:
    """1100 with the socket open, contract look-ups hang meanwhile, 1102 later, and they work again."""
    async with gateway() as served, connected(served) as (ib, codes):
        served.do("link_down", seconds=0.5)
        await eventually(lambda: 1100 in codes)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ib.reqContractDetailsAsync(SPY), 0.2)
        assert ib.isConnected()
        await eventually(lambda: 1102 in codes)
        assert await asyncio.wait_for(ib.reqContractDetailsAsync(SPY), 2)


async def test_a_competing_login() -> None:
    """1100 again and again, 10197 on prices, until the owner leaves."""
    async with gateway() as served, connected(served) as (ib, codes):
        ib.reqMktData(SPY)
        served.do("compete", every=0.05)
        await eventually(lambda: codes.count(1100) > 3)
        assert 10197 in codes
        with pytest.raises(RequestError) as refused:
            await ib.reqTickersAsync(SPY)
        assert refused.value.code == 10197
        served.do("owner_leaves", data_kept=False)
        await eventually(lambda: 1101 in codes)
        assert await asyncio.wait_for(ib.reqTickersAsync(SPY), 2)


async def test_a_silent_gateway() -> None:
    """TCP connects and nothing answers; after the approval of the second factor a client gets in."""
    async with gateway() as served:
        served.do("require_login")
        with pytest.raises(TimeoutError):
            async with connected(served, seconds=0.3):
                pytest.fail("a client got in without the second factor")
        served.do("approve_login")
        async with connected(served) as (ib, _):
            assert ib.isConnected()


async def test_a_restart() -> None:
    """The socket closes, connections are refused, then the gateway is back on the same port."""
    async with gateway() as served:
        async with connected(served) as (ib, _):
            served.do("restart", seconds=0.5)
            await eventually(lambda: not ib.isConnected())
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, served.port)
        await eventually(lambda: served.sim.session.linked)
        await asyncio.sleep(0.05)
        async with connected(served) as (ib, _):
            assert ib.isConnected()


async def test_a_door_that_slams() -> None:
    """TCP is accepted and closed at once."""
    async with gateway() as served:
        served.do("slam")
        reader, writer = await asyncio.open_connection(HOST, served.port)
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
        await writer.wait_closed()


async def test_too_many_messages() -> None:
    """Messages above 50 in a second are lost with error 100, and after three of them the socket closes."""
    async with gateway() as served, connected(served) as (ib, codes):
        ib.client.MaxRequests = 0
        for _ in range(60):
            ib.client.reqCurrentTime()
        await eventually(lambda: not ib.isConnected())
        assert codes.count(100) == 3
        assert served.sim.ledger.max_messages_per_second > 50


async def test_a_hundred_orders_at_ib_asyncs_own_pace() -> None:
    """ib_async's throttle stays within the pace: a hundred orders fill, none is lost."""
    async with gateway() as served, connected(served) as (ib, codes):
        trades = [ib.placeOrder(SPY, MarketOrder("BUY", 1, tif="DAY", orderRef=f"n{n}")) for n in range(20)]
        await eventually(lambda: all(trade.isDone() for trade in trades), 20)
        trades = [ib.placeOrder(SPY, MarketOrder("SELL", 1, tif="DAY", orderRef=f"s{n}")) for n in range(20)]
        await eventually(lambda: all(trade.isDone() for trade in trades), 20)
        assert 100 not in codes
        assert len(served.sim.ledger.executions()) == 40


async def test_look_ups_can_fail_hang_and_be_late() -> None:
    """A failing, a silent and a late look-up, one after the other, then a good one."""
    async with gateway() as served, connected(served) as (ib, _):
        served.do("lookup", request="contract_details", count=1, code=162, text="no")
        served.do("lookup", request="contract_details", count=1, silent=True)
        served.do("lookup", request="contract_details", count=1, delay_ms=200)
        with pytest.raises(RequestError):
            await ib.reqContractDetailsAsync(SPY)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ib.reqContractDetailsAsync(SPY), 0.2)
        started = asyncio.get_running_loop().time()
        assert await ib.reqContractDetailsAsync(SPY)
        assert asyncio.get_running_loop().time() - started >= 0.2


async def test_read_only() -> None:
    """A read-only gateway answers look-ups and refuses orders with 321."""
    async with gateway("read-only") as served, connected(served) as (ib, codes):
        ib.placeOrder(SPY, MarketOrder("BUY", 1, tif="DAY"))
        await eventually(lambda: 321 in codes)
        assert served.sim.book.orders == []


async def test_what_is_not_the_protocol_is_refused() -> None:
    """Bytes of another protocol close that connection and leave the gateway standing."""
    async with gateway() as served:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"API\0\xff\xff\xff\xff", b"API\0\0\0\0\x05v9..9"):
            reader, writer = await asyncio.open_connection(HOST, served.port)
            writer.write(garbage)
            assert await asyncio.wait_for(reader.read(), 2) == b""
            writer.close()
        async with connected(served) as (ib, _):
            assert ib.isConnected()


async def start(*arguments: str) -> tuple[asyncio.subprocess.Process, dict[str, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway_simulator", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, json.loads(await asyncio.wait_for(process.stdout.readline(), 10))


async def control(port: int, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway_simulator",
        "control",
        "--port",
        str(port),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    return process.returncode or 0, output.decode()


async def test_the_process(tmp_path: Path) -> None:
    """As a process: it says where it listens, obeys control, writes its ledger, and stops cleanly on SIGTERM."""
    ledger = tmp_path / "ledger.jsonl"
    process, ready = await start("--port", "0", "--ledger", str(ledger), "--scenario", "demo")
    try:
        ib = IB()
        await ib.connectAsync(HOST, ready["port"], clientId=3, timeout=5)
        (contract,) = await ib.qualifyContractsAsync(Stock("GLD", "SMART", "USD"))
        assert isinstance(contract, Contract)
        code, _ = await control(ready["control_port"], "price", "symbol=GLD", "price=250")
        assert code == 0
        trade = ib.placeOrder(contract, MarketOrder("SELL", 1, tif="DAY", orderRef="p"))
        await eventually(trade.isDone)
        assert trade.orderStatus.avgFillPrice > 249
        code, text = await control(ready["control_port"], "status")
        assert code == 0
        assert json.loads(text)["executions"] == 1
        code, text = await control(ready["control_port"], "owner-leaves")
        assert code == 1
        assert "not possible" in text
        ib.disconnect()
    finally:
        os.kill(process.pid, signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    entries = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[-1]["kind"] == "stopped"


async def place_two(ib: IB) -> None:
    """One order that fills, and one that never does."""
    filled = ib.placeOrder(SPY, MarketOrder("BUY", 2, tif="DAY", orderId=10))
    resting = ib.placeOrder(SPY, LimitOrder("BUY", 1, 1, tif="DAY", orderId=11))
    await eventually(lambda: filled.isDone() and resting.order.permId > 0)


async def test_the_process_is_killed(tmp_path: Path) -> None:
    """With `--keep` the next one has the same exchange: fills are known, orders go on, the ledger is one. With
    `--ids-back` nextValidId is lower than what was used.
    """
    words = ("--port", "0", "--keep", str(tmp_path))
    next_ids = []
    for arguments in ((), ("--ids-back", "1")):
        process, ready = await start(*words, *arguments)
        try:
            ib = IB()
            await ib.connectAsync(HOST, ready["port"], clientId=3, timeout=5, fetchFields=StartupFetchNONE)
            next_ids.append(ib.client.getReqId())
            if not arguments:
                await place_two(ib)
            fills = [fill.execution.execId for fill in await ib.reqExecutionsAsync()]
            working = [trade.order.orderId for trade in await ib.reqAllOpenOrdersAsync()]
            ib.disconnect()
        finally:
            process.kill()
            await asyncio.wait_for(process.wait(), 10)
        assert (len(fills), working) == (1, [11])
    assert next_ids == [1, 11]
    entries = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert len({entry["permId"] for entry in entries if entry["kind"] == "order_accepted"}) == 2
