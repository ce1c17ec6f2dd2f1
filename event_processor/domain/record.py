"""What the journal knows of one accepted event: the event itself, its plan, its intents, its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from event_processor.domain.event import RebalanceEvent
from event_processor.domain.ids import AccountId, EntryId, EventKey
from event_processor.domain.intent import IntentState, OrderIntent
from event_processor.domain.plan import Plan


class Stage(StrEnum):
    ACCEPTED = "accepted"
    PLANNED = "planned"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What the outcome stream can say of an event; those in FINAL end it."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    PLANNED = "planned"
    ORDER_SUBMITTED = "order_submitted"
    ORDER_FILLED = "order_filled"
    COMPLETED = "completed"
    COMPLETED_ADJUSTED = "completed_adjusted"
    NO_CHANGE = "no_change"
    PARTIAL = "partial"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    NEEDS_REVIEW = "needs_review"
    FAILED = "failed"


FINAL = frozenset(Outcome) - {
    Outcome.ACCEPTED,
    Outcome.DEFERRED,
    Outcome.PLANNED,
    Outcome.ORDER_SUBMITTED,
    Outcome.ORDER_FILLED,
}


@dataclass(frozen=True, slots=True)
class OutcomeNote:
    """One entry for the outcome stream. `mark` makes its id unique and repeatable within the event."""

    kind: Outcome
    mark: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventRecord:
    """The durable state of one event.

    `revision` counts durable writes and is the write's compare-and-set guard; `digest` is of the body,
    to tell a repeat from a conflict; `expires_at` is always set, from the event or from the settings.
    """

    key: EventKey
    event: RebalanceEvent
    digest: str
    entry_id: EntryId
    account: AccountId
    accepted_at: datetime
    expires_at: datetime
    revision: int = 0
    stage: Stage = Stage.ACCEPTED
    plan: Plan | None = None
    intents: tuple[OrderIntent, ...] = ()
    outcome: Outcome | None = None
    reason_code: str = ""
    reason: str = ""
    closed_at: datetime | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def touched(self) -> bool:
        """Whether any order of this event may ever have left."""
        return any(intent.sent or intent.state is not IntentState.RECORDED for intent in self.intents)
