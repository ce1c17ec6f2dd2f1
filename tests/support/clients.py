"""The real clients behind one small interface, so that one example drives each of them.

Both are used as published: requests go through their methods, answers come through their decoders into an `Ear`.
A message that a client cannot decode makes `close` fail, whatever the test looked at.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.gateway import Gateway, eventually
from tests.support.hearing import Hearing, Said

Fields = dict[str, Any]

SPY: Fields = {"conId": 756733, "symbol": "SPY", "secType": "STK", "exchange": "SMART", "currency": "USD"}


class Client(Hearing, ABC):
    """One connection to a gateway: what can be asked, and (`Hearing`) what was heard."""

    contract_type: type[Any]
    order_type: type[Any]
    filter_type: type[Any]
    tag_type: type[Any]
    quantity_type: type[Any]

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

    def unthrottle(self) -> None:
        """Send without a pace of the client's own, where it has one."""

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
        order.totalQuantity = self.quantity_type(quantity)
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
        about = [said.execution for said in self.all("execDetails")]
        executions = {execution.execId for execution in about if execution.orderId == order_id}
        return [word for said in self.heard if (word := _word(said, order_id, executions))]


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


def _word(said: Said, order_id: int, executions: set[str]) -> str:
    match said.name:
        case "openOrder" if said.orderId == order_id:
            return f"openOrder {said.state.status}"
        case "orderStatus" if said.orderId == order_id:
            return f"orderStatus {said.status}"
        case "execDetails" if said.execution.orderId == order_id:
            return "execDetails"
        case "error" if said.reqId == order_id:
            return f"error {said.code}"
        case "commissionReport" if said.report.execId in executions:
            return "commissionReport"
        case _:
            return ""
