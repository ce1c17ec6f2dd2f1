"""Reading a body without losing or forgiving anything, and writing it in one canonical way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from event_processor.domain.event_problems import Path, Problem
from event_processor.domain.money import plain
from event_processor.errors import EventMalformed

BODY_BYTES_MAX = 256 * 1024
DEPTH_MAX = 16
_DIGITS_MAX = 40
_FREE: Path = ("data", "metadata")
"""The one place where null is a value like any other."""


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys were written twice."""

    repeated: tuple[str, ...] = ()


def read_json(body: str | bytes) -> object:
    """The body as Python values; numbers with a point become exact Decimals.

    Raises:
        EventMalformed: too long, not UTF-8, not JSON.
    """
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    if len(raw) > BODY_BYTES_MAX:
        raise EventMalformed(f"the body has {len(raw):,} bytes: at most {BODY_BYTES_MAX:,} are allowed")
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_float=_fraction,
            parse_constant=Decimal,
            parse_int=_whole,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise EventMalformed(f"the body is not UTF-8 text (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise EventMalformed(
            f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from error
    except RecursionError as error:
        raise EventMalformed(f"the body is nested deeper than {DEPTH_MAX} levels") from error


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _DIGITS_MAX else Decimal(text)


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond all reason; told as any other number without bounds
        return Decimal("-Infinity" if text.startswith("-") else "Infinity")


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        times = Counter(key for key, _ in pairs)
        found.repeated = tuple(key for key in found if times[key] > 1)
    return found


def find_problems(value: object, path: Path = ()) -> Iterator[Problem]:
    """What is wrong with the values themselves, wherever they stand."""
    if len(path) > DEPTH_MAX:
        yield Problem(path[:DEPTH_MAX], f"must not be nested deeper than {DEPTH_MAX} levels")
    elif isinstance(value, _Object):
        yield from _keys(value, path)
        for key, inner in value.items():
            yield from find_problems(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from find_problems(inner, (*path, index))
    elif rule := _broken_rule(value, free=path[: len(_FREE)] == _FREE):
        yield Problem(path, rule, value)


def _keys(value: _Object, path: Path) -> Iterator[Problem]:
    for key in value.repeated:
        yield Problem((*path, key), "must be given once: the key stands there more than once")
    for key in value:
        if not _encodable(key):
            yield Problem((*path, key), "must have a name of valid Unicode text")


def _broken_rule(value: object, *, free: bool) -> str:
    """The rule a single value breaks, or "" when it breaks none."""
    if value is None and not free:
        return "must not be null: leave the field out instead"
    if isinstance(value, str) and not _encodable(value):
        return "must be valid Unicode text"
    if isinstance(value, int | Decimal) and not is_bounded(Decimal(value)):
        return f"must be a finite number of at most {_DIGITS_MAX} digits"
    return ""


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_bounded(number: Decimal) -> bool:
    """Whether a number is finite and short enough to reckon with."""
    if not number.is_finite():
        return False
    return len(number.as_tuple().digits) <= _DIGITS_MAX and abs(number.adjusted()) <= _DIGITS_MAX


def write_json(value: object) -> str:
    """The one canonical text of a value: sorted keys, no blanks, plain numbers, times in UTC."""
    match value:
        case Mapping():
            return "{" + ",".join(f"{json.dumps(k)}:{write_json(v)}" for k, v in sorted(value.items())) + "}"
        case list() | tuple():
            return "[" + ",".join(map(write_json, value)) + "]"
        case Decimal():
            return f"{plain(value):f}"
        case datetime():
            return json.dumps(write_moment(value))
        case Enum():
            return write_json(value.value)
        case _:
            return json.dumps(value)


def write_moment(at: datetime) -> str:
    """An RFC 3339 time in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
