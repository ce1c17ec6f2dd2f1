from __future__ import annotations

import pytest

from event_processor.adapters.ibkr import codes
from event_processor.domain.reports import NoticeKind
from event_processor.domain.session import SessionEvent

READ_ONLY_TEXT = "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode."


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (165, NoticeKind.WARNING),
        (399, NoticeKind.WARNING),
        (404, NoticeKind.WARNING),
        (10167, NoticeKind.WARNING),
        (10349, NoticeKind.WARNING),
        (2100, NoticeKind.WARNING),
        (2104, NoticeKind.WARNING),
        (2137, NoticeKind.WARNING),
        (2199, NoticeKind.WARNING),
        (201, NoticeKind.REFUSED),
        (10243, NoticeKind.REFUSED),
        (202, NoticeKind.CANCELLED),
        (10147, NoticeKind.CANCEL_REFUSED),
        (10148, NoticeKind.CANCEL_REFUSED),
        (161, NoticeKind.CANCEL_REFUSED),
        (103, NoticeKind.NOT_TAKEN),
    ],
)
def test_known_codes(code: int, kind: NoticeKind) -> None:
    """The codes that decide about orders mean what IBKR documents."""
    assert codes.order_notice(code, "", working=False) is kind


@pytest.mark.parametrize("code", [0, 100, 104, 504, 2099, 2200, 10999, 99999])
def test_a_code_we_do_not_know_proves_nothing(code: int) -> None:
    """An unknown code is never taken for a rejection."""
    assert codes.order_notice(code, "rejected!", working=False) is NoticeKind.AMBIGUOUS


def test_the_price_step_refuses_only_a_new_order() -> None:
    """110 ends a new order and only warns about one that works already."""
    assert codes.order_notice(110, "", working=False) is NoticeKind.REFUSED
    assert codes.order_notice(110, "", working=True) is NoticeKind.WARNING


def test_read_only_is_not_any_failed_validation() -> None:
    """321 is read-only by its text; any other failed validation refuses the order."""
    assert codes.order_notice(321, READ_ONLY_TEXT, working=False) is NoticeKind.READ_ONLY
    assert codes.order_notice(321, "The size value cannot be zero", working=False) is NoticeKind.REFUSED
    assert codes.session_event(321, READ_ONLY_TEXT) is SessionEvent.READ_ONLY
    assert codes.session_event(321, "The size value cannot be zero") is None


@pytest.mark.parametrize(
    ("code", "event"),
    [
        (1100, SessionEvent.LINK_LOST),
        (2110, SessionEvent.LINK_LOST),
        (1101, SessionEvent.LINK_RESTORED),
        (1102, SessionEvent.LINK_RESTORED),
        (10197, SessionEvent.COMPETING),
        (2104, None),
    ],
)
def test_session_codes(code: int, event: SessionEvent | None) -> None:
    """System codes become what the session table knows."""
    assert codes.session_event(code, "") is event


@pytest.mark.parametrize("code", [201, 320, 322, 10147])
def test_only_a_failed_validation_says_read_only(code: int) -> None:
    """The same words under another code are about that one order, or none: the session stays as it is."""
    assert codes.session_event(code, READ_ONLY_TEXT) is None
    assert codes.order_notice(code, READ_ONLY_TEXT, working=False) is not NoticeKind.READ_ONLY


def test_every_way_to_refuse_a_request_ends_it() -> None:
    """Read, validate, process: whichever the gateway could not, no answer will come."""
    assert {320, 321, 322} == codes.REQUEST_REFUSALS
