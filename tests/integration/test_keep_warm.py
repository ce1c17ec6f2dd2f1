"""What the next event will ask for is there before it comes, over the real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from event_processor.domain.contract import ContractQuery
from tests.support.broker_benches import ACCOUNT
from tests.support.gateway import Gateway, gateway

HELD = [{"symbol": symbol, "quantity": 10, "average_cost": 100} for symbol in ("SPY", "TLT")]
WORLD = {"number": "DU1234567", "cash": {"USD": 1000}, "holdings": HELD}
HANDSHAKE = 4
"""Version, startApi, positions and account updates."""
QUERIES = [ContractQuery(symbol=symbol) for symbol in ("IWM", "SPY")]


@asynccontextmanager
async def _warm(running: Gateway) -> AsyncIterator[IbkrBroker]:
    broker = IbkrBroker(IbkrSettings(port=running.port), SystemClock())
    await broker.connect()
    keeping = asyncio.create_task(broker.keep_warm())
    try:
        yield broker
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await broker.disconnect()


def _sent(running: Gateway) -> int:
    messages = running.sim.ledger.summary()["messages"]
    assert isinstance(messages, dict)
    return int(messages["17"])


async def _still(running: Gateway) -> int:
    """How many messages there were when no more came."""
    sent = -1
    while sent != (sent := _sent(running)):
        await asyncio.sleep(0.3)
    return sent


async def test_holdings_are_warm_after_connecting() -> None:
    """A plan over what is held asks the gateway for nothing."""
    async with gateway(account=[WORLD]) as running, _warm(running) as broker:
        before = await _still(running)
        held = (await broker.account_state(ACCOUNT)).positions
        described = await broker.describe([position.contract for position in held])
        assert len(await broker.quotes(list(described.values()), 30)) == 2
        assert _sent(running) == before


async def test_what_was_told_stays_warm_under_the_next_connection() -> None:
    """After a reconnect the prices of the last targets are there, though none is held."""
    async with gateway() as running, _warm(running) as broker:
        contracts = list((await broker.resolve(QUERIES)).values())
        running.do("drop")
        await broker.connect()
        before = await _still(running)
        assert len(await broker.quotes(contracts, 30)) == 2
        assert _sent(running) == before


async def test_nothing_is_kept_warm_while_the_link_is_lost() -> None:
    """Without its link to IBKR the gateway is left alone."""
    async with gateway(account=[WORLD], fault=[{"action": "link_down"}]) as running, _warm(running):
        assert not running.sim.session.linked
        assert await _still(running) <= HANDSHAKE
