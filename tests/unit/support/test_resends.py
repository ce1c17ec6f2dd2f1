from __future__ import annotations

import pytest

from event_processor.domain.intent import IntentState
from tests.support.making import intent
from tests.support.resends import Resends

LEFT, DELAY = 10.0, 5.0


def looking(resends: Resends, *session: float) -> None:
    """The looks of one session, one after the other."""
    for number in range(1, len(session) + 1):
        resends.looked(session[:number], DELAY)


@pytest.mark.parametrize(
    ("sessions", "refused", "allowed"),
    [
        ((), False, False),
        ((), True, True),
        (((16.0,),), False, False),
        (((11.0, 14.0),), False, False),
        (((14.0, 16.0),), False, False),
        (((11.0,), (16.5,)), False, False),
        (((9.0, 11.0, 16.0),), False, True),
        (((11.0, 16.5),), False, True),
        (((11.0, 16.5), (18.0,)), False, True),
    ],
)
def test_an_order_may_leave_again_only_after_two_late_looks(
    sessions: tuple[tuple[float, ...], ...], refused: bool, allowed: bool
) -> None:
    """Both since it left, the last one the visibility delay later, in one session, be it over by then; or after a
    refusal."""
    resends, order = Resends(), intent(IntentState.SUBMITTING)
    assert resends.problem(order, LEFT, refused=False) == ""
    for session in sessions:
        looking(resends, *session)
    again = intent(IntentState.SUBMITTING, sent=2)
    assert (resends.problem(again, LEFT + 20, refused=refused) == "") is allowed


def test_each_time_it_leaves_it_is_looked_for_anew() -> None:
    """What proved the absence of the second says nothing of the third."""
    resends, order = Resends(), intent(IntentState.SUBMITTING, sent=2)
    resends.problem(order, LEFT, refused=False)
    looking(resends, 11.0, 16.0)
    assert resends.problem(order, 20.0, refused=False) == ""
    assert resends.problem(order, 30.0, refused=False) != ""
