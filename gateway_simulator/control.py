"""Live control: one JSON object per line, over a TCP port of this machine only.

A request is `{"action": "compete", "seconds": 6}`; the answer is `{"ok": true, ...}` or
`{"ok": false, "error": "..."}`. Besides the actions there are `ledger` (all entries, or those of
one `kind`), `follow` (every entry from now on, one per line) and `help`.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, cast

from .actions import ActionError, Actions, catalogue, parameter_names

if TYPE_CHECKING:
    from .ledger import Entry
    from .simulator import Simulator

LINE_MAX = 64 * 1024

Answer = dict[str, object]


def help_text(kind: type[Actions] = Actions) -> str:
    """All control commands with their parameters, from the actions themselves."""
    lines = []
    for name, method in catalogue(kind).items():
        parameters = parameter_names(name, kind)
        summary = (method.__doc__ or "").strip()
        lines.append(f"  {name:<18} {summary}" + (f"\n{'':<21}{', '.join(parameters)}" if parameters else ""))
    lines.append(f"  {'ledger':<18} Print the ledger, or its entries of one kind.\n{'':<21}kind")
    lines.append(f"  {'follow':<18} Print every new ledger entry as it is written.")
    return "\n".join(lines)


class ControlConnection(asyncio.Protocol):
    """One person or test that controls the simulator."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._follow in self._sim.ledger.on_entry:
            self._sim.ledger.on_entry.remove(self._follow)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\n" in self._buffer:
            line, self._buffer = self._buffer.split(b"\n", 1)
            if line.strip():
                self._say(self._answer(line))
        if len(self._buffer) > LINE_MAX:
            self._say({"ok": False, "error": f"a command has at most {LINE_MAX} bytes"})
            self._buffer = b""

    def drop(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _say(self, answer: Answer) -> None:
        if self._transport is not None:
            self._transport.write(json.dumps(answer).encode() + b"\n")

    def _follow(self, entry: Entry) -> None:
        self._say({"entry": entry})

    def _answer(self, line: bytes) -> Answer:
        try:
            request = json.loads(line)
        except ValueError as error:
            return {"ok": False, "error": f"not JSON: {error}"}
        if not isinstance(request, dict) or not isinstance(request.get("action"), str):
            return {"ok": False, "error": 'a command is an object with a text "action"'}
        action = request.pop("action")
        try:
            return {"ok": True, **self._run(action, request)}
        except ActionError as error:
            return {"ok": False, "error": str(error)}

    def _run(self, action: str, parameters: dict[str, object]) -> Answer:
        ledger = self._sim.ledger
        if action == "help":
            return {"help": help_text(type(self._sim.actions))}
        if action == "ledger":
            kind = parameters.get("kind")
            return {"entries": ledger.entries if kind is None else ledger.of(str(kind))}
        if action == "follow":
            if self._follow not in ledger.on_entry:
                ledger.on_entry.append(self._follow)
            return {}
        return self._sim.actions.run(action, parameters)
