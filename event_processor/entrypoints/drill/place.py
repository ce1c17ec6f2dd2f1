"""Where cards are played: each on a simulator of its own, or all at a gateway with a paper account."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from event_processor.adapters.clock import SystemClock
from event_processor.entrypoints.demo.child import Child
from event_processor.entrypoints.drill.card import Card, DrillFailed

LOOPBACK = "127.0.0.1"
CONTROL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A gateway. `control_port` is the simulator's; None at a gateway that nobody may interfere with."""

    host: str
    port: int
    control_port: int | None = None

    @property
    def simulated(self) -> bool:
        """Whether the drill itself makes happen what a card is about."""
        return self.control_port is not None

    async def control(self, action: str, **parameters: object) -> dict[str, Any]:
        """Make something happen at the simulator; raises DrillFailed when it refuses."""
        request = json.dumps({"action": action, **parameters})
        async with asyncio.timeout(CONTROL_SECONDS):
            reader, writer = await asyncio.open_connection(LOOPBACK, self.control_port)
            try:
                writer.write(request.encode() + b"\n")
                answer: dict[str, Any] = json.loads(await reader.readline())
            finally:
                writer.close()
        if not answer.pop("ok"):
            raise DrillFailed(f"the simulator refused {action}: {answer.get('error')}")
        return answer


@contextlib.contextmanager
def simulator_for(card: Card) -> Iterator[Place]:
    """A simulator with the card's scenario, for the length of the card."""
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="rebalancer-drill-")))
        words = ["--port", "0", "--control-port", "0", "--scenario", card.scenario]
        if card.manual_clock:
            words += ["--manual-clock", f"{SystemClock().now().timestamp():.3f}"]
        arguments = [sys.executable, "-m", "gateway_simulator", *words]
        child = Child("the gateway simulator", arguments, folder / "simulator.log", {})
        ends.callback(child.stop)
        ready = child.wait_for("listening")
        yield Place(LOOPBACK, int(ready["port"]), int(ready["control_port"]))
