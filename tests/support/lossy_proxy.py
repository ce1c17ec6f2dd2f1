"""A TCP proxy in front of a server that loses requests or replies on demand: the network's worst habits.

    async with LossyProxy(server.port) as proxy:
        proxy.plan(b"EVALSHA", Loss.REPLY)

One read from a client counts as one request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum, auto
from typing import Self

CHUNK_BYTES = 1 << 20
ANSWER_SECONDS = 10


class Loss(Enum):
    """What becomes of one request."""

    REQUEST = auto()
    """The connection breaks before the server sees it."""
    REPLY = auto()
    """The server carries it out, then the connection breaks."""
    HELD = auto()
    """It is on its way until `deliver`, however long the client waits."""


class LossyProxy:
    """Listens on a free port of loopback; `seen` counts planned losses that happened."""

    def __init__(self, server_port: int) -> None:
        self.seen = 0
        self.port = 0
        self._server_port = server_port
        self._plans: deque[tuple[bytes, Loss]] = deque()
        self._held: list[tuple[bytes, asyncio.StreamWriter]] = []
        self._answered: dict[asyncio.StreamWriter, asyncio.Event] = {}
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def plan(self, marker: bytes, *losses: Loss) -> None:
        """The next requests that contain these bytes are lost, in this order, one each."""
        self._plans.extend((marker, loss) for loss in losses)

    async def deliver(self) -> None:
        """The held requests reach the server, in their order; each is carried out (answered) on return."""
        for request, writer in self._held:
            answered = self._answered[writer] = asyncio.Event()
            writer.write(request)
            async with asyncio.timeout(ANSWER_SECONDS):
                await answered.wait()
        self._held.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers += [writer, up_writer]
        answering = asyncio.create_task(self._answers(up_reader, up_writer, writer))
        asking = asyncio.create_task(self._requests(reader, up_writer, writer, answering))
        self._tasks |= {answering, asking}

    async def _answers(
        self, reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            if up_writer in self._answered:
                self._answered[up_writer].set()
        writer.close()

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        answering: asyncio.Task[None],
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            match self._loss(data):
                case None:
                    up_writer.write(data)
                case Loss.HELD:
                    self._held.append((data, up_writer))
                case Loss.REQUEST:
                    writer.close()
                case Loss.REPLY:
                    answering.cancel()
                    up_writer.write(data)
                    await up_writer.drain()
                    writer.close()

    def _loss(self, data: bytes) -> Loss | None:
        if not self._plans or self._plans[0][0] not in data:
            return None
        self.seen += 1
        return self._plans.popleft()[1]
