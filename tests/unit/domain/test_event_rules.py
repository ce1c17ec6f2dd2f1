from __future__ import annotations

import json
from typing import Any

import pytest

from event_processor.domain.event import parse_event
from event_processor.domain.strict_json import BODY_BYTES_MAX
from event_processor.errors import EventMalformed
from tests.support.builders import event_body, event_text

NONE_AT_ALL = {"targets": [], "untargeted": "liquidate", "cash": {"reserve": 1}}


def test_an_empty_portfolio_has_to_be_asked_for_by_all_three_words() -> None:
    """Everything is sold only by an event that is full, liquidates and keeps all in cash: a list of targets that got
    lost on the way is a mistake."""
    assert parse_event(event_text(**NONE_AT_ALL)).data.targets == []


@pytest.mark.parametrize(
    "slip",
    [
        {"cash": {"reserve": 0.9}},
        {"cash": None},
        {"untargeted": "keep"},
        {"untargeted": None},
        {"completeness": "partial"},
    ],
)
def test_an_empty_portfolio_that_is_not_asked_for_sells_nothing(slip: dict[str, Any]) -> None:
    """One of the three words missing, and the event is refused."""
    with pytest.raises(EventMalformed, match=r"data\.(targets must not be empty|untargeted)"):
        parse_event(event_text(**{**NONE_AT_ALL, **slip}))


def test_an_event_that_ends_as_it_begins_is_refused() -> None:
    """There is no moment at which it could be traded."""
    moment = "2026-01-06T00:00:00Z"
    with pytest.raises(EventMalformed, match="must be after"):
        parse_event(event_text(not_before=moment, expires_at=moment))


def test_a_body_is_measured_in_bytes() -> None:
    """What the store keeps is counted, not letters: of a text beyond ASCII fewer fit."""
    body = json.dumps(event_body(metadata={"pad": "€" * (BODY_BYTES_MAX // 2)}), ensure_ascii=False)
    assert len(body) < BODY_BYTES_MAX
    with pytest.raises(EventMalformed, match="bytes: at most"):
        parse_event(body)
