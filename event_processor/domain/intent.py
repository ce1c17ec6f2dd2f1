r"""The recorded will to place one order, and how reports move it.

    recorded --begin--> submitting --report--> working --report--> done
       |                    |  \--doubt--> unknown <--doubt--/        ^
       |                    |                 |--found--> working     |
       |                    |                 |--settled--------------+
       |                    |                 \--absent--> recorded   |
       \--skip--------------+--refused--------------------------------+

`submitting` is durable before anything is sent, so it means "may have been sent". `unknown` is left only
by what the broker says. `recorded` goes straight to `working` when a report shows that an order we had
proven absent exists after all. `done` never moves again; late executions may still be added (they are facts).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from event_processor.domain.ids import ExecId, OrderRef, PermId
from event_processor.domain.plan import Leg
from event_processor.errors import InvariantViolated


class IntentState(StrEnum):
    RECORDED = "recorded"
    SUBMITTING = "submitting"
    WORKING = "working"
    UNKNOWN = "unknown"
    DONE = "done"


class Ending(StrEnum):
    """How a done intent ended."""

    FILLED = "filled"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    SKIPPED = "skipped"
    LEFT_OPEN = "left_open"
    UNRESOLVED = "unresolved"


MOVES: dict[IntentState, frozenset[IntentState]] = {
    IntentState.RECORDED: frozenset({IntentState.SUBMITTING, IntentState.WORKING, IntentState.DONE}),
    IntentState.SUBMITTING: frozenset(
        {IntentState.WORKING, IntentState.UNKNOWN, IntentState.DONE, IntentState.RECORDED}
    ),
    IntentState.WORKING: frozenset({IntentState.DONE, IntentState.UNKNOWN}),
    IntentState.UNKNOWN: frozenset({IntentState.WORKING, IntentState.DONE, IntentState.RECORDED}),
    IntentState.DONE: frozenset(),
}
"""The legal moves; staying put is always legal."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of this intent, with its commission once known. `price` in the contract's currency."""

    exec_id: ExecId
    quantity: Decimal
    price: Decimal
    cumulative: Decimal | None = None
    commission: Decimal | None = None
    commission_currency: str = ""


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """One leg of a recorded plan on its way to the broker.

    `quantity` may be trimmed below `leg.quantity` before it is first submitted, never after. `sent`
    counts how often it may have been handed to the socket, `sent_at` when last, under which `client_id` and
    `order_id`; `seen` says that the broker has shown it since; `filled` is the sum of executions, or the
    broker's own figure when that is larger (an execution report may be missing or late).
    """

    ref: OrderRef
    leg: Leg
    quantity: Decimal
    state: IntentState = IntentState.RECORDED
    ending: Ending | None = None
    sent: int = 0
    sent_at: datetime | None = None
    client_id: int = 0
    order_id: int = 0
    seen: bool = False
    perm_id: PermId = PermId(0)
    fills: tuple[Fill, ...] = ()
    reported_filled: Decimal = Decimal(0)
    note: str = ""

    @property
    def executed(self) -> Decimal:
        """Shares proven by executions."""
        return sum((fill.quantity for fill in self.fills), Decimal(0))

    @property
    def filled(self) -> Decimal:
        """Shares that traded, by the larger of executions and the broker's own count."""
        return max(self.executed, self.reported_filled)

    @property
    def settled(self) -> bool:
        """Whether nothing more can happen and what happened is proven by executions."""
        return self.state is IntentState.DONE and self.executed == self.filled

    @property
    def acknowledged(self) -> bool:
        """Whether the broker has ever shown it: then it cannot have got lost on the way."""
        return self.seen or bool(self.perm_id or self.fills or self.reported_filled)

    @property
    def doubtful(self) -> bool:
        """Whether the order may or may not be at the broker."""
        return self.state in {IntentState.SUBMITTING, IntentState.UNKNOWN}

    def to(self, state: IntentState, *, ending: Ending | None = None, note: str = "") -> OrderIntent:
        """The intent in its next state.

        Raises:
            InvariantViolated: the move is not in the table.
        """
        if state is self.state:
            return replace(self, note=note or self.note)
        if state not in MOVES[self.state]:
            raise InvariantViolated(f"intent {self.ref} cannot go from {self.state} to {state}")
        return replace(self, state=state, ending=ending, note=note)
