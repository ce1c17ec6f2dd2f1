"""The window, seen from the gateway: what it is shown, and what a person does at it, as JSON lines."""

from __future__ import annotations

import asyncio
import json
from collections import deque

from gateway_simulator.ledger import Entry
from gateway_simulator.session import State as SessionState
from gateway_simulator.simulator import Simulator

from .broker import Broker
from .cycle import Cycle
from .words import Input

LOG_LINES = 9
LINE_MAX = 64 * 1024
BUTTONS = {given.value: given for given in (Input.APPROVE, Input.CONTINUE, Input.CANCEL, Input.RELOGIN, Input.DISMISS)}
NARRATED = {
    "client_connected": "API client {clientId} connected",
    "client_disconnected": "API client {clientId} disconnected",
    "order_accepted": "{side} {quantity} {symbol} accepted",
    "execution": "{side} {shares} {symbol} at {price}",
}
"""Ledger kind -> what the gateway's own log says of it."""


class Screen:
    """Knows everything that is shown, and takes what comes back."""

    def __init__(self, sim: Simulator, cycle: Cycle, broker: Broker, *, live: bool, port: int) -> None:
        self._sim = sim
        self._cycle = cycle
        self._broker = broker
        self._live = live
        self._port = port
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sim.ledger.on_entry.append(self._narrate)
        cycle.on_change.append(self._changed)

    def picture(self) -> dict[str, object]:
        """Everything the window shows."""
        program, now = self._cycle.program, self._sim.clock.now()
        return {
            "state": str(program.state),
            "live": self._live,
            "user": program.user,
            "given": program.rules.given,
            "waits": program.rules.relogin,
            "action": program.rules.existing_action or "manual",
            "attempt": program.login.attempts,
            "left": None if program.deadline is None else max(0.0, program.deadline - now),
            "limit": None if program.deadline is None else program.deadline - program.arrived,
            "linked": self._sim.session.state is SessionState.READY,
            "elsewhere": self._broker.occupied,
            "clients": [client.client_id for client in self._sim.reporter.clients],
            "accounts": list(self._sim.bank.accounts),
            "port": self._port,
            "log": list(self._log),
        }

    def changed(self) -> asyncio.Future[None]:
        """Done when there is something new to show."""
        if self._change.done():
            self._change = asyncio.get_running_loop().create_future()
        return self._change

    def _changed(self) -> None:
        if not self._change.done():
            self._change.set_result(None)

    def take(self, line: bytes) -> bool:
        """Carry out what a person did; False when it means nothing now."""
        done = json.loads(line)
        if done["input"] == "submit":
            return self._cycle.program.submit(done["user"], done["password"])
        return self._cycle.program.give(BUTTONS[done["input"]])

    def _narrate(self, entry: Entry) -> None:
        text = NARRATED.get(str(entry["kind"]))
        if text is not None:
            self._log.append(f"{str(entry['time'])[11:19]}  {text.format_map(entry)}")
            self._changed()
