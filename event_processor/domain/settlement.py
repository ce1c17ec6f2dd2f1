"""A person's word on what the processor could not prove, and what of it the broker's evidence allows.

An event that ended as `needs_review` has its one final outcome and keeps it. What is settled here is the doubt
that it left: for each order whose fate is not known one of *adopt*, *abandon* or *resubmit*; for everything else
(positions that nothing explains, an overfill, a halt) that somebody has looked: *accept*. As long as a question of
this kind is open in an account it is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from event_processor.domain.agenda import FOLLOW_UP_SOURCE, arrival, may_start
from event_processor.domain.event import RebalanceEvent, new_event
from event_processor.domain.ids import EventKey, run_digest
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.reconcile import Sight
from event_processor.domain.record import EventRecord, Outcome
from event_processor.domain.reports import Evidence, OrderReport
from event_processor.errors import InvariantViolated, OutcomeUnknown


class Resolution(StrEnum):
    """What a person says of one open question."""

    ADOPT = "adopt"
    """What the broker shows of this order counts."""
    ABANDON = "abandon"
    """It is not at the broker, and shall not be."""
    RESUBMIT = "resubmit"
    """It is not at the broker, and is still wanted: a new event orders what is missing by then."""
    ACCEPT = "accept"
    """I have looked; the positions count as they are."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """One question answered, for good. `subject` is an orderRef, or the id of the event `key`; `mark` tells one
    question of an account from another; `shown` is what the broker showed at that moment, `filled` what of it was
    executed; `follow_up` is the id of the event that resubmits."""

    mark: str
    key: EventKey
    subject: str
    resolution: Resolution
    by: str
    at: datetime
    shown: str
    filled: Decimal = Decimal(0)
    follow_up: str = ""

    def same_as(self, other: Settlement) -> bool:
        """Whether both say the same of the same, whoever said it when."""
        return (self.mark, self.resolution) == (other.mark, other.resolution)


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person has to settle: an order (`intent`), or what else is wrong with the event (None)."""

    record: EventRecord
    mark: str
    intent: OrderIntent | None = None

    @property
    def subject(self) -> str:
        """What a settlement names: the orderRef, or the id of the event."""
        return str(self.intent.ref) if self.intent else self.record.event.id


def in_doubt(intent: OrderIntent) -> bool:
    """Whether it was left open what became of this order."""
    if intent.state is IntentState.DONE:
        return intent.ending is Ending.UNRESOLVED
    return bool(intent.sent) or intent.state is not IntentState.RECORDED


def questions(record: EventRecord, held_at: datetime) -> tuple[Question, ...]:
    """All that a person has to settle of an event that a hold names, settled already or not.

    `held_at` is the instant of the hold: it tells one halt of an event that goes on from the next one.
    """
    if record.outcome is not Outcome.NEEDS_REVIEW:
        return (Question(record, f"halt:{record.key}:{held_at.isoformat()}"),)
    orders = tuple(Question(record, str(i.ref), i) for i in record.intents if in_doubt(i))
    if orders and record.reason_code == OutcomeUnknown.reason_code:
        return orders
    return (*orders, Question(record, f"event:{record.key}"))


def unsettled(asked: Iterable[Question], settlements: Iterable[Settlement]) -> tuple[Question, ...]:
    """The questions that nobody has answered yet."""
    answered = {settlement.mark for settlement in settlements}
    return tuple(question for question in asked if question.mark not in answered)


def shown(sight: Sight) -> str:
    """What the broker shows of one order, in words; empty when it shows nothing."""
    filled = executed(sight)
    words = [
        *(f"open ({report.status}{_perm(report)})" for report in sight.open_orders),
        *(f"completed ({report.status}{_perm(report)})" for report in sight.completed),
        *([f"{filled:f} executed"] if sight.executions else []),
    ]
    return ", ".join(words)


def executed(sight: Sight) -> Decimal:
    """Shares that the broker shows as executed for the order: by executions, or by its own count when larger."""
    by_id = {execution.exec_id: execution.quantity for execution in sight.executions}
    counted = (report.filled or Decimal(0) for report in (*sight.open_orders, *sight.completed))
    return max([sum(by_id.values(), Decimal(0)), *counted])


def objection(resolution: Resolution, intent: OrderIntent, sight: Sight) -> str:
    """Why the broker's evidence contradicts a resolution of this order; empty when it does not.

    Absence proves nothing right after a reconnect, so it is asked for only with `sight.absence_counts`.
    """
    seen = shown(sight)
    match resolution:
        case Resolution.ADOPT:
            return "" if seen else "the broker shows nothing of it, so there is nothing to adopt"
        case Resolution.ABANDON | Resolution.RESUBMIT if not seen:
            return "" if sight.absence_counts else "the session is too young for absence to count; ask again shortly"
        case Resolution.ABANDON:
            return f"the broker shows it: {seen}. What it shows counts: --adopt {intent.ref}"
        case Resolution.RESUBMIT if sight.open_orders:
            return f"the broker shows it {seen}: it would be ordered twice. Cancel it there, or --adopt {intent.ref}"
        case Resolution.RESUBMIT:
            over = bool(sight.completed)
            return "" if over else f"the broker shows {seen} and does not say that the order is over; ask again shortly"
        case Resolution.ACCEPT:
            return f"{intent.ref} is an order: it is settled by --adopt, --abandon or --resubmit"


def still_open(record: EventRecord, evidence: Evidence) -> tuple[OrderReport, ...]:
    """Orders of this event, known to the journal or not, that still work at the broker: positions may move yet."""
    run = f"rb{run_digest(record.key, record.account)}-"
    return tuple(report for report in evidence.open_orders if report.order_ref.startswith(run))


def possible(intent: OrderIntent, sight: Sight) -> tuple[Resolution, ...]:
    """The resolutions that the evidence allows now."""
    orders = (Resolution.ADOPT, Resolution.ABANDON, Resolution.RESUBMIT)
    return tuple(one for one in orders if not objection(one, intent, sight))


def follow_up(record: EventRecord, intent: OrderIntent) -> RebalanceEvent:
    """The event that brings one contract to what the plan wanted of it, from whatever is held by then.

    A function of record and order alone: publishing it again is a repeat, which has no effect.
    """
    con_id = intent.leg.contract.con_id
    line = next((line for line in record.plan.lines if line.contract.con_id == con_id), None) if record.plan else None
    if line is None:
        raise InvariantViolated(f"the plan of event {record.key} has no line for {intent.ref}")
    data: dict[str, Any] = {
        "account": str(record.account),
        "targets": [{"con_id": int(con_id), "quantity": line.target}],
        "completeness": "partial",
        "reason": f"resubmits {intent.ref} of event {record.event.id}",
    }
    limits = record.event.data.limits.model_dump(exclude_none=True)
    if limits:
        data["limits"] = limits
    when = record.closed_at or record.accepted_at
    return new_event(event_id=follow_up_id(intent), source=FOLLOW_UP_SOURCE, time=when, data=data)


def follow_up_id(intent: OrderIntent) -> str:
    """The id of the event that resubmits this order: the same one however often it is asked for."""
    return f"resubmit-{intent.ref}"


def overtaken_by(records: Sequence[EventRecord], now: datetime) -> EventRecord | None:
    """The newest ordinary event that waits in the account: it will order whatever is missing by then, and going
    back to an older event's target after it would undo it."""
    ordinary = (r for r in records if not (r.touched or r.event.data.dry_run or r.event.source == FOLLOW_UP_SOURCE))
    return max((r for r in ordinary if may_start(r, now)), key=arrival, default=None)


def _perm(report: OrderReport) -> str:
    return f", permId {report.perm_id}" if report.perm_id else ""
