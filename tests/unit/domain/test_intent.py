from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from event_processor.domain.ids import ExecId
from event_processor.domain.intent import MOVES, Ending, Fill, IntentState, OrderIntent
from event_processor.errors import InvariantViolated
from tests.support.making import done, intent

PAIRS = list(product(IntentState, IntentState))


def test_the_table_is_the_drawing() -> None:
    """Every move of the drawing is in the table and no other: this is what trading relies on."""
    assert {state: {str(to) for to in MOVES[state]} for state in IntentState} == {
        IntentState.RECORDED: {"submitting", "working", "done"},
        IntentState.SUBMITTING: {"working", "unknown", "done", "recorded"},
        IntentState.WORKING: {"done", "unknown"},
        IntentState.UNKNOWN: {"working", "done", "recorded"},
        IntentState.DONE: set(),
    }


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_only_moves_of_the_table_are_made(before: IntentState, after: IntentState) -> None:
    """For all 25 pairs: staying put changes nothing, a move of the table is made, any other is an error."""
    begun = intent(before, ending=Ending.CANCELLED if before is IntentState.DONE else None)
    if after is before:
        assert begun.to(after, ending=Ending.REFUSED) == begun
    elif after in MOVES[before]:
        moved = begun.to(after, ending=Ending.CANCELLED if after is IntentState.DONE else None, note="why")
        assert moved.state is after
        assert moved.note == "why"
        assert replace(moved, state=before, ending=begun.ending, note=begun.note) == begun
    else:
        with pytest.raises(InvariantViolated, match=f"from {before} to {after}"):
            begun.to(after)


def test_a_note_belongs_to_its_state() -> None:
    """A move leaves the words of the state before behind; staying put keeps them unless there are new ones."""
    noted = intent(IntentState.SUBMITTING, note="first")
    assert noted.to(IntentState.WORKING).note == ""
    assert noted.to(IntentState.SUBMITTING).note == "first"
    assert noted.to(IntentState.SUBMITTING, note="second").note == "second"


@pytest.mark.parametrize(("executed", "reported", "filled"), [(0, 0, 0), (40, 0, 40), (40, 100, 100), (100, 40, 100)])
def test_filled_is_the_larger_of_executions_and_the_brokers_count(executed: int, reported: int, filled: int) -> None:
    """Neither a missing execution nor a late status makes the filled shares shrink."""
    fills = (Fill(ExecId("a.01"), Decimal(executed), Decimal(100)),) if executed else ()
    seen = intent(IntentState.WORKING, fills=fills, reported_filled=Decimal(reported))
    assert seen.executed == executed
    assert seen.filled == filled


@pytest.mark.parametrize(
    ("seen", "settled"),
    [
        (done(), True),
        (done(filled=0), True),
        (replace(done(filled=40), reported_filled=Decimal(60)), False),
        (intent(IntentState.WORKING), False),
    ],
)
def test_settled_means_over_and_proven(seen: OrderIntent, settled: bool) -> None:
    """Only an order that is over, with an execution for every share, is settled."""
    assert seen.settled is settled


@pytest.mark.parametrize("state", IntentState)
def test_doubtful_is_what_may_have_left_unseen(state: IntentState) -> None:
    """Being sent and being unknown are doubtful, nothing else."""
    assert intent(state).doubtful is (state in {IntentState.SUBMITTING, IntentState.UNKNOWN})
