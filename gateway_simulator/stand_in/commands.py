"""IBC's command server: one command a line, answers `OK …`, `ERROR …`; off while its port is 0."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from .cycle import Cycle
from .settings import Automation
from .words import Input

LINE_MAX = 1024
IDLE_SECONDS = 300.0
LOOPBACK = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered, and whether the connection ends with it."""

    lines: tuple[str, ...]
    closes: bool = False


def reply(command: str, cycle: Cycle) -> Reply:
    """Carry out one command."""
    word = command.strip().upper()
    answer = COMMANDS.get(word)
    if answer is None:
        cycle.log(f"CommandServer: invalid command received: {command.strip()}")
        return Reply(("ERROR Command invalid",))
    return answer(cycle)


def _stop(cycle: Cycle) -> Reply:
    if not cycle.program.give(Input.STOP):
        return Reply(("ERROR STOP already in progress",), closes=True)
    return Reply(("OK Shutting down: STOP command",), closes=True)


def _restart(verb: str) -> Callable[[Cycle], Reply]:
    def answer(cycle: Cycle) -> Reply:
        if not cycle.ready:
            return Reply((f"ERROR {verb} is not possible before the login has completed",))
        due = cycle.plan_restart(pause=verb == "PAUSE")
        cycle.log(f"Setting auto-restart time to {due:%I:%M %p}")
        return Reply((f"OK {verb} in progress", f"OK {verb} at {due:%I:%M %p}"), closes=True)

    return answer


def _reconnect(_cycle: Cycle) -> Reply:
    return Reply(("OK ",))


COMMANDS: dict[str, Callable[[Cycle], Reply]] = {
    "STOP": _stop,
    "RESTART": _restart("RESTART"),
    "PAUSE": _restart("PAUSE"),
    "RECONNECTDATA": _reconnect,
    "RECONNECTACCOUNT": _reconnect,
    "ENABLEAPI": lambda _cycle: Reply(("ERROR ENABLEAPI is not valid for the IB Gateway",)),
    "EXIT": lambda _cycle: Reply(("OK Goodbye",), closes=True),
}


class CommandServer:
    """Listens where config.ini says; use it as an async context manager."""

    def __init__(self, automation: Automation, cycle: Cycle) -> None:
        self._automation = automation
        self._cycle = cycle
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        port = self._automation.command_port
        if not port:
            self._cycle.log("CommandServer is not started because the port is not configured")
            return self
        self._cycle.log(f"CommandServer is starting with port {port}")
        self._server = await asyncio.start_server(
            self._serve, self._automation.bind_address or None, port, limit=LINE_MAX
        )
        self._cycle.log(f"CommandServer listening on address: {self._automation.bind_address} port: {port}")
        self._cycle.log("CommandServer started and is ready to accept commands")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._server is not None:
            self._server.close()
            self._cycle.log("CommandServer is shutdown")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer, own = writer.get_extra_info("peername")[0], writer.get_extra_info("sockname")[0]
            if peer not in LOOPBACK | self._automation.control_from | {own}:
                self._cycle.log(f"CommandServer denied access to: /{peer}")
                return
            self._cycle.log(f"CommandServer accepted connection from: /{peer}")
            await self._converse(reader, writer)
        except (OSError, ValueError, TimeoutError) as error:  # gone, a line too long, or silent
            self._cycle.log(f"CommandServer: {type(error).__name__}")
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await asyncio.wait_for(reader.readline(), IDLE_SECONDS):
            answer = reply(line.decode(errors="replace"), self._cycle)
            writer.write("".join(f"{text}\n" for text in answer.lines).encode())
            await writer.drain()
            if answer.closes:
                return
