"""The kinds of values in a rebalance event: strict, bounded, each with its JSON Schema."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)


def number(value: object) -> Decimal:
    """A JSON number, exact. Text and true/false are not numbers here."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number, not text, true/false, a list or an object")  # noqa: TRY004 - pydantic's
    return Decimal(value)


def moment(value: object) -> datetime:
    """A time with its offset, as aware UTC."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 time with offset, like 2026-01-05T14:30:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"must be a time that exists: {error}") from error


def _printable(value: object) -> object:
    if isinstance(value, str) and (not value.isprintable() or value != value.strip()):
        raise ValueError("must be printable text without blanks at its ends")
    return value


Weight = Annotated[
    Decimal,
    Field(ge=0, le=1),
    BeforeValidator(number),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]
"""A share of value, 0 to 1."""
Amount = Annotated[
    Decimal,
    Field(ge=0, le=10**15),
    BeforeValidator(number),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 10**15}),
]
"""Shares or money, not negative."""
Positive = Annotated[
    Decimal,
    Field(gt=0, le=10**15),
    BeforeValidator(number),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 10**15}),
]
"""A limit: more than nothing."""
Moment = Annotated[datetime, BeforeValidator(moment), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An RFC 3339 time with offset, kept as UTC."""
Name = Annotated[str, Field(min_length=1, max_length=256), BeforeValidator(_printable)]
"""Printable text of at most 256 characters."""
Symbol = Annotated[str, Field(min_length=1, max_length=32), BeforeValidator(_printable)]
"""A symbol as IBKR writes it: `SPY`, `BRK B`."""
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Venue = Annotated[str, Field(pattern=r"^[A-Z0-9._-]{1,20}$")]
