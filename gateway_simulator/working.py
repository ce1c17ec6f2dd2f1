"""One order as the exchange keeps it, from the moment the gateway takes it to long after it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from .faults import FAULTLESS, Conduct
from .model import ZERO, Contract, Order, OrderState, Status
from .universe import Listing

DONE = frozenset({Status.FILLED, Status.CANCELLED, Status.API_CANCELLED, Status.INACTIVE})


@dataclass(slots=True)
class WorkingOrder:
    """The order, its contract, how far it got, and how the faults treat it."""

    order: Order
    contract: Contract
    listing: Listing
    conduct: Conduct = FAULTLESS
    status: Status = Status.PENDING_SUBMIT
    filled: Decimal = ZERO
    spent: Decimal = ZERO
    last_price: Decimal = ZERO
    cost: Decimal = ZERO
    """What the whole order may cost, in the account's base currency; 0 for a sale."""
    accepted_at: float = 0.0
    done_at: float = 0.0
    reason: str = ""
    """Why it ended, when it was not filled."""
    why_held: str = ""
    turn: int = 0
    """Counts changes of the order; a fill planned for an earlier turn is void."""
    fills: int = 0
    rest_due: float = 0.0
    """When the rest of a partly filled order may trade; 0 means now."""
    opening: float = 0.0
    """When the order may reach the exchange, if that is later than its acceptance."""

    @property
    def key(self) -> tuple[int, int]:
        return self.order.client_id, self.order.order_id

    @property
    def done(self) -> bool:
        return self.status in DONE

    @property
    def remaining(self) -> Decimal:
        return self.order.total_quantity - self.filled

    @property
    def reserved(self) -> Decimal:
        """What the unfilled part may still cost."""
        return self.cost * self.remaining / self.order.total_quantity if self.cost else ZERO

    @property
    def average_price(self) -> Decimal:
        return self.spent / self.filled if self.filled else ZERO

    @property
    def sign(self) -> int:
        return 1 if self.order.action == "BUY" else -1

    @property
    def outside(self) -> bool:
        """Whether the order may trade outside regular hours; IBKR heeds only limit orders that wish so."""
        return self.order.outside_rth and self.order.order_type == "LMT"

    @property
    def state(self) -> OrderState:
        return OrderState(status=self.status)

    def copy(self) -> WorkingOrder:
        """A copy that later changes of the order leave alone."""
        return replace(self, order=replace(self.order))
