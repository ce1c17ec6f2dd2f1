"""The simulator on the network: listening sockets, the door of the session, and the clock's alarm."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Self, cast
from weakref import WeakSet

from .connection import Connection
from .control import ControlConnection
from .session import Door
from .simulator import Simulator

BACKLOG = 64


class SilentConnection(asyncio.Protocol):
    """Takes a connection and whatever is sent on it, and never answers."""

    def __init__(self, waiting: set[asyncio.Transport]) -> None:
        self._waiting = waiting
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._waiting.add(self._transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._transport is not None:
            self._waiting.discard(self._transport)


class SlammedConnection(asyncio.Protocol):
    """Closes a connection as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Alarm:
    """Runs the scheduler's actions at their time on the event loop."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        sim.scheduler.on_earlier = self._set
        self._set()

    def _set(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        due = self._sim.next_due()
        if due is not None:
            self._handle = self._loop.call_later(max(0.0, due - self._sim.clock.now()), self._ring)

    def _ring(self) -> None:
        self._handle = None
        self._sim.scheduler.run_due()
        self._set()

    def stop(self) -> None:
        self._sim.scheduler.on_earlier = None
        if self._handle is not None:
            self._handle.cancel()


class Server:
    """Serves one simulator on two ports: the API, and (optional) control.

    Use it as an async context manager, or call `start` and `stop`. Port 0 picks a free port; `port`
    and `control_port` then say which.
    """

    def __init__(
        self,
        sim: Simulator,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int | None = 0,
        manual: bool = False,
    ) -> None:
        self._sim = sim
        self._host = host
        self._manual = manual
        self.port = port
        self.control_port = control_port
        self._api: asyncio.Server | None = None
        self._control: asyncio.Server | None = None
        self._alarm: Alarm | None = None
        self._silent: set[asyncio.Transport] = set()
        self._connections: WeakSet[Connection] = WeakSet()
        self._controllers: WeakSet[ControlConnection] = WeakSet()
        self._changes: set[asyncio.Task[None]] = set()
        self._door_lock = asyncio.Lock()

    async def start(self) -> None:
        """Begin to listen; raises OSError when a port cannot be had."""
        loop = asyncio.get_running_loop()
        if self.control_port is not None:
            self._control = await loop.create_server(self._welcome_controller, "127.0.0.1", self.control_port)
            self.control_port = _port(self._control)
        if self.port == 0:
            self.port = _free_port(self._host)
        self._sim.on_door(self._door_changed)
        await self._listen()
        if not self._manual:
            self._alarm = Alarm(self._sim)

    async def stop(self) -> None:
        """Close everything; connected clients see their socket close."""
        if self._alarm is not None:
            self._alarm.stop()
        for task in list(self._changes):
            task.cancel()
        self._hang_up_silent()
        for connection in list(self._connections):
            connection.drop("the simulator stops")
        for controller in list(self._controllers):
            controller.drop()
        for server in (self._api, self._control):
            if server is not None:
                server.close()
        await asyncio.sleep(0)  # the event loop closes the sockets in its next round
        self._sim.ledger.write("stopped", **_flat(self._sim.ledger.summary()))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    def _door_changed(self, door: Door) -> None:
        """Follow the door; the change itself needs the event loop."""
        if door is not Door.SILENT:
            self._hang_up_silent()
        if door is Door.SHUT and self._api is not None:
            self._api.close()
            self._api = None
        elif door is not Door.SHUT:
            self._run(self._listen)

    def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            try:
                await work()
            except OSError as error:
                self._sim.ledger.write("listening_failed", port=self.port, reason=str(error))

        task = asyncio.get_running_loop().create_task(guarded())
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)

    async def _listen(self) -> None:
        async with self._door_lock:
            if self._api is None and not self._shut():
                loop = asyncio.get_running_loop()
                self._api = await loop.create_server(
                    self._welcome, self._host, self.port, backlog=BACKLOG, reuse_address=True
                )
                if self._shut():  # shut again meanwhile
                    self._api.close()
                    self._api = None

    def _shut(self) -> bool:
        return self._sim.session.door is Door.SHUT

    def _welcome(self) -> asyncio.Protocol:
        door = self._sim.session.door
        if door is Door.SILENT:
            return SilentConnection(self._silent)
        if door is Door.OPEN:
            connection = Connection(self._sim)
            self._connections.add(connection)
            return connection
        return SlammedConnection()

    def _welcome_controller(self) -> asyncio.Protocol:
        controller = ControlConnection(self._sim)
        self._controllers.add(controller)
        return controller

    def _hang_up_silent(self) -> None:
        for transport in list(self._silent):
            transport.abort()


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _flat(summary: dict[str, object]) -> dict[str, object]:
    """A summary as ledger fields: numbers as they are, tables as JSON text."""
    return {key: json.dumps(value) if isinstance(value, dict) else value for key, value in summary.items()}
