"""The three processes of the demo, on free ports of loopback, in a temporary folder; all of them always end."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from event_processor.entrypoints.demo.child import Child
from event_processor.entrypoints.demo.redis_server import RedisServer

SETTINGS = {
    "TRADING_MODE": "paper",
    "STATUS_PORT": "0",
    "LOG_FORMAT": "console",
    "IB_REQUEST_TIMEOUT_SECONDS": "4",
    "ORDER_TIMEOUT_SECONDS": "25",
    "ACKNOWLEDGE_TIMEOUT_SECONDS": "4",
    "VISIBILITY_DELAY_SECONDS": "2",
}
"""The waits are shorter than the defaults, so that every scenario ends within the demo's time."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs: where Redis is, where the simulator writes, and the processes to watch."""

    redis_url: str
    ledger_file: Path
    children: tuple[Child, ...]

    def check(self) -> None:
        """Raise `DemoFailed` when a process has ended by itself."""
        for child in self.children:
            child.check()


@contextlib.contextmanager
def running_stack(scenario: str) -> Iterator[Stack]:
    """Start all three; stop them on the way out, whatever happened."""
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="rebalancer-demo-")))
        (folder / "redis").mkdir()
        redis = ends.enter_context(RedisServer(folder / "redis"))
        ledger = folder / "ledger.jsonl"
        words = ["--port", "0", "--control-port", "0", "--scenario", scenario, "--ledger", str(ledger)]
        simulator = Child(
            "the gateway simulator", [sys.executable, "-m", "gateway_simulator", *words], folder / "simulator.log", {}
        )
        ends.callback(simulator.stop)
        port = simulator.wait_for("listening")["port"]
        settings = {**SETTINGS, "REDIS_URL": redis.url, "IB_PORT": str(port)}
        processor = Child(
            "the event processor",
            [sys.executable, "-m", "event_processor", "run"],
            folder / "processor.log",
            settings,
        )
        ends.callback(processor.stop)
        yield Stack(redis.url, ledger, (simulator, processor))
