from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from event_processor.domain.fold import fold_commission, fold_execution, fold_notice, fold_order
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus
from event_processor.domain.reports import Commission, Execution, NoticeKind, OrderNotice, OrderReport, Report
from tests.support.making import commission, execution, intent, notice, report

QUANTITY = 100
ALIVE = (OrderStatus.API_PENDING, OrderStatus.PENDING_SUBMIT, OrderStatus.PRE_SUBMITTED, OrderStatus.SUBMITTED)
FOLDS: dict[type, Callable[[OrderIntent, Any], OrderIntent]] = {
    Execution: fold_execution,
    OrderReport: fold_order,
    OrderNotice: fold_notice,
    Commission: fold_commission,
}


def fold(start: OrderIntent, reports: Sequence[Report]) -> OrderIntent:
    return reduce(lambda seen, told: FOLDS[type(told)](seen, told), reports, start)


def outcome(seen: OrderIntent) -> tuple[Any, ...]:
    """All that must not depend on the order of arrival: executions are a set, words may differ."""
    return (seen.state, seen.ending, seen.filled, seen.executed, seen.perm_id, frozenset(seen.fills))


@st.composite
def trades(draw: st.DrawFn) -> list[Execution]:
    """Executions of one order, by growing count, together at most its quantity."""
    cuts = sorted(draw(st.sets(st.integers(1, QUANTITY), max_size=4)))
    sizes = [after - before for before, after in zip([0, *cuts], cuts, strict=False)]
    return [
        execution(size, f"{n:04}.01.01", cumulative=cut) for n, (size, cut) in enumerate(zip(sizes, cuts, strict=True))
    ]


@st.composite
def lives(draw: st.DrawFn) -> list[Report]:
    """What a broker tells of one order from its acknowledgement to its end, each thing once, in true order."""
    done = draw(trades())
    total = sum((trade.quantity for trade in done), Decimal(0))
    told: list[Report] = [report(draw(st.sampled_from(ALIVE)), filled=0)]
    filled = Decimal(0)
    for trade in done:
        filled += trade.quantity
        told += [trade, commission(trade.exec_id)]
        if draw(st.booleans()) and filled < QUANTITY:
            told.append(report(filled=int(filled)))
    full = total == QUANTITY
    told.append(report(OrderStatus.FILLED if full else OrderStatus.CANCELLED, filled=int(total)))
    if not full and draw(st.booleans()):
        told.append(notice(NoticeKind.CANCELLED, 202))
    return told


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[Report], list[Report]]:
    """A life in true order, and the same with repetitions in any order. A commission never precedes its trade
    here: the executor keeps early ones."""
    told = draw(lives())
    again = [*told, *draw(st.lists(st.sampled_from(told), max_size=6))]
    mixed = draw(st.permutations(again))
    paid = [part for part in mixed if isinstance(part, Commission)]
    return told, [*(part for part in mixed if not isinstance(part, Commission)), *paid]


STARTS = st.sampled_from([IntentState.SUBMITTING, IntentState.WORKING, IntentState.UNKNOWN]).map(intent)
ANY_REPORT = st.one_of(
    st.builds(report, st.sampled_from(OrderStatus), filled=st.one_of(st.none(), st.integers(0, QUANTITY))),
    st.builds(
        execution, st.integers(1, QUANTITY), st.sampled_from(["a.01", "a.02", "b.01", "c"]), cumulative=st.just(50)
    ),
    st.builds(notice, st.sampled_from(NoticeKind)),
    st.builds(commission, st.sampled_from(["a.01", "b.01"])),
)


@given(STARTS, shuffled())
def test_the_end_does_not_depend_on_the_order_of_arrival(
    start: OrderIntent, life: tuple[list[Report], list[Report]]
) -> None:
    """Acknowledged late, duplicated, overtaken: a complete set of reports always leads to the same end."""
    told, mixed = life
    assert outcome(fold(start, mixed)) == outcome(fold(start, told))


@given(STARTS, lives())
def test_a_complete_life_ends_settled(start: OrderIntent, told: list[Report]) -> None:
    """After everything was told the intent is over, every share is proven and none is too many."""
    seen = fold(start, told)
    assert seen.settled
    assert seen.executed <= seen.quantity
    assert (seen.ending is Ending.FILLED) is (seen.executed == seen.quantity)


@given(STARTS, shuffled())
def test_never_more_executed_than_the_broker_traded(
    start: OrderIntent, life: tuple[list[Report], list[Report]]
) -> None:
    """At no moment, whatever repeats, are more shares counted than there were trades."""
    told, mixed = life
    traded = sum((part.quantity for part in told if isinstance(part, Execution)), Decimal(0))
    seen = start
    for part in mixed:
        seen = fold(seen, [part])
        assert seen.executed <= traded


@given(st.sampled_from(IntentState).map(intent), ANY_REPORT)
def test_the_same_report_twice_is_the_same_as_once(start: OrderIntent, told: Report) -> None:
    """Folding is idempotent from every state for every report."""
    once = fold(start, [told])
    assert fold(once, [told]) == once


@given(STARTS, st.lists(ANY_REPORT, max_size=12))
def test_no_sequence_of_reports_breaks_the_table_or_leaves_done(start: OrderIntent, told: list[Report]) -> None:
    """Whatever a broker says in whatever order: no illegal move, DONE never left, fills never forgotten by a status."""
    seen = start
    for part in told:
        after = fold(seen, [part])
        assert after.state is IntentState.DONE or seen.state is not IntentState.DONE
        assert (after.ending is not None) is (after.state is IntentState.DONE)
        if not isinstance(part, Execution):
            assert after.executed == seen.executed
        seen = after


RESTATED = [execution(size, f"t.{n:02}", cumulative=size) for n, size in ((1, 40), (2, 30), (9, 35), (10, 45))]


@given(st.permutations(RESTATED))
def test_the_last_correction_stands_in_any_order(told: list[Execution]) -> None:
    """Of an execution and its corrections the one with the highest number after the last period counts."""
    assert [fill.exec_id for fill in fold(intent(IntentState.WORKING), told).fills] == ["t.10"]


@given(trades(), st.sampled_from([IntentState.RECORDED, IntentState.SUBMITTING, IntentState.UNKNOWN]))
def test_executions_alone_lead_to_the_same_fills_from_everywhere(done: list[Execution], state: IntentState) -> None:
    """An order known only by its trades ends where one that was acknowledged ends."""
    lost = fold(intent(state), done)
    heard = fold(intent(IntentState.WORKING), done)
    assert lost.fills == heard.fills
    assert not done or lost.state is heard.state
    assert replace(lost, state=heard.state).settled is heard.settled
