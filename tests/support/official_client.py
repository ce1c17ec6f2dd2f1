"""The broker's own client, with its threads, as a `Client`."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from decimal import Decimal
from queue import Queue

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.tag_value import TagValue

from tests.support.clients import Client
from tests.support.gateway import HOST
from tests.support.hearing import Ear, FaultLog

BAD_MESSAGE = 508
"""What the client tells about a message it cannot decode."""
JOIN_SECONDS = 5.0
WAKE_UP = b"0\0"
"""A message of id 0, which the client's loop ignores."""


class OfficialClient(Client):
    """The broker's own client: a thread reads the socket, another one decodes."""

    contract_type, order_type = Contract, Order
    filter_type, tag_type, quantity_type = ExecutionFilter, TagValue, Decimal

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._api = EClient(Ear(self._from_thread))
        self._messages: Queue[bytes] = self._api.msg_queue
        self._threads: list[threading.Thread] = []
        self._log = FaultLog("ibapi")
        self._crashes: list[str] = []

    def _from_thread(self, name: str, *values: object) -> None:
        if name == "error":  # request id, time, code, text, advice
            values = (values[0], *values[2:])
        self._loop.call_soon_threadsafe(self.note, name, *values)

    async def _open(self, port: int, client_id: int, seconds: float) -> None:
        self._log.__enter__()
        connecting = asyncio.create_task(asyncio.to_thread(self._api.connect, HOST, port, client_id))
        _, late = await asyncio.wait({connecting}, timeout=seconds)
        if late:
            self._shut_socket()
        await connecting
        if late:
            raise TimeoutError(f"no handshake in {seconds} s")
        if self._api.reader is None:
            raise ConnectionError(f"no connection, errors {self.codes}")
        decoder = threading.Thread(target=self._decode, name=f"official client {client_id}")
        self._threads = [self._api.reader, decoder]
        decoder.start()

    def _decode(self) -> None:
        try:
            self._api.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, `close` tells the test
            self._crashes.append(repr(error))

    def _shut_socket(self) -> None:
        """Make a blocked read return at once; the client itself would notice only after a second."""
        with suppress(AttributeError, OSError):  # already closed, by either side
            self._api.conn.socket.shutdown(socket.SHUT_RDWR)

    async def _hang_up(self) -> None:
        self._shut_socket()
        for thread in self._threads:
            await asyncio.to_thread(thread.join, JOIN_SECONDS)
            assert not thread.is_alive(), f"{thread.name} does not end"
            self._messages.put(WAKE_UP)
        self._log.__exit__()

    def ask(self, request: str, *values: object) -> None:
        getattr(self._api, request)(*values)

    def cancel(self, order_id: int) -> None:
        self.ask("cancelOrder", order_id, OrderCancel())

    def cancel_all(self) -> None:
        self.ask("reqGlobalCancel", OrderCancel())

    @property
    def connected(self) -> bool:
        return bool(self._api.isConnected())

    @property
    def server_version(self) -> int:
        return int(self._api.serverVersion())

    @property
    def faults(self) -> list[str]:
        bad = [said.text for said in self.all("error", code=BAD_MESSAGE)]
        return [*self._log.lines, *self._crashes, *bad]
