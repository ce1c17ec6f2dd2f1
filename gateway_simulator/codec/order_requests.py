"""What a client can ask about orders and executions.

The order of fields is the order on the wire (see `requests`).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway_simulator.model import Contract, Order


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """A new order or, when the client already used `order_id`, a change of it.

    `order` has the order id but neither client id nor permId: those belong to the connection and the exchange.
    """

    order_id: int
    contract: Contract
    sec_id_type: str
    sec_id: str
    order: Order
    trailing: tuple[str, ...] = ()
    """Fields after the last one this server version knows."""


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel one order of this client; `manual_cancel_time` is empty unless a person did it."""

    order_id: int
    manual_cancel_time: str


@dataclass(frozen=True, slots=True)
class ReqGlobalCancel:
    """Cancel every open order, whoever placed it."""


@dataclass(frozen=True, slots=True)
class ReqIds:
    """The next order id; the number asked for is ignored, as by IBKR."""

    number_of_ids: int


@dataclass(frozen=True, slots=True)
class ReqOpenOrders:
    """The open orders of this client."""


@dataclass(frozen=True, slots=True)
class ReqAutoOpenOrders:
    """Whether orders placed by hand are bound to this client (client 0 only)."""

    auto_bind: bool


@dataclass(frozen=True, slots=True)
class ReqAllOpenOrders:
    """The open orders of all clients."""


@dataclass(frozen=True, slots=True)
class ReqExecutions:
    """Executions wanted, narrowed by every filter field that is not empty (client id: not 0)."""

    request_id: int
    client_id: int
    account: str
    time: str
    symbol: str
    sec_type: str
    exchange: str
    side: str


@dataclass(frozen=True, slots=True)
class ReqCompletedOrders:
    """The orders that ended today, of API clients only or of all."""

    api_only: bool
