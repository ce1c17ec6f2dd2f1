"""Values as versioned JSON text and back, strict in both directions.

Decimals are text (never floats), times RFC 3339 in UTC, enumerations their values, order references as the
broker sees them, an event the text of its own canonical JSON. A field that the text lacks takes its default,
so that what an older version wrote can be read; a field or version nobody here knows was written by a newer
one, and guessing what it meant could place an order twice: that is refused.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache, lru_cache, singledispatch
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from event_processor.domain.event import RebalanceEvent, event_json
from event_processor.domain.ids import OrderRef
from event_processor.errors import InvariantViolated

T = TypeVar("T")
Json = Any
Reader = Callable[[Json, str], Any]

VERSION = 1


def dump(value: object) -> str:
    """The text of a value: ASCII, compact, with its version.

    Raises:
        InvariantViolated: something in it has no exact text (a naive time, NaN, an unknown type).
    """
    return text_of({"v": VERSION, **to_json(value)})


def load(kind: type[T], text: str) -> T:
    """The value of this kind that `dump` wrote.

    Raises:
        InvariantViolated: the text is damaged or was written by a newer version.
    """
    any_kind: Any = kind
    found: T = reader(any_kind)(unversioned(text, kind.__name__), kind.__name__)
    return found


def text_of(data: Json) -> str:
    """Compact ASCII JSON of what `to_json` gave."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def unversioned(text: str, what: str) -> dict[str, Json]:
    """The object in the text, without the version it was checked for."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InvariantViolated(f"the stored {what} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise InvariantViolated(f"the stored {what} is not an object")
    version = data.pop("v", None)
    if version != VERSION:
        raise _newer(what, f"version {version}, this processor reads {VERSION}")
    return data


def to_json(value: object) -> Json:
    """Plain JSON data for a value; applied to plain data it changes nothing.

    Raises:
        InvariantViolated: something in it has no exact text.
    """
    kind: Any = type(value)
    return _writer(kind)(value)


@cache
def _writer(kind: type) -> Callable[[Any], Json]:
    """What turns values of this very type into JSON data; a record has thousands of them."""
    if kind in {str, int, bool, type(None)}:
        return lambda value: value
    special = _special.dispatch(kind)
    if special is not _special.dispatch(object) or not is_dataclass(kind):
        return special
    names = tuple(part.name for part in fields(kind))
    return lambda value: {name: to_json(getattr(value, name)) for name in names}


@singledispatch
def _special(value: object) -> Json:
    raise _inexact(value)


@_special.register(int)
def _(value: object) -> Json:
    return value


@_special.register(str)  # and every StrEnum, which comes out as its value
@_special.register(OrderRef)
def _(value: object) -> Json:
    return str(value)


@_special.register
def _(value: Decimal) -> Json:
    if not value.is_finite():
        raise _inexact(value)
    return str(value)


@_special.register
def _(value: float) -> Json:
    if not math.isfinite(value):
        raise _inexact(value)
    return value


@_special.register
def _(value: datetime) -> Json:
    if value.tzinfo is None:
        raise _inexact(value)
    return _rfc3339(value.astimezone(UTC))


@lru_cache(maxsize=1024)
def _rfc3339(at: datetime) -> str:
    """The text of a time in UTC. Cached: the hours of hundreds of contracts are a few dozen times."""
    return at.isoformat().replace("+00:00", "Z")


@_special.register
def _(value: RebalanceEvent) -> Json:
    return event_json(value)


@_special.register(Mapping)
def _(value: Mapping[object, object]) -> Json:
    if wrong := [name for name in value if not isinstance(name, str)]:
        raise _inexact(wrong[0])
    return {str(name): to_json(part) for name, part in value.items()}


@_special.register(tuple)
@_special.register(list)
def _(value: Sequence[object]) -> Json:
    return [to_json(part) for part in value]


def _inexact(value: object) -> InvariantViolated:
    return InvariantViolated(f"{value!r} ({type(value).__name__}) has no exact text and cannot be stored")


@cache
def reader(kind: Any) -> Reader:  # noqa: ANN401
    """What turns JSON data into a value of this type, checking it; the path names the place in errors."""
    origin = get_origin(kind)
    if isinstance(kind, NewType):
        return reader(kind.__supertype__)
    if origin in {Union, types.UnionType}:
        [inner] = (part for part in get_args(kind) if part is not types.NoneType)
        read = reader(inner)
        return lambda data, path: None if data is None else read(data, path)
    if origin is tuple:
        return _tuple_of(reader(get_args(kind)[0]))
    if origin is Mapping:
        return _exact(dict)
    if kind in _SPECIAL:
        return _SPECIAL[kind]
    if issubclass(kind, Enum):
        return _member_of(kind)
    if is_dataclass(kind):
        return _dataclass(kind)
    return _exact(kind)


def _exact(kind: type) -> Reader:
    def read(data: Json, path: str) -> Any:  # noqa: ANN401
        if type(data) is not kind and not (kind is float and type(data) is int):
            raise InvariantViolated(f"stored {path} is {data!r}, not {kind.__name__}")
        return data

    return read


def _tuple_of(read: Reader) -> Reader:
    whole = _exact(list)
    return lambda data, path: tuple(read(part, f"{path}[{n}]") for n, part in enumerate(whole(data, path)))


def _member_of(kind: type[Enum]) -> Reader:
    def read(data: Json, path: str) -> Enum:
        try:
            return kind(data)
        except ValueError as error:
            raise _newer(path, f"{data!r}") from error

    return read


def _dataclass(kind: Any) -> Reader:  # noqa: ANN401
    hints = get_type_hints(kind)
    readers = {part.name: reader(hints[part.name]) for part in fields(kind)}
    needed = {p.name for p in fields(kind) if p.default is MISSING and p.default_factory is MISSING}

    def read(data: Json, path: str) -> Any:  # noqa: ANN401
        if not isinstance(data, dict):
            raise InvariantViolated(f"stored {path} is {data!r}, not an object")
        if unknown := data.keys() - readers.keys():
            raise _newer(path, f"field {', '.join(sorted(unknown))}")
        if missing := needed - data.keys():
            raise InvariantViolated(f"stored {path} lacks {', '.join(sorted(missing))}")
        return kind(**{name: readers[name](part, f"{path}.{name}") for name, part in data.items()})

    return read


def _decimal(data: Json, path: str) -> Decimal:
    try:
        found = Decimal(_exact(str)(data, path))
    except InvalidOperation as error:
        raise InvariantViolated(f"stored {path} is {data!r}, not a number") from error
    if not found.is_finite():
        raise InvariantViolated(f"stored {path} is {data!r}, not a finite number")
    return found


def _datetime(data: Json, path: str) -> datetime:
    try:
        found = datetime.fromisoformat(_exact(str)(data, path))
    except ValueError as error:
        raise InvariantViolated(f"stored {path} is {data!r}, not a time") from error
    if found.tzinfo is None:
        raise InvariantViolated(f"stored {path} is {data!r}, a time without its zone")
    return found.astimezone(UTC)


def _order_ref(data: Json, path: str) -> OrderRef:
    found = OrderRef.parse(_exact(str)(data, path))
    if found is None:
        raise InvariantViolated(f"stored {path} is {data!r}, not an orderRef of ours")
    return found


def _event(data: Json, path: str) -> RebalanceEvent:
    """Our own text of an event that was checked when it came in: its length and sums are not judged again
    (in canonical form a body may be longer than a producer's may be).
    """
    try:
        return RebalanceEvent.model_validate(json.loads(_exact(str)(data, path), parse_float=Decimal))
    except ValidationError as error:
        raise _newer(path, f"another form ({error})") from error
    except ValueError as error:
        raise InvariantViolated(f"stored {path} is not JSON: {error}") from error


def _newer(what: str, found: str) -> InvariantViolated:
    return InvariantViolated(
        f"stored {what} has {found}: it was written by a newer version of the processor; run that version"
    )


_SPECIAL: dict[Any, Reader] = {
    Decimal: _decimal,
    datetime: _datetime,
    OrderRef: _order_ref,
    RebalanceEvent: _event,
}
