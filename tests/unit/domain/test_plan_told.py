"""What a plan says of itself: its figures, its notes and its id."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import ConId
from event_processor.domain.plan import Plan
from event_processor.domain.planning import LEGS_MAX
from event_processor.domain.policy import OrderStyle, TradingPolicy
from event_processor.domain.portfolio import Position
from event_processor.domain.targets import Completeness, Measure, Target, TargetPortfolio
from tests.support.builders import AT, orders, plan, quote, snapshot, target, weights

PRICES = {"SPY": "500", "TLT": "100", "GLD": "200"}
TENTH = TradingPolicy(cash_reserve=Decimal("0.1"))


def _commissions(made: Plan) -> Decimal:
    return sum((leg.commission for leg in made.legs), Decimal(0))


def test_the_reserve_and_the_ideals_are_shares_of_what_the_costs_leave() -> None:
    """A reserve of more than that would trim a buy that was sized to the last share; an ideal of more is none."""
    made = plan(weights(SPY="0.5", TLT="0.5"), snapshot(cash="100000", prices=PRICES), TENTH)
    net = made.basis - _commissions(made)
    assert _commissions(made) > 0
    assert made.reserve == net / 10
    assert [line.ideal for line in made.lines] == [net * line.weight_target / line.price for line in made.lines]


def test_weights_are_told_as_they_were_scaled() -> None:
    """Beside a reserve of a tenth a half is 45 %: what is told as wanted can be reached."""
    made = plan(weights(SPY="0.5", TLT="0.5"), snapshot(cash="100000", prices=PRICES), TENTH)
    assert [line.weight_target for line in made.lines] == [Decimal("0.45")] * 2


@pytest.mark.parametrize("excess", ["0.50005", "0.5001"])
def test_weights_that_are_a_rounding_above_one_are_scaled_without_a_word(excess: str) -> None:
    """They ask for no more cash than there is, so nothing is short of it and nobody has to read of it."""
    made = plan(weights(SPY=excess, TLT="0.5"), snapshot(cash="10000000", prices=PRICES))
    assert sum(line.weight_target for line in made.lines) <= 1
    assert (made.adjusted, made.notes) == (False, ())


def test_weights_that_are_more_than_a_rounding_above_one_are_told_as_scaled() -> None:
    """From there on somebody meant it."""
    made = plan(weights(SPY="0.50011", TLT="0.5"), snapshot(cash="100000", prices=PRICES))
    assert len(made.notes) == 1


def test_a_commission_is_that_of_the_whole_order() -> None:
    """Half a cent for each share: what it is estimated by is the order's value, not a share's."""
    portfolio = TargetPortfolio((target("TLT", "800", Measure.QUANTITY),), completeness=Completeness.PARTIAL)
    [leg] = plan(portfolio, snapshot(cash="100000", prices=PRICES)).legs
    assert [leg.quantity, leg.commission] == [800, 4]


def test_an_amount_of_money_is_rounded_like_a_weight() -> None:
    """370 are 3.7 shares of 100: the fourth is nearer than the third, and the ideal says so."""
    portfolio = TargetPortfolio((target("TLT", "370", Measure.VALUE),), completeness=Completeness.PARTIAL)
    made = plan(portfolio, snapshot(cash="100000", prices=PRICES))
    assert orders(made) == [("BUY", "TLT", 4)]
    assert made.lines[0].ideal == Decimal("3.7")


def test_an_order_left_out_for_being_small_is_no_lack_of_cash() -> None:
    """Only what the cash does not pay for makes the end an adjusted one."""
    portfolio = TargetPortfolio((target("SPY", "1", Measure.QUANTITY),), completeness=Completeness.PARTIAL)
    made = plan(portfolio, snapshot(cash="900", prices=PRICES), TradingPolicy(trade_value_min=Decimal(1000)))
    assert made.legs == ()
    assert "are left out: SPY" in made.notes[0]
    assert not made.adjusted


def test_an_event_can_have_as_many_orders_as_a_reference_can_number() -> None:
    """999 are not one too many."""
    contracts = {ContractQuery(symbol=f"S{i}"): Contract(ConId(i + 1), f"S{i}") for i in range(LEGS_MAX)}
    targets = tuple(Target(query, Measure.QUANTITY, Decimal(5)) for query in contracts)
    seen = snapshot(cash="9000000", quotes=[quote(i + 1, "100") for i in range(LEGS_MAX)])
    assert [leg.number for leg in plan(TargetPortfolio(targets), seen, contracts=contracts).legs] == [
        *range(1, LEGS_MAX + 1)
    ]


def test_plans_of_two_moments_or_with_two_limits_have_two_ids() -> None:
    """A plan made anew is told anew, even if only its age or the price it sells at is another."""
    seen = snapshot(cash="0", holdings={"GLD": "100"}, prices=PRICES)
    away = TargetPortfolio((target("GLD", "0"),), completeness=Completeness.PARTIAL)
    policies = [
        TradingPolicy(order_style=OrderStyle.MARKETABLE_LIMIT, limit_offset_bps=Decimal(bps)) for bps in (10, 50)
    ]
    made = [plan(away, seen, policy) for policy in policies]
    later = plan(away, replace(seen, at=AT + timedelta(seconds=1)), policies[0])
    assert [orders(one) for one in made] == [[("SELL", "GLD", 100)]] * 2
    assert len({one.plan_id for one in (*made, later)}) == 3


def test_a_short_holding_that_is_kept_counts_as_the_debt_it_is() -> None:
    """What is owed in it is kept aside, or the rest would be bought with money that has to buy it back."""
    made = plan(weights(SPY="1"), snapshot(cash="30000", holdings={"TLT": "-100"}, prices=PRICES))
    assert [made.net_liquidation, made.kept, made.basis] == [20_000, -10_000, 30_000]


def test_a_note_names_ten_and_counts_the_rest() -> None:
    """Holdings that are neither stocks nor ETFs and are still held; one that went is none."""
    options = [Position(Contract(ConId(i), f"O{i:02}", sec_type="OPT"), Decimal(i > 0)) for i in range(13)]
    made = plan(weights(SPY="1"), snapshot(cash="30000", positions=options, prices=PRICES))
    [note] = [note for note in made.notes if "left alone" in note]
    assert note.endswith("left alone: O01, O02, O03, O04, O05, O06, O07, O08, O09, O10 and 2 more")
