"""What an order of an earlier try says of the intent that was sent again."""

from __future__ import annotations

import pytest

from event_processor.domain.fold import fold_order
from event_processor.domain.intent import Ending, IntentState
from event_processor.domain.order import OrderStatus
from tests.support.making import ORDER_ID, intent, report


@pytest.mark.parametrize(("filled", "ended"), [(0, False), (40, True)])
def test_only_an_earlier_try_that_filled_nothing_is_passed_over(filled: int, ended: bool) -> None:
    """One that was cancelled without a share is not the end of this one; one that has traded was there after all, and
    its shares count."""
    sent_again = intent(IntentState.SUBMITTING, sent=2)
    earlier = report(OrderStatus.CANCELLED, sent_again, filled, order_id=ORDER_ID - 1)
    folded = fold_order(sent_again, earlier)
    assert (folded.state is IntentState.DONE, int(folded.filled)) == (ended, filled)
    assert folded.ending is (Ending.CANCELLED if ended else None)
