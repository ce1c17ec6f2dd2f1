"""What the gateway tells a client without being asked; the server encodes these, tests read them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from .model import Commission, Contract, Execution, Order, OrderState, Position


@dataclass(frozen=True, slots=True)
class ErrorNotice:
    """`error`: about order or request `req_id`, or -1 for the whole connection."""

    req_id: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class OrderOpened:
    """`openOrder`."""

    order: Order
    contract: Contract
    state: OrderState

    @classmethod
    def of(cls, order: Order, contract: Contract, state: OrderState) -> OrderOpened:
        """Copy the order, which goes on changing."""
        return cls(replace(order), contract, state)


@dataclass(frozen=True, slots=True)
class StatusReported:
    """`orderStatus`."""

    order_id: int
    status: str
    filled: Decimal
    remaining: Decimal
    average_price: Decimal
    perm_id: int
    last_price: Decimal
    client_id: int
    why_held: str = ""


@dataclass(frozen=True, slots=True)
class Executed:
    """`execDetails` of a fill that has just happened."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class Commissioned:
    """`commissionReport`."""

    commission: Commission


@dataclass(frozen=True, slots=True)
class OrderBound:
    """`orderBound`: a manual order has got an API order id."""

    perm_id: int
    client_id: int
    order_id: int


@dataclass(frozen=True, slots=True)
class PositionChanged:
    """The published position of an account has changed."""

    position: Position


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """The published values of an account have changed."""

    account: str


Event = (
    ErrorNotice | OrderOpened | StatusReported | Executed | Commissioned | OrderBound | PositionChanged | AccountChanged
)


class Client(Protocol):
    """One connected API client, as the engine sees it."""

    client_id: int

    def deliver(self, event: Event) -> None:
        """Take one event; must not call back into the engine."""

    def drop(self, reason: str) -> None:
        """Close the connection at once, without a farewell."""
