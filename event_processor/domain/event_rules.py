"""Rules that span several fields of a rebalance event, judged on the raw values.

They look at whatever is readable, so that their findings are told together with the mistakes in single
fields; what is not readable has been told already and is passed over here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeGuard

from event_processor.domain.event_fields import moment
from event_processor.domain.event_problems import Path, Problem
from event_processor.domain.money import ZERO, show_quantity
from event_processor.domain.strict_json import is_bounded

WEIGHT_TOLERANCE = Decimal("0.0001")
MEASURES = ("weight", "quantity", "value")
NAMES = ("symbol", "con_id")
_TARGETS: Path = ("data", "targets")


def find_problems(body: object) -> Iterator[Problem]:
    """Every broken rule in a parsed body."""
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, Mapping):
        return
    targets = data.get("targets")
    if isinstance(targets, Sequence) and not isinstance(targets, str):
        yield from _choices(targets)
        yield from _repeats(targets)
        yield from _sums(data, targets)
    yield from _untargeted(data)
    yield from _times(data)


def _choices(targets: Sequence[Any]) -> Iterator[Problem]:
    for index, target in enumerate(targets):
        if not isinstance(target, Mapping):
            continue
        for names in (NAMES, MEASURES):
            given = [name for name in names if name in target]
            if len(given) != 1:
                said = " and ".join(given) or "none"
                rule = f"must have exactly one of {', '.join(names)}, but has {said}"
                yield Problem((*_TARGETS, index), rule)


def _repeats(targets: Sequence[Any]) -> Iterator[Problem]:
    first: dict[tuple[str, str | int], int] = {}
    for index, target in enumerate(targets):
        for name in NAMES:
            value = target.get(name) if isinstance(target, Mapping) else None
            if not isinstance(value, str | int):
                continue
            same = (name, value.upper() if isinstance(value, str) else value)
            if same in first:
                rule = f"must be unique: data.targets[{first[same]}] names it too"
                yield Problem((*_TARGETS, index, name), rule, value)
            first.setdefault(same, index)


def _sums(data: Mapping[str, Any], targets: Sequence[Any]) -> Iterator[Problem]:
    weights = [target["weight"] for target in targets if isinstance(target, Mapping) and "weight" in target]
    cash = data.get("cash", {})
    reserve = cash.get("reserve", 0) if isinstance(cash, Mapping) else None
    numbers = [Decimal(share) for share in [*weights, reserve] if _is_number(share)]
    if len(numbers) <= len(weights):
        return
    full = data.get("completeness", "full") == "full"
    if not targets:
        if not (full and data.get("untargeted") == "liquidate" and reserve == 1):
            rule = "must not be empty (only completeness full, untargeted liquidate and cash.reserve 1 sell all)"
            yield Problem(_TARGETS, rule)
        return
    total = sum(numbers, ZERO)
    said = f"the weights and cash.reserve sum to {show_quantity(total)}"
    if total > 1 + WEIGHT_TOLERANCE:
        yield Problem(_TARGETS, f"must not exceed 1 in all: {said}")
    elif full and len(weights) == len(targets) and total < 1 - WEIGHT_TOLERANCE:
        rule = f"must sum to 1 within {WEIGHT_TOLERANCE} when completeness is full: {said}"
        yield Problem(_TARGETS, rule)


def _untargeted(data: Mapping[str, Any]) -> Iterator[Problem]:
    if data.get("completeness") == "partial" and data.get("untargeted") == "liquidate":
        rule = "must be keep when completeness is partial: what a partial event does not name stays"
        yield Problem(("data", "untargeted"), rule, "liquidate")


def _times(data: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        start, end = moment(data.get("not_before")), moment(data.get("expires_at"))
    except ValueError:
        return  # missing or told already
    if end <= start:
        yield Problem(("data", "expires_at"), "must be after data.not_before", data["expires_at"])


def _is_number(value: object) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and is_bounded(Decimal(value))
