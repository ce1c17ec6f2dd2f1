"""What the processor publishes about events: one CloudEvent for each thing worth knowing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from event_processor.domain.event_fields import Moment, Name
from event_processor.domain.record import Outcome
from event_processor.domain.strict_json import write_moment

OUTCOME_SOURCE = "rebalancer"

Figure = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$")]
"""A decimal number as text, so that no reader rounds it."""


class LineWeights(BaseModel):
    """One contract of a final outcome: shares of the plan's basis at the plan's prices, and shares held."""

    model_config = ConfigDict(extra="allow", frozen=True)

    before: Figure
    target: Figure
    after: Figure
    quantity: Figure


class OutcomeData(BaseModel):
    """What every outcome says, and what the later ones add. Readers must expect further fields."""

    model_config = ConfigDict(extra="allow", frozen=True)

    event_id: Name
    event_source: Name
    outcome: Outcome = Field(description="The kind, as in the envelope's type.")
    account: Name = Field(description="The account number.")
    plan_id: str | None = Field(None, description="Same plan, same id.")
    weights: dict[str, LineWeights] | None = Field(None, description="By symbol; final outcomes with a plan.")
    residual_drift: Figure | None = Field(None, description="Share of the basis still to be moved.")
    commission: Figure | None = Field(None, description="Paid so far, in base currency.")
    reason_code: str | None = Field(None, description="For machines, e.g. limit_breached.")
    reason: str | None = Field(None, description="A sentence for people.")


class OutcomeEvent(BaseModel):
    """Something that became of a rebalance event. The same id is the same outcome, told again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    specversion: Literal["1.0"]
    id: Name
    source: Literal["rebalancer"]
    type: Annotated[str, Field(pattern=rf"^rebalance\.({'|'.join(Outcome)})\.v1$")]
    subject: Name = Field(description="The account number.")
    time: Moment
    datacontenttype: Literal["application/json"]
    data: OutcomeData


def outcome_envelope(
    *,
    key: str,
    event_id: str,
    event_source: str,
    account: str,
    kind: str,
    mark: str,
    at: datetime,
    data: Mapping[str, Any],
) -> dict[str, Any]:
    """One outcome as a CloudEvent, ready for JSON if `data` is.

    Its id follows from `key`, `kind` and `mark` alone, so that telling it again is recognised as a repeat.
    """
    return {
        "specversion": "1.0",
        "id": ".".join(part for part in (key, kind, mark) if part),
        "source": OUTCOME_SOURCE,
        "type": f"rebalance.{kind}.v1",
        "subject": account,
        "time": write_moment(at),
        "datacontenttype": "application/json",
        "data": {
            **data,
            "event_id": event_id,
            "event_source": event_source,
            "outcome": str(kind),
            "account": account,
        },
    }
