from __future__ import annotations

from decimal import Decimal

import pytest

from event_processor.domain import money

CENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("value", "expected"), [(0.1, "0.1"), ("1e3", "1000"), (7, "7"), (Decimal("2.50"), "2.50"), (1e-7, "1E-7")]
)
def test_numbers_keep_the_value_people_see(value: float | str, expected: str) -> None:
    """A float becomes the decimal it prints as."""
    assert money.to_decimal(value) == Decimal(expected)


@pytest.mark.parametrize("value", ["", "abc", "nan", float("inf"), Decimal("-Infinity")])
def test_what_is_no_finite_number_is_an_error(value: float | str) -> None:
    """NaN and infinity never become money."""
    with pytest.raises(ValueError, match="is not a"):
        money.to_decimal(value)


@pytest.mark.parametrize(
    ("price", "bps", "tick", "buy", "sell"),
    [
        ("100", "25", "0.01", "100.25", "99.75"),
        ("100.03", "25", "0.05", "100.25", "99.80"),
        ("10", "1", "0.05", "10", "10"),
        ("10.02", "0", "0.05", "10.05", "10.00"),
        ("0.01", "1000", "0.01", "0.01", "0.01"),
        ("0.004", "25", "0.01", "0.01", "0.01"),
    ],
)
def test_limits_are_marketable_on_the_step_and_above_zero(price: str, bps: str, tick: str, buy: str, sell: str) -> None:
    """Rounding stays within the offset unless the limit would then rest in the book, and never reaches zero."""
    arguments = Decimal(price), Decimal(bps), Decimal(tick)
    assert money.buy_limit(*arguments) == Decimal(buy)
    assert money.sell_limit(*arguments) == Decimal(sell)


@pytest.mark.parametrize(
    ("quantity", "value", "commission"),
    [("100", "10000", "1.00"), ("1000", "10000", "5.00"), ("1", "50", "0.50"), ("100000", "10000", "100")],
)
def test_commission_has_a_floor_and_a_ceiling(quantity: str, value: str, commission: str) -> None:
    """Half a cent a share, at least one, at most one percent of the value."""
    assert money.commission_estimate(Decimal(quantity), Decimal(value)) == Decimal(commission)


def test_numbers_for_people() -> None:
    """Money has two decimals, quantities no trailing zeros, shares are percent."""
    assert money.show_money(Decimal("1234567.891")) == "1,234,567.89"
    assert [money.show_quantity(Decimal(text)) for text in ("1E+3", "10.500", "0")] == ["1000", "10.5", "0"]
    assert money.show_share(Decimal("0.12345")) == "12.34%"


def test_steps_round_outward_and_inward() -> None:
    """Both land on the step and leave prices on it alone."""
    assert money.floor_to_tick(Decimal("1.239"), CENT) == Decimal("1.23")
    assert money.ceil_to_tick(Decimal("1.231"), CENT) == Decimal("1.24")
    assert money.floor_to_tick(Decimal("1.23"), CENT) == money.ceil_to_tick(Decimal("1.23"), CENT) == Decimal("1.23")
