"""What the broker tells us. Nothing in here is our own guess."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

from event_processor.domain.ids import AccountId, ConId, ExecId, PermId
from event_processor.domain.order import OrderStatus, Side


@dataclass(frozen=True, slots=True)
class OrderReport:
    """The broker's word on one order, live or from a look-up.

    `order_ref` is "" when the message did not carry it (orderStatus does not; the adapter fills it in
    from the openOrder it saw before, when it can). `filled` is None when the message does not say.
    """

    account: AccountId | None
    order_ref: str
    status: OrderStatus
    perm_id: PermId = PermId(0)
    order_id: int = 0
    client_id: int = 0
    con_id: ConId = ConId(0)
    symbol: str = ""
    side: Side | None = None
    quantity: Decimal | None = None
    filled: Decimal | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """One trade report. `quantity` is positive; `price` in the contract's currency."""

    exec_id: ExecId
    account: AccountId
    order_ref: str
    perm_id: PermId
    con_id: ConId
    side: Side
    quantity: Decimal
    price: Decimal
    at: datetime
    order_id: int = 0
    client_id: int = 0
    symbol: str = ""
    cumulative: Decimal | None = None
    """Shares of the order executed so far, this one included, as the broker counts them."""


@dataclass(frozen=True, slots=True)
class Commission:
    """What one execution cost, in `currency`; may come long after the execution, or twice."""

    exec_id: ExecId
    amount: Decimal
    currency: str


class NoticeKind(Enum):
    """What an error code on an order means for that order."""

    WARNING = auto()
    """The order lives on (399, 10349, 2100 to 2199 …)."""
    REFUSED = auto()
    """Definite: the broker took nothing, or the order is gone (201, 110 on a new order …)."""
    CANCELLED = auto()
    """202: the order is cancelled; what filled before stays."""
    READ_ONLY = auto()
    """321 because the API is read-only: not taken."""
    CANCEL_REFUSED = auto()
    """10147, 10148, 161: the cancel had no effect; says nothing about the order."""
    NOT_TAKEN = auto()
    """Definite: this message was not taken, though the order itself may be fine to send again (103)."""
    AMBIGUOUS = auto()
    """A code that proves nothing about the order."""


@dataclass(frozen=True, slots=True)
class OrderNotice:
    """An error or notice the broker tied to one of our orders (by order id of our client)."""

    order_ref: str
    order_id: int
    code: int
    message: str
    kind: NoticeKind


@dataclass(frozen=True, slots=True)
class PositionReport:
    """A position as pushed by the broker: the new quantity, not a change."""

    account: AccountId
    con_id: ConId
    quantity: Decimal


Report = OrderReport | Execution | Commission | OrderNotice | PositionReport


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the broker shows of the login's orders, every look-up known to have succeeded.

    `open_orders` are those of all clients, none that is over by its own status; `completed` and `executions` are of
    the broker's current day.
    A partial answer never becomes an Evidence: the look-up raises instead.
    """

    taken_at: datetime
    open_orders: tuple[OrderReport, ...]
    completed: tuple[OrderReport, ...]
    executions: tuple[Execution, ...]
    commissions: tuple[Commission, ...] = ()
