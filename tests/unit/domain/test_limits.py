from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from event_processor.domain.limits import breaches
from event_processor.domain.policy import Limits
from tests.support.builders import plan, snapshot, weights

SEEN = snapshot(cash="40000", holdings={"TLT": "600"}, prices={"SPY": "500", "TLT": "100"})
"""100,000 USD: 60 % TLT, the rest cash."""
MADE = plan(weights(SPY="0.8", TLT="0.2"), SEEN)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(), None),
        (Limits(orders_max=2, order_value_max=Decimal(90_000), turnover_max=Decimal("1.3")), None),
        (Limits(order_value_max=Decimal(80_000), turnover_max=Decimal("1.201")), None),
        (Limits(position_weight_max=Decimal("0.8")), None),
        (Limits(orders_max=1), "the plan has 2 orders: at most 1 are allowed"),
        (Limits(order_value_max=Decimal(50_000)), "BUY 160 SPY is worth 80,000.00 USD: at most 50,000.00 USD"),
        (Limits(turnover_max=Decimal("0.5")), "the plan trades 120,100.00 USD, 120.10% of the net liquidation value"),
        (Limits(position_weight_max=Decimal("0.5")), "SPY would weigh 80.00%: at most 50.00% are allowed"),
    ],
)
def test_each_limit_speaks_with_figures(limits: Limits, words: str | None) -> None:
    """A breached limit gives one sentence with both figures; a kept one gives none."""
    found = breaches(MADE, limits)
    assert len(found) == (words is not None)
    assert words is None or found[0].startswith(words)


def test_a_sale_out_of_a_large_position_breaks_no_weight_limit() -> None:
    """Only buys can lead to too large a position."""
    smaller = plan(weights(SPY="0.5", TLT="0.5"), SEEN)
    assert breaches(smaller, Limits(position_weight_max=Decimal("0.49"))) == (
        "SPY would weigh 50.00%: at most 49.00% are allowed",
    )


def test_all_breaches_are_told() -> None:
    """Several limits at once give several sentences."""
    limits = Limits(order_value_max=Decimal(1), orders_max=1, turnover_max=Decimal("0.1"))
    assert len(breaches(MADE, limits)) == 4


def test_an_order_abroad_is_judged_in_base_money() -> None:
    """A share's value is in base currency already: 160 shares worth 500 USD each are 80,000 USD at any rate."""
    abroad = replace(MADE, legs=tuple(replace(leg, rate=Decimal("1.25")) for leg in MADE.legs))
    assert breaches(abroad, Limits(order_value_max=Decimal(70_000))) == (
        "BUY 160 SPY is worth 80,000.00 USD: at most 70,000.00 USD per order are allowed",
    )


def test_a_weight_is_judged_by_the_whole_shares_that_lead_to_it() -> None:
    """A line that is rounded up weighs more than its target, and that is what the limit is about."""
    [most, *others] = MADE.lines
    above = replace(most, weight_after=most.weight_target + Decimal("0.001"))
    assert breaches(replace(MADE, lines=(above, *others)), Limits(position_weight_max=most.weight_target)) == (
        "SPY would weigh 80.10%: at most 80.00% are allowed",
    )


def test_turnover_is_a_share_of_all_the_account_is_worth() -> None:
    """What is kept counts, too: 30,000 USD traded are 30 % of the account, whatever part of it is rebalanced."""
    kept = snapshot(cash="30000", holdings={"TLT": "700"}, prices={"SPY": "500", "TLT": "100"})
    made = plan(weights(SPY="1"), kept)
    assert made.basis == 30_000
    assert breaches(made, Limits(turnover_max=Decimal("0.3"))) == ()
