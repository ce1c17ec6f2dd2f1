"""One message as text fields: a reader that checks what it takes, and the few ways values are written."""

from __future__ import annotations

import re
from decimal import Decimal

from gateway_simulator.model import Contract

UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"
_UNSET = {
    "",
    UNSET_INTEGER,
    UNSET_DOUBLE,
    "1.7976931348623157e+308",  # how Python prints it: both clients send some fields unguarded
    str(2**127 - 1),  # ibapi's unset Decimal
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_SHOWN = 60


class FieldError(Exception):
    """A field is missing or is not of the kind its place demands."""


def is_unset(text: str) -> bool:
    """Whether a client means "no value": empty, or one of the greatest numbers IBKR uses for it."""
    return text in _UNSET


class FieldReader:
    """Takes the fields of one message from left to right; every method raises FieldError."""

    def __init__(self, fields: list[str]) -> None:
        self._fields = fields
        self._next = 0

    def text(self) -> str:
        """The next field as it stands."""
        if self._next == len(self._fields):
            raise FieldError(f"only {len(self._fields)} fields")
        self._next += 1
        return self._fields[self._next - 1]

    def texts(self, count: int) -> tuple[str, ...]:
        """The next `count` fields."""
        return tuple(self.text() for _ in range(count))

    def integer(self) -> int:
        """A whole number; empty means 0."""
        text = self.text()
        if not text:
            return 0
        if _INTEGER.fullmatch(text) is None:
            raise self._refused(text, "a whole number")
        return int(text)

    def boolean(self) -> bool:
        """0 or 1 (any other whole number counts as true, as for IBKR); empty means false."""
        return self.integer() != 0

    def number(self) -> Decimal | None:
        """A finite number, whole ones without decimals (one client writes 10, the other 10.0); None when unset."""
        text = self.text()
        if is_unset(text):
            return None
        if _NUMBER.fullmatch(text) is None:
            raise self._refused(text, "a number")
        number = Decimal(text)
        whole = number.to_integral_value()
        return whole if whole == number else number

    def count(self) -> int:
        """How many groups follow; never more than the fields that are left."""
        count = self.integer()
        left = len(self._fields) - self._next
        if not 0 <= count <= left:
            raise self._refused(str(count), f"a count of at most {left}")
        return count

    def groups(self, size: int) -> tuple[tuple[str, ...], ...]:
        """A count and that many groups of `size` fields."""
        return tuple(self.texts(size) for _ in range(self.count()))

    def contract(self) -> Contract:
        """The twelve contract fields that every request with a contract sends in this order."""
        return Contract(
            con_id=self.integer(),
            symbol=self.text(),
            sec_type=self.text(),
            last_trade_date=self.text(),
            strike=float(self.number() or 0),
            right=self.text(),
            multiplier=self.text(),
            exchange=self.text(),
            primary_exchange=self.text(),
            currency=self.text(),
            local_symbol=self.text(),
            trading_class=self.text(),
        )

    def rest(self) -> tuple[str, ...]:
        """Everything not taken yet."""
        return self.texts(len(self._fields) - self._next)

    @staticmethod
    def _refused(text: str, wanted: str) -> FieldError:
        return FieldError(f"{text[:_SHOWN]!r} is not {wanted}")


Value = str | int | float | bool | Decimal | None


def message(*values: Value) -> list[str]:
    """Any mixture of values as text fields; None becomes an empty field."""
    return [_written(value) for value in values]


def double(value: Decimal | float | None) -> str:
    """A number, or IBKR's greatest double where there is none."""
    return UNSET_DOUBLE if value is None else _written(value)


def contract_fields(contract: Contract, *, right: str = "", exchange: str | None = None) -> list[str]:
    """The eleven contract fields of openOrder, execDetails and position.

    `right` stands in when the contract has none; `exchange` replaces the contract's own.
    """
    return message(
        contract.con_id,
        contract.symbol,
        contract.sec_type,
        contract.last_trade_date,
        contract.strike,
        contract.right or right,
        contract.multiplier,
        contract.exchange if exchange is None else exchange,
        contract.currency,
        contract.local_symbol,
        contract.trading_class,
    )


def _written(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
