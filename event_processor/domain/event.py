"""The rebalance event, version 1: the published contract. Its JSON Schema comes from these models.

A body is read by `parse_event` and by nothing else: it tells every mistake at once, and the rules that span
several fields (sums, duplicates, exactly one of …) are part of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from event_processor.domain import event_rules, strict_json
from event_processor.domain.contract import ContractQuery
from event_processor.domain.event_fields import (
    Amount,
    Currency,
    Moment,
    Name,
    Positive,
    Symbol,
    Venue,
    Weight,
)
from event_processor.domain.event_problems import first_per_path, read_problems, tell
from event_processor.domain.ids import ConId, EventKey, event_key
from event_processor.domain.policy import Limits
from event_processor.domain.targets import Completeness, Measure, Mode, Target, TargetPortfolio, Untargeted
from event_processor.errors import EventMalformed

EVENT_TYPE = "rebalance.requested.v1"
TARGETS_MAX = 999
AGE_UNLIMITED = Decimal(10**9)
"""Seconds: the quote age of an event that sets no limit of its own; the account's limit holds."""


class ContractModel(BaseModel):
    """Strict and frozen; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TargetLine(ContractModel):
    """One contract and how much of it the account shall hold.

    Exactly one of `symbol` and `con_id`, exactly one of `weight`, `quantity` and `value`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"oneOf": [{"required": [name]} for name in event_rules.NAMES]},
                {"oneOf": [{"required": [name]} for name in event_rules.MEASURES]},
            ]
        }
    )

    symbol: Symbol | None = Field(None, description="Symbol as IBKR writes it, e.g. SPY or BRK B.")
    con_id: Annotated[int, Field(gt=0, lt=2**31)] | None = Field(
        None, description="IBKR's contract id, instead of a symbol; needs no currency and no exchange."
    )
    sec_type: Literal["STK", "ETF"] = Field("STK", description="IBKR files ETFs under STK; both mean the same.")
    currency: Currency = Field("USD", description="The currency the contract trades in.")
    exchange: Venue = Field("SMART", description="Where orders are routed.")
    primary_exchange: Venue | None = Field(None, description="Narrows an ambiguous symbol down, e.g. ARCA.")
    weight: Weight | None = Field(None, description="Share of the value that is rebalanced, 0 to 1.")
    quantity: Amount | None = Field(None, description="Shares; a fraction is rounded down to whole shares.")
    value: Amount | None = Field(None, description="Money in the contract's currency.")

    def target(self) -> Target:
        """The line in the planner's terms."""
        measure = next(measure for measure in Measure if getattr(self, measure) is not None)
        return Target(self._query(), measure, getattr(self, measure))

    def _query(self) -> ContractQuery:
        # A conId says the currency itself; a wrong guess would make IBKR find nothing.
        guessed = self.con_id is not None and "currency" not in self.model_fields_set
        return ContractQuery(
            symbol=self.symbol or "",
            con_id=ConId(self.con_id or 0),
            sec_type=self.sec_type,
            currency="" if guessed else self.currency,
            exchange=self.exchange,
            primary_exchange=self.primary_exchange or "",
        )


class CashLine(ContractModel):
    """What stays in cash."""

    reserve: Weight = Field(
        Decimal(0),
        description="Share that stays in cash; the account may ask for more.",
        json_schema_extra={"default": 0},
    )


class EventLimits(ContractModel):
    """Limits of this one event. They tighten the account's, never widen them. Money in base currency."""

    max_order_value: Positive | None = Field(None, description="Largest value of one order.")
    max_orders: Annotated[int, Field(gt=0, le=TARGETS_MAX)] | None = Field(
        None, description="Largest number of orders."
    )
    max_turnover: Positive | None = Field(None, description="Traded value as a share of net liquidation value.")
    max_position_weight: Weight | None = Field(None, description="Largest weight a buy may lead to.")
    max_quote_age_seconds: Positive | None = Field(None, description="Oldest price a plan may be made on.")


class RebalanceData(ContractModel):
    """What the account shall hold, and how and when to get there."""

    account: Name = Field(description="Alias from the accounts file, or the account number.")
    targets: list[TargetLine] = Field(
        max_length=TARGETS_MAX, description="All targets; weights and cash.reserve sum to 1 when full."
    )
    cash: CashLine = CashLine()
    completeness: Completeness = Field(
        Completeness.FULL, strict=False, description="Whether the targets describe the whole portfolio."
    )
    untargeted: Untargeted = Field(
        Untargeted.KEEP, strict=False, description="What happens to stocks and ETFs that no target names."
    )
    mode: Mode = Field(Mode.FULL, strict=False, description="Whether to buy and sell, or only one of them.")
    as_of: Moment | None = Field(None, description="When the targets were computed; told, never judged.")
    not_before: Moment | None = Field(None, description="Nothing is traded before.")
    expires_at: Moment | None = Field(None, description="No order leaves after; default from the settings.")
    dry_run: bool = Field(default=False, description="Plan and report, place nothing.")
    limits: EventLimits = EventLimits()
    reason: Annotated[str, Field(max_length=2000)] | None = Field(None, description="For people.")
    metadata: dict[str, Any] | None = Field(None, description="The producer's own; never interpreted.")


class RebalanceEvent(ContractModel):
    """A request to bring one account to its targets, as a CloudEvents 1.0 envelope.

    `source` and `id` together name the event: the same pair with the same content has no further effect.
    """

    specversion: Literal["1.0"]
    id: Name = Field(description="Unique within the source.")
    source: Name = Field(description="Who produced the event, e.g. /strategies/growth.")
    type: Literal["rebalance.requested.v1"]
    subject: Name | None = Field(None, description="By custom the account; not interpreted.")
    time: Moment | None = Field(None, description="When the event was produced.")
    datacontenttype: Literal["application/json"] | None = None
    dataschema: Name | None = None
    data: RebalanceData

    @property
    def key(self) -> EventKey:
        """The idempotency key."""
        return event_key(self.source, self.id)

    def target_portfolio(self) -> TargetPortfolio:
        """The targets in the planner's terms."""
        return TargetPortfolio(
            targets=tuple(line.target() for line in self.data.targets),
            completeness=self.data.completeness,
            untargeted=self.data.untargeted,
            mode=self.data.mode,
            reserve=self.data.cash.reserve,
        )

    def limits(self) -> Limits:
        """The event's own limits, to tighten the account's with."""
        own = self.data.limits
        return Limits(
            order_value_max=own.max_order_value,
            orders_max=own.max_orders,
            turnover_max=own.max_turnover,
            position_weight_max=own.max_position_weight,
            quote_age_seconds_max=AGE_UNLIMITED if own.max_quote_age_seconds is None else own.max_quote_age_seconds,
        )


_MODELS = (RebalanceEvent, RebalanceData, TargetLine, CashLine, EventLimits)
_KNOWN = sorted({name for model in _MODELS for name in model.model_fields})


def parse_event(body: str | bytes) -> RebalanceEvent:
    """The event in a body.

    Raises:
        EventMalformed: with every mistake: the field, its value, the rule.
    """
    raw = strict_json.read_json(body)
    problems = list(strict_json.find_problems(raw))
    event = None
    try:
        event = RebalanceEvent.model_validate(raw)
    except ValidationError as error:
        problems += read_problems(error, _KNOWN)
    problems = first_per_path([*problems, *event_rules.find_problems(raw)])
    if event is None or problems:
        raise EventMalformed(tell(problems))
    return event


def peek_identity(body: str | bytes) -> tuple[str, str] | None:
    """Source and id of a body that may be malformed otherwise; None when they cannot be read."""
    try:
        raw = strict_json.read_json(body)
        who = _Identity.model_validate(raw)
    except (EventMalformed, ValidationError):
        return None
    return who.source, who.id


class _Identity(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    source: Name
    id: Name


def event_json(event: RebalanceEvent) -> str:
    """The event's canonical JSON, with what its producer said and without the defaults."""
    return strict_json.write_json(event.model_dump(exclude_unset=True))


def body_digest(event: RebalanceEvent) -> str:
    """Digest of what is asked for: spelling makes no difference, nor does when the envelope was written."""
    content = event.model_dump(exclude_unset=True, exclude={"time"})
    return hashlib.sha256(strict_json.write_json(content).encode()).hexdigest()


def new_event(*, event_id: str, source: str, time: datetime, data: Mapping[str, Any]) -> RebalanceEvent:
    """An event of our own making, through the same door as everybody's. `data` may hold Decimals and times.

    Raises:
        EventMalformed: as `parse_event`.
    """
    envelope = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": EVENT_TYPE,
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    }
    if data.get("account"):
        envelope["subject"] = data["account"]
    return parse_event(strict_json.write_json(envelope))
