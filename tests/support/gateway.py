"""A simulated gateway on a real socket, in the test's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway_simulator import scenario
from gateway_simulator.clock import SystemClock
from gateway_simulator.server import Server
from gateway_simulator.simulator import Simulator

HOST = "127.0.0.1"


class Gateway:
    """A running simulator: where it listens, what it knows, and what can be made to happen to it."""

    def __init__(self, sim: Simulator, server: Server) -> None:
        self.sim = sim
        self.server = server

    @property
    def port(self) -> int:
        return self.server.port

    def do(self, action: str, **parameters: object) -> dict[str, object]:
        """Carry out an action, as `control` does."""
        return self.sim.actions.run(action, parameters)


@asynccontextmanager
async def gateway(name: str = "plain", **table: Any) -> AsyncIterator[Gateway]:  # noqa: ANN401 - a TOML table
    """Serve a shipped scenario, or with `table` one made up of it."""
    chosen = scenario.parse("test", table) if table else scenario.load(name)
    sim = Simulator(chosen, SystemClock())
    async with Server(sim, host=HOST, control_port=None) as server:
        yield Gateway(sim, server)


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until the condition holds; raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
