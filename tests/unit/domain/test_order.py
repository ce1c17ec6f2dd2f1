from __future__ import annotations

import pytest

from event_processor.domain.order import OrderStatus

KNOWN = {
    "ApiPending": False,
    "PendingSubmit": False,
    "PendingCancel": False,
    "PreSubmitted": False,
    "Submitted": False,
    "ApiCancelled": True,
    "Cancelled": True,
    "Filled": True,
    "Inactive": False,
}


@pytest.mark.parametrize(("text", "dead"), list(KNOWN.items()))
def test_every_documented_status_is_known_and_dead_or_not(text: str, dead: bool) -> None:
    """The nine statuses of the TWS API are read as themselves; only three of them end an order."""
    status = OrderStatus.read(text)
    assert status.value == text
    assert status.dead is dead


@pytest.mark.parametrize("text", ["", "submitted", "ValidationError", "Something new"])
def test_a_status_we_never_heard_of_is_unknown_and_not_dead(text: str) -> None:
    """A new word of the broker is no error and ends nothing."""
    assert OrderStatus.read(text) is OrderStatus.UNKNOWN
    assert not OrderStatus.read(text).dead


def test_no_status_is_left_out_of_this_list() -> None:
    """A status added later has to be judged dead or alive here."""
    assert {status.value for status in OrderStatus} == {*KNOWN, "?"}
