"""Facts as plain values for JSON, and account numbers masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from event_processor.domain.facts import Fact

_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])([A-Z]{1,3})\d{1,9}(\d{3})(?![A-Za-z0-9])")
MASK = "***"


def fields_of(fact: Fact) -> dict[str, Any]:
    """The fields of a fact in the order of its class; account numbers are not masked yet."""
    return {field.name: plain(getattr(fact, field.name)) for field in fields(fact)}


def plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """The value as JSON has it: exact decimals as text, instants in ISO 8601, enumerations by value."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(inner) for inner in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def mask(value: Any, secrets: Iterable[str] = ()) -> Any:  # noqa: ANN401 - as `plain`
    """The same value with every account number as `DU***567` and every secret as `***`, at any depth."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return _ACCOUNT.sub(r"\1***\2", value)
    if isinstance(value, Mapping):
        return {mask(name, secrets): mask(inner, secrets) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask(inner, secrets) for inner in value]
    return value
