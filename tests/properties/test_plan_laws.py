from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from event_processor.domain.order import Side
from event_processor.domain.plan import Plan
from event_processor.domain.targets import Mode, Untargeted
from event_processor.errors import PlanError
from tests.support.builders import cash_after, settled
from tests.support.strategies import OPTION, Case, cases

LAW = settings(max_examples=200, derandomize=True)


def made(case: Case) -> Plan:
    try:
        return case.plan()
    except PlanError as error:
        assume("nothing to rebalance" not in str(error))
        raise


@LAW
@given(cases(cash_low="-3000"))
def test_buys_never_push_the_cash_below_the_reserve(case: Case) -> None:
    """Once every order traded as estimated, the cash is at least the reserve, or nothing was bought."""
    plan = made(case)
    if plan.buys:
        assert cash_after(plan) >= plan.reserve


@LAW
@given(cases(cash_low="-3000"))
def test_the_reserve_is_the_larger_of_both_asked_for(case: Case) -> None:
    """The reserve is the larger share of what is rebalanced, less at most the costs of the trades."""
    plan = made(case)
    share = max(case.portfolio.reserve, case.policy.cash_reserve)
    mark = {line.contract.con_id: line.price * line.rate for line in plan.lines}
    lost = sum(leg.commission + leg.quantity * abs(leg.unit_value - mark[leg.contract.con_id]) for leg in plan.legs)
    assert share * (plan.basis - lost) <= plan.reserve <= share * plan.basis


@LAW
@given(cases(plain=True, shorts=False))
def test_a_plan_comes_within_one_share_of_every_target(case: Case) -> None:
    """With cash for it, each line ends less than one whole share from its ideal, in what the costs leave."""
    plan = made(case)
    assume(not any("cash does not pay" in note for note in plan.notes))
    for line in plan.lines:
        assert abs(line.target - line.ideal) < 1


@LAW
@given(cases())
def test_a_contract_is_bought_or_sold_but_not_both(case: Case) -> None:
    """No contract has two orders."""
    counts = Counter(leg.contract.con_id for leg in made(case).legs)
    assert all(count == 1 for count in counts.values())


@LAW
@given(cases(cash_low="-3000"))
def test_planning_again_on_the_result_gives_no_order(case: Case) -> None:
    """One pass reaches what can be reached: the plan of the settled account is empty."""
    later = replace(case, seen=settled(made(case), case.seen))
    assert made(later).legs == ()


@LAW
@given(cases(cash_low="-3000"))
def test_no_more_is_sold_than_is_held(case: Case) -> None:
    """A sale never opens or enlarges a short position, and orders are for whole shares."""
    plan = made(case)
    held = {line.contract.con_id: line.held for line in plan.lines}
    for leg in plan.legs:
        assert leg.quantity > 0
        assert leg.quantity == int(leg.quantity)
        if leg.side is Side.SELL:
            assert leg.quantity <= held[leg.contract.con_id]


@LAW
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_targets_and_positions_makes_no_difference(case: Case, random: object) -> None:
    """Targets and positions in another order give the very same plan, with the same id."""
    targets = list(case.portfolio.targets)
    positions = list(case.seen.state.positions)
    random.shuffle(targets)  # type: ignore[attr-defined]
    random.shuffle(positions)  # type: ignore[attr-defined]
    state = replace(case.seen.state, positions=tuple(positions))
    shuffled = replace(
        case,
        portfolio=replace(case.portfolio, targets=tuple(targets)),
        seen=replace(case.seen, state=state),
    )
    assert replace(made(case), notes=()) == replace(made(shuffled), notes=())


@LAW
@given(cases())
def test_what_is_not_targeted_stays_untouched(case: Case) -> None:
    """Options are never part of a plan; other holdings only when they are to be liquidated."""
    plan = made(case)
    targeted = {contract.con_id for contract in case.contracts.values()}
    traded = {leg.contract.con_id for leg in plan.legs}
    assert OPTION.con_id not in {line.contract.con_id for line in plan.lines}
    if case.portfolio.untargeted is Untargeted.KEEP:
        assert traded <= targeted


@LAW
@given(cases())
def test_a_mode_forbids_its_side(case: Case) -> None:
    """buy_only plans no sale, sell_only no buy."""
    plan = made(case)
    assert not (case.portfolio.mode is Mode.BUY_ONLY and plan.sells)
    assert not (case.portfolio.mode is Mode.SELL_ONLY and plan.buys)


@LAW
@given(cases())
def test_sells_come_first_and_legs_are_numbered(case: Case) -> None:
    """Legs count from 1, sells before buys, each side by falling value."""
    plan = made(case)
    assert [leg.number for leg in plan.legs] == list(range(1, len(plan.legs) + 1))
    keys = [(leg.side is Side.BUY, -leg.quantity * leg.unit_value) for leg in plan.legs]
    assert keys == sorted(keys)


@LAW
@given(cases(plain=True), st.integers(2, 50))
def test_average_cost_plays_no_part(case: Case, factor: int) -> None:
    """What was once paid for a holding changes nothing in the plan."""
    state = case.seen.state
    positions = tuple(replace(p, average_cost=p.average_cost * factor) for p in state.positions)
    dearer = replace(case, seen=replace(case.seen, state=replace(state, positions=positions)))
    assert made(case) == made(dearer)
