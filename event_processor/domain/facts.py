"""Everything worth telling: one frozen fact per thing that happened, with its name and level.

Application code observes facts and nothing else; logs, metrics, the timeline and notifications are
instruments on this catalogue. Names are noun.past. Accounts are masked by the instruments, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

from event_processor.domain.ids import AccountId, EntryId, EventKey, ExecId, PermId
from event_processor.domain.order import Side
from event_processor.domain.record import Outcome
from event_processor.domain.session import SessionState

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that happened here."""

    name: ClassVar[str] = "fact.observed"
    level: ClassVar[Level] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFact(Fact):
    """Something that happened to one event of one account."""

    key: EventKey
    event_id: str
    account: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFact(EventFact):
    """Something that happened to one order of an event."""

    order_ref: str
    symbol: str
    side: Side
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorStarted(Fact):
    name: ClassVar[str] = "processor.started"
    version: str
    trading_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorStopped(Fact):
    name: ClassVar[str] = "processor.stopped"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorHalted(Fact):
    name: ClassVar[str] = "processor.halted"
    level: ClassVar[Level] = "error"
    reason: str
    account: AccountId | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreUnsafe(Fact):
    name: ClassVar[str] = "store.unsafe"
    level: ClassVar[Level] = "warning"
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLost(Fact):
    name: ClassVar[str] = "store.lost"
    level: ClassVar[Level] = "warning"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRestored(Fact):
    name: ClassVar[str] = "store.restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChanged(Fact):
    name: ClassVar[str] = "session.changed"
    before: SessionState
    after: SessionState
    code: int
    detail: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDeadLettered(Fact):
    name: ClassVar[str] = "event.dead_lettered"
    level: ClassVar[Level] = "warning"
    entry_id: EntryId
    reason_code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRepeated(EventFact):
    name: ClassVar[str] = "event.repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClaimed(EventFact):
    name: ClassVar[str] = "event.claimed"
    entry_id: EntryId
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWaiting(EventFact):
    name: ClassVar[str] = "event.waiting"
    reason_code: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecorded(EventFact):
    name: ClassVar[str] = "plan.recorded"
    plan_id: str
    sells: int
    buys: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSubmitting(OrderFact):
    """The intent to send is durable; the order goes out next."""

    name: ClassVar[str] = "order.submitting"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSubmitted(OrderFact):
    """The order was handed to the socket."""

    name: ClassVar[str] = "order.submitted"
    order_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWorking(OrderFact):
    name: ClassVar[str] = "order.working"
    perm_id: PermId


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderExecuted(OrderFact):
    """One execution; `quantity` is the order's, `shares` the execution's."""

    name: ClassVar[str] = "order.executed"
    exec_id: ExecId
    shares: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDone(OrderFact):
    name: ClassVar[str] = "order.done"
    ending: str
    filled: Decimal
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelRequested(OrderFact):
    name: ClassVar[str] = "order.cancel_requested"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderNoticed(OrderFact):
    """The broker said something about an order that did not end it."""

    name: ClassVar[str] = "order.noticed"
    level: ClassVar[Level] = "warning"
    code: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcomeUnknown(OrderFact):
    name: ClassVar[str] = "order.outcome_unknown"
    level: ClassVar[Level] = "warning"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTakenBack(OrderFact):
    """It is certain that the order did not reach the broker: it waits to be sent (again)."""

    name: ClassVar[str] = "order.taken_back"
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentReconciled(OrderFact):
    name: ClassVar[str] = "intent.reconciled"
    decision: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClosed(EventFact):
    """The closing line of an event; carries its whole summary."""

    name: ClassVar[str] = "event.closed"
    outcome: Outcome
    reason_code: str
    reason: str
    seconds: float
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtSettled(EventFact):
    """A person answered a question that the event left open."""

    name: ClassVar[str] = "doubt.settled"
    subject: str
    resolution: str
    by: str
    shown: str
    follow_up: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHeld(Fact):
    name: ClassVar[str] = "account.held"
    level: ClassVar[Level] = "error"
    account: AccountId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingPauseChanged(Fact):
    name: ClassVar[str] = "trading.pause_changed"
    level: ClassVar[Level] = "warning"
    scope: str
    paused: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseChanged(Fact):
    name: ClassVar[str] = "lease.changed"
    account: AccountId
    held: bool
    token: int
