"""Orders in IBKR's words: side, type, time in force, and the statuses the broker reports."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from event_processor.domain.contract import Contract
from event_processor.domain.ids import AccountId, OrderRef


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    MARKET = "MKT"
    LIMIT = "LMT"


class TimeInForce(StrEnum):
    DAY = "DAY"


class OrderStatus(StrEnum):
    """Statuses as the TWS API names them (OrderStatus); `UNKNOWN` is any text we do not know."""

    API_PENDING = "ApiPending"
    PENDING_SUBMIT = "PendingSubmit"
    PENDING_CANCEL = "PendingCancel"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    API_CANCELLED = "ApiCancelled"
    CANCELLED = "Cancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"
    UNKNOWN = "?"

    @classmethod
    def read(cls, text: str) -> OrderStatus:
        """The status named by `text`; one we have never heard of is UNKNOWN, not an error."""
        return cls(text) if text in cls._value2member_map_ else cls.UNKNOWN

    @property
    def dead(self) -> bool:
        """Whether such an order can trade no more. `Inactive` is not dead by itself: IBKR also uses it
        for orders it holds back; only together with a refusal does it end an order."""
        return self in {OrderStatus.API_CANCELLED, OrderStatus.CANCELLED, OrderStatus.FILLED}


@dataclass(frozen=True, slots=True)
class Order:
    """What we ask the broker to do. `limit_price` is in the contract's currency, on its price step."""

    ref: OrderRef
    account: AccountId
    contract: Contract
    side: Side
    quantity: Decimal
    order_type: OrderType
    limit_price: Decimal | None = None
    tif: TimeInForce = TimeInForce.DAY
