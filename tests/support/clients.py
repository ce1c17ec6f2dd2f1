"""The two real clients behind one small interface: ib_async's, and the broker's own with its threads.

Both are used as published: requests go through their methods, answers come through their decoders into an `Ear`.
A message that a client cannot decode makes `close` fail, whatever the test looked at.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC
from decimal import Decimal
from queue import Queue
from typing import Any

import ib_async
from ibapi.client import EClient
from ibapi.contract import Contract as OfficialContract
from ibapi.execution import ExecutionFilter as OfficialFilter
from ibapi.order import Order as OfficialOrder
from ibapi.order_cancel import OrderCancel
from ibapi.tag_value import TagValue as OfficialTag

from tests.support.gateway import HOST, Gateway, eventually
from tests.support.hearing import Ear, FaultLog, Hearing

BAD_MESSAGE = 508
"""What the official client tells about a message it cannot decode."""
JOIN_SECONDS = 5.0
WAKE_UP = b"0\0"
"""A message of id 0, which the official client's loop ignores."""

Fields = dict[str, Any]

SPY: Fields = {"conId": 756733, "symbol": "SPY", "secType": "STK", "exchange": "SMART", "currency": "USD"}


class Client(Hearing, ABC):
    """One connection to a gateway: what can be asked, and (`Hearing`) what was heard."""

    contract_type: type[Any]
    order_type: type[Any]
    filter_type: type[Any]
    tag_type: type[Any]

    def __init__(self) -> None:
        super().__init__()
        self._ids = 0

    # what the two do differently

    @abstractmethod
    async def _open(self, port: int, client_id: int, seconds: float) -> None:
        """Connect and shake hands; raises ConnectionError or TimeoutError."""

    @abstractmethod
    async def _hang_up(self) -> None:
        """Close the socket, if it is open, and wait until nothing of the client runs any more."""

    @abstractmethod
    def ask(self, request: str, *values: object) -> None:
        """Send a request by the name of the client's method."""

    @abstractmethod
    def cancel(self, order_id: int) -> None: ...

    @abstractmethod
    def cancel_all(self) -> None: ...

    @property
    @abstractmethod
    def connected(self) -> bool: ...

    @property
    @abstractmethod
    def server_version(self) -> int: ...

    @property
    @abstractmethod
    def faults(self) -> list[str]:
        """Messages that the client could not decode, and whatever else broke inside it."""

    # what follows from it

    async def connect(self, port: int, client_id: int, seconds: float = 5.0) -> None:
        """Connect and wait for accounts and the next order id; raises ConnectionError or TimeoutError."""
        await self._open(port, client_id, seconds)
        await self.until(lambda: self._greeted() or bool(self.all("connectionClosed")), "greeting", seconds)
        if not self._greeted():
            raise ConnectionError(f"closed before the greeting, errors {self.codes}")
        self._ids = max(said.orderId for said in self.all("nextValidId"))

    def _greeted(self) -> bool:
        return bool(self.all("nextValidId") and self.all("managedAccounts"))

    async def close(self) -> None:
        """Disconnect; raises AssertionError when the client could not decode something."""
        await self._hang_up()
        assert self.faults == []

    def contract(self, fields: Fields) -> Any:  # noqa: ANN401 - the client's own class
        return _filled(self.contract_type(), fields)

    def order(self, action: str, quantity: float | str, kind: str = "MKT", **fields: object) -> Any:  # noqa: ANN401
        """An order as the client writes it; DAY unless `tif` says else, `algo` is a dict of parameters."""
        algo = fields.pop("algo", {})
        assert isinstance(algo, dict)
        order = _filled(self.order_type(), {"action": action, "orderType": kind, "tif": "DAY", **fields})
        kind_of_number = Decimal if self.order_type is OfficialOrder else float
        order.totalQuantity = kind_of_number(quantity)
        if algo:
            order.algoParams = [self.tag_type(tag, value) for tag, value in algo.items()]
        return order

    def place(self, order: Any, contract: Fields = SPY, order_id: int | None = None) -> int:  # noqa: ANN401
        """Send an order under the next id, or a change under its old one; returns the id."""
        if order_id is None:
            order_id, self._ids = self._ids, self._ids + 1
        order.orderId = order_id
        self.ask("placeOrder", order_id, self.contract(contract), order)
        return order_id

    def ask_executions(self, request_id: int, **fields: object) -> None:
        self.ask("reqExecutions", request_id, _filled(self.filter_type(), fields))

    def ask_prices(self, request_id: int, contract: Fields = SPY, *, snapshot: bool = False) -> None:
        self.ask("reqMktData", request_id, self.contract(contract), "", snapshot, False, [])

    def story(self, order_id: int) -> list[str]:
        """Everything heard about an order and its executions, one word or two each."""
        return [word for said in self.heard if (word := _word(said, order_id))]


class IbAsyncEar(Ear):
    """What ib_async wants of a wrapper besides callbacks; that the socket closed it tells after this, by `apiEnd`."""

    defaultTimezone = UTC  # noqa: N815 - its decoder gives times in it

    def setEventsDone(self) -> None: ...

    def connectionClosed(self) -> None: ...


class IbAsyncClient(Client):
    """ib_async's own client and decoder, on the event loop."""

    contract_type, order_type = ib_async.Contract, ib_async.Order
    filter_type, tag_type = ib_async.ExecutionFilter, ib_async.TagValue

    def __init__(self) -> None:
        super().__init__()
        self._api = ib_async.Client(IbAsyncEar(self.note))
        self._api.apiEnd += lambda: self.note("connectionClosed")
        self._log = FaultLog("ib_async.Decoder")

    async def _open(self, port: int, client_id: int, seconds: float) -> None:
        self._log.__enter__()
        await self._api.connectAsync(HOST, port, client_id, seconds)

    async def _hang_up(self) -> None:
        self._api.disconnect()
        self._log.__exit__()

    def ask(self, request: str, *values: object) -> None:
        getattr(self._api, request)(*values)

    def cancel(self, order_id: int) -> None:
        self.ask("cancelOrder", order_id)

    def cancel_all(self) -> None:
        self.ask("reqGlobalCancel")

    @property
    def connected(self) -> bool:
        return self._api.isConnected()

    @property
    def server_version(self) -> int:
        return self._api.serverVersion()

    @property
    def faults(self) -> list[str]:
        return self._log.lines


class OfficialClient(Client):
    """The broker's own client: a thread reads the socket, another one decodes."""

    contract_type, order_type = OfficialContract, OfficialOrder
    filter_type, tag_type = OfficialFilter, OfficialTag

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


@asynccontextmanager
async def connected(kind: type[Client], served: Gateway, client_id: int = 1) -> AsyncIterator[Client]:
    """A client that is let in, and at the end out again: the gateway has seen it go."""
    client = kind()
    try:
        await client.connect(served.port, client_id)
        yield client
    finally:
        await client.close()
    await eventually(lambda: served.sim.reporter.find(client_id) is None)


def _filled(thing: Any, fields: Fields) -> Any:  # noqa: ANN401 - any class of either client
    for name, value in fields.items():
        assert hasattr(thing, name), f"{type(thing).__name__} has no {name}"
        setattr(thing, name, value)
    return thing


def _word(said: Any, order_id: int) -> str:  # noqa: ANN401
    match said.name:
        case "openOrder" if said.orderId == order_id:
            return f"openOrder {said.state.status}"
        case "orderStatus" if said.orderId == order_id:
            return f"orderStatus {said.status}"
        case "execDetails" if said.execution.orderId == order_id:
            return "execDetails"
        case "error" if said.reqId == order_id:
            return f"error {said.code}"
        case "commissionReport":
            return "commissionReport"
        case _:
            return ""
