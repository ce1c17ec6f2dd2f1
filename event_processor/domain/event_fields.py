"""The kinds of values in a rebalance event: strict, bounded, each with its JSON Schema."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)


def number(value: Any) -> Decimal:
    """A JSON number, exact. Text and true/false are not numbers here."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PydanticCustomError("number", "must be a number, not text, true/false, a list or an object")
    return Decimal(value)


def moment(value: Any) -> datetime:
    """A time with its offset, as aware UTC."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise PydanticCustomError("moment", "must be an RFC 3339 time with offset, like 2026-01-05T14:30:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError(
            "moment", "must be a time that exists: {why}", {"why": str(error)}
        ) from error


def _printable(value: Any) -> Any:
    if isinstance(value, str) and (not value.isprintable() or value != value.strip()):
        raise PydanticCustomError("printable", "must be printable text without blanks at its ends")
    return value


Weight = Annotated[
    Decimal,
    BeforeValidator(number),
    Field(ge=0, le=1),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]
"""A share of value, 0 to 1."""
Amount = Annotated[
    Decimal,
    BeforeValidator(number),
    Field(ge=0, le=10**15),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 10**15}),
]
"""Shares or money, not negative."""
Positive = Annotated[
    Decimal,
    BeforeValidator(number),
    Field(gt=0, le=10**15),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 10**15}),
]
"""A limit: more than nothing."""
Moment = Annotated[
    datetime, BeforeValidator(moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""An RFC 3339 time with offset, kept as UTC."""
Name = Annotated[str, BeforeValidator(_printable), Field(min_length=1, max_length=256)]
"""Printable text of at most 256 characters."""
Symbol = Annotated[str, BeforeValidator(_printable), Field(min_length=1, max_length=32)]
"""A symbol as IBKR writes it: `SPY`, `BRK B`."""
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Venue = Annotated[str, Field(pattern=r"^[A-Z0-9._-]{1,20}$")]
