from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from event_processor.domain.plan_sizing import Line, size_lines
from event_processor.domain.policy import TradingPolicy
from event_processor.domain.targets import Completeness, Measure, TargetPortfolio
from tests.support.builders import orders, plan, snapshot, target, weights

PRICES = {"SPY": "500", "TLT": "100", "GLD": "200"}
ZERO, HUNDRED = Decimal(0), Decimal(100)


def line(fixed: str, *, held: str = "0", trade_min: str = "0") -> Line:
    """A line of so many shares at 100 each."""
    whole = max(Decimal(held), ZERO)
    return Line(Decimal(held), HUNDRED, HUNDRED, HUNDRED, Decimal(fixed), ZERO, whole, Decimal(trade_min))


def sized(*lines: Line, cash: str, reserve: str = "0") -> list[Decimal]:
    return list(size_lines(lines, Decimal(100_000), Decimal(cash), Decimal(reserve)).changes)


def test_a_buy_beyond_the_cash_by_a_cent_is_a_share_less() -> None:
    """Ten shares and their commission cost 1,001.00: whoever has that buys ten, whoever has 1,000.99 buys nine."""
    assert sized(line("10"), cash="1001") == [10]
    assert sized(line("10"), cash="1000.99") == [9]


def test_a_half_is_rounded_down() -> None:
    """Of ten and a half shares ten are bought, of a trace more eleven."""
    assert sized(line("10.5"), cash="5000") == [10]
    assert sized(line("10.51"), cash="5000") == [11]


def test_the_smallest_order_allowed_is_not_too_small() -> None:
    """An order worth just the least is sent, one share less is left out."""
    assert sized(line("10", trade_min="1000"), cash="5000") == [10]
    assert sized(line("9", trade_min="1000"), cash="5000") == [0]


def test_a_debt_that_no_sale_pays_sells_nothing_that_is_to_be_bought() -> None:
    """An account deep in debt buys nothing: it does not sell, or sell short, what the targets want more of."""
    assert sized(line("50", held="20"), line("10"), cash="-50000") == [0, 0]
    seen = snapshot(cash="-50000", holdings={"GLD": "1000", "SPY": "5"}, prices=PRICES)
    wanted = replace(weights(SPY="0.1"), completeness=Completeness.PARTIAL)
    made = plan(wanted, seen)
    assert (orders(made), made.adjusted) == ([], True)


def test_the_plans_reserve_is_its_share_of_what_is_left_after_costs() -> None:
    """What must remain in cash is told with the plan, since the buys are held to it: a tenth of 100,000 less the two
    commissions, however little of that was cash."""
    seen = snapshot(cash="60000", holdings={"TLT": "400"}, prices=PRICES)
    made = plan(weights(SPY="0.5", TLT="0.5"), seen, TradingPolicy(cash_reserve=Decimal("0.1")))
    costs = sum(leg.commission for leg in made.legs)
    assert made.reserve == (100_000 - costs) / 10


def test_each_order_carries_the_commission_of_the_whole_of_it() -> None:
    """Half a cent a share, one at least, and never more than a hundredth of what the order is worth."""
    portfolio = TargetPortfolio(
        (target("SPY", "400", Measure.QUANTITY), target("TLT", "50", Measure.QUANTITY)),
        completeness=Completeness.PARTIAL,
    )
    made = plan(portfolio, snapshot(cash="300000", prices={"SPY": "500", "TLT": "20"}))
    assert [leg.quantity for leg in made.legs] == [400, 50]
    assert [leg.commission for leg in made.legs] == [2, 1]
