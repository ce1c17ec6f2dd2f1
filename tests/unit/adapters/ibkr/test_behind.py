from __future__ import annotations

import asyncio

import pytest

from event_processor.adapters.ibkr.behind import listens
from tests.support.virtual_time import run_virtual


def test_a_port_that_drops_connections_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host behind a firewall answers nothing at all: that is no listener, and known within the limit."""

    async def never(*_: object) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(asyncio, "open_connection", never)

    async def run() -> tuple[bool, float]:
        start = asyncio.get_running_loop().time()
        return await listens("192.0.2.1", 4001, 2.0), asyncio.get_running_loop().time() - start

    found, took = run_virtual(run())
    assert not found
    assert took == pytest.approx(2.0)
