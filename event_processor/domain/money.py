"""Decimal money, prices and quantities. All rounding lives here."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)
HALF = Decimal("0.5")
BASIS_POINT = Decimal("0.0001")

# IBKR Pro, fixed pricing, stocks and ETFs in the United States: 0.005 a share, at least 1.00 an order, at most
# 1 % of its value (interactivebrokers.com, "Commissions: Stocks, ETFs, Warrants"). Taken in base money for
# every market: it only has to be an estimate, the true commission comes with each fill.
COMMISSION_PER_SHARE = Decimal("0.005")
COMMISSION_MIN = Decimal(1)
COMMISSION_RATE_MAX = Decimal("0.01")

_CENT = Decimal("0.01")
_WHOLE = Decimal(1)


def to_decimal(value: Decimal | float | str) -> Decimal:
    """The number as people write it: a float becomes its shortest decimal text, never its binary expansion.

    Raises:
        ValueError: not a finite number.
    """
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except ArithmeticError:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


def whole_floor(quantity: Decimal) -> Decimal:
    """The largest whole number that is not above `quantity`."""
    return quantity.to_integral_value(ROUND_FLOOR)


def floor_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The highest price on the step that is not above `price`."""
    return (price / tick).to_integral_value(ROUND_FLOOR) * tick


def ceil_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The lowest price on the step that is not below `price`."""
    return (price / tick).to_integral_value(ROUND_CEILING) * tick


def buy_limit(price: Decimal, offset_bps: Decimal, tick: Decimal) -> Decimal:
    """A marketable buy limit: `offset_bps` past `price`, on the step, and never so low that it would rest."""
    reach = floor_to_tick(price * (ONE + offset_bps * BASIS_POINT), tick)
    return max(reach, ceil_to_tick(price, tick))


def sell_limit(price: Decimal, offset_bps: Decimal, tick: Decimal) -> Decimal:
    """A marketable sell limit: `offset_bps` past `price`, on the step, above zero, never so high that it rests."""
    reach = ceil_to_tick(price * (ONE - offset_bps * BASIS_POINT), tick)
    return max(min(reach, floor_to_tick(price, tick)), tick)


def commission_estimate(quantity: Decimal, value: Decimal) -> Decimal:
    """What an order of `quantity` shares worth `value` base money will about cost, in base money."""
    return min(max(quantity * COMMISSION_PER_SHARE, COMMISSION_MIN), value * COMMISSION_RATE_MAX)


def show_money(amount: Decimal) -> str:
    """Money for people: two decimals, thousands apart."""
    return f"{amount.quantize(_CENT, ROUND_HALF_EVEN):,}"


def show_quantity(quantity: Decimal) -> str:
    """Shares for people: no trailing zeros, no exponent."""
    return f"{plain(quantity):f}"


def show_share(share: Decimal) -> str:
    """A share of value for people, in percent with two decimals."""
    return f"{(share * 100).quantize(_CENT, ROUND_HALF_EVEN)}%"


def plain(number: Decimal) -> Decimal:
    """The same number without trailing zeros, and without an exponent when it is whole."""
    short = number.normalize()
    return short.quantize(_WHOLE) if short == short.to_integral_value() else short
