"""A gateway of a few lines that says what a test tells it to, over the real socket.

For what no well-behaved stand-in does: malformed messages, answers that never come, doors that slam.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from event_processor.domain.session import SessionInput
from event_processor.ports import Broker

SERVER_VERSION = 178
START_API, POSITIONS, ACCOUNT_UPDATES = "71", "61", "6"
OPEN_ORDERS, COMPLETED_ORDERS, EXECUTIONS, CONTRACT_DETAILS = "16", "99", "7", "9"
MARKET_DATA, CANCEL_DATA, PLACE_ORDER = "1", "2", "3"

Message = Sequence[object]
Answer = Callable[[list[str]], Sequence[Message]]


class ScriptedGateway:
    """Answers each request kind by `answers[kind](fields)`; a kind without an answer stays silent."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {
            START_API: lambda _: [(9, 1, 5), (15, 1, "DU1,")],
            POSITIONS: lambda _: [(62, 1)],
            ACCOUNT_UPDATES: lambda fields: [
                (6, 2, "NetLiquidation", "1000.50", "USD", fields[3]),
                (6, 2, "TotalCashValue", "1000.50", "USD", fields[3]),
                (54, 1, fields[3]),
            ],
            OPEN_ORDERS: lambda _: [(53, 1)],
            COMPLETED_ORDERS: lambda _: [(102,)],
            EXECUTIONS: lambda fields: [(55, 1, fields[2])],
        }
        self.handshakes = True
        self.slams = False
        self.received: list[tuple[float, list[str]]] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def kinds(self) -> list[str]:
        """The kinds of requests received after the handshake."""
        return [fields[0] for _, fields in self.received]

    def say(self, *fields: object) -> None:
        """Send one message to whoever connected last."""
        assert self._writer is not None
        payload = "".join(f"{field}\0" for field in fields).encode()
        self._writer.write(struct.pack(">I", len(payload)) + payload)

    def hang_up(self) -> None:
        """Close the connection."""
        assert self._writer is not None
        self._writer.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        if self._writer is not None:
            self._writer.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        try:
            if self.slams:
                return
            assert await reader.readexactly(4) == b"API\0"
            await self._read(reader)
            if self.handshakes:
                self.say(SERVER_VERSION, "20260105 09:30:00 EST")
            while True:
                fields = await self._read(reader)
                self.received.append((asyncio.get_running_loop().time(), fields))
                for message in self.answers.get(fields[0], lambda _: ())(fields):
                    self.say(*message)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> list[str]:
        (length,) = struct.unpack(">I", await reader.readexactly(4))
        return (await reader.readexactly(length)).decode().split("\0")[:-1]


async def next_input(broker: Broker) -> SessionInput:
    """What happens to the session next; TimeoutError when nothing does."""
    return await asyncio.wait_for(anext(broker.session_inputs()), 2)
