"""A scripted gateway and a broker that is to connect to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from tests.support.scripted_gateway import ScriptedGateway


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    async with ScriptedGateway() as running:
        yield running


@pytest.fixture
async def broker(gateway: ScriptedGateway) -> AsyncIterator[IbkrBroker]:
    settings = IbkrSettings(port=gateway.port, client_id=7, connect_timeout_seconds=0.4, request_timeout_seconds=0.4)
    broker = IbkrBroker(settings, SystemClock())
    yield broker
    await broker.disconnect()
