from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_processor.domain.policy import ForeignOrders, Limits, OnTimeout, OrderStyle, TradingPolicy

MONEY = st.one_of(st.none(), st.decimals(0, 1000, places=2))
LIMITS = st.builds(
    Limits,
    order_value_max=MONEY,
    orders_max=st.one_of(st.none(), st.integers(1, 99)),
    turnover_max=MONEY,
    position_weight_max=MONEY,
    quote_age_seconds_max=st.decimals(1, 100, places=1),
)


@given(LIMITS, LIMITS)
def test_tightening_takes_the_lower_of_each_limit(one: Limits, two: Limits) -> None:
    """No limit of either side is ever exceeded by what both together allow, and none appears from nowhere."""
    both = one.tightened(two)
    for field in fields(Limits):
        set_ones = [limit for limit in (getattr(one, field.name), getattr(two, field.name)) if limit is not None]
        assert getattr(both, field.name) == min(set_ones, default=None)


@given(LIMITS, LIMITS)
def test_tightening_does_not_depend_on_who_asks(one: Limits, two: Limits) -> None:
    """The account's and the event's limits weigh the same, and asking twice changes nothing."""
    assert one.tightened(two) == two.tightened(one)
    assert one.tightened(two).tightened(two) == one.tightened(two)


@pytest.mark.parametrize("widened", [Limits(), Limits(order_value_max=Decimal(10**6), orders_max=999)])
def test_an_event_cannot_widen_the_accounts_limits(widened: Limits) -> None:
    """Asking for more, or for no limit, leaves the account's limits as they are."""
    own = Limits(Decimal(500), 3, Decimal("0.2"), Decimal("0.4"), Decimal(10))
    assert own.tightened(widened) == own


def test_the_defaults_are_the_cautious_ones() -> None:
    """An account without an entry cancels what is overdue and asks a person about orders of others."""
    policy = TradingPolicy()
    assert policy.on_timeout is OnTimeout.CANCEL
    assert policy.foreign_orders is ForeignOrders.REVIEW
    assert policy.order_style is OrderStyle.MARKET
    assert policy.limits == Limits()
    assert policy.limits.quote_age_seconds_max == 30
