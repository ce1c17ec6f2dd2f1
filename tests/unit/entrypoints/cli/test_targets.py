from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from event_processor.domain.event import new_event
from event_processor.entrypoints.cli.targets import Request, parse_target, request
from event_processor.errors import EventMalformed


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("SPY=60%", {"symbol": "SPY", "weight": Decimal("0.6")}),
        ("spy=12.5%", {"symbol": "SPY", "weight": Decimal("0.125")}),
        ("BRK B=3%", {"symbol": "BRK B", "weight": Decimal("0.03")}),
        ("TLT=100sh", {"symbol": "TLT", "quantity": Decimal(100)}),
        ("TLT=0sh", {"symbol": "TLT", "quantity": Decimal(0)}),
        ("GLD=$5000.50", {"symbol": "GLD", "value": Decimal("5000.50")}),
    ],
)
def test_the_three_ways_to_write_a_target(word: str, line: dict[str, Any]) -> None:
    """Weights, shares and money are exact decimals."""
    assert parse_target(word) == line


@pytest.mark.parametrize(
    "word", ["SPY", "SPY=", "SPY=60", "SPY=0.6", "SPY=-5%", "SPY=$5%", "=60%", "SPY=NaN%", "SPY=$5sh"]
)
def test_anything_else_is_refused_with_the_way_to_write_it(word: str) -> None:
    """A number without a unit could mean three things, so it means none."""
    with pytest.raises(EventMalformed, match="SPY=60%"):
        parse_target(word)


def test_the_rest_stays_in_cash_and_that_is_said() -> None:
    """60% and 35% leave 5% in cash, exactly."""
    made = request("growth", ["SPY=60%", "TLT=35%"])
    assert made.data["cash"] == {"reserve": Decimal("0.05")}
    assert made.notes == ("The weights sum to 95%; the remaining 5% stay in cash.",)


@pytest.mark.parametrize(
    ("words", "partial"), [(["SPY=60%", "TLT=40%"], False), (["SPY=10%"], True), (["SPY=10%", "TLT=5sh"], False)]
)
def test_no_cash_reserve_is_made_up_where_none_is_needed(words: list[str], partial: bool) -> None:
    """Not for a full 100%, not in a partial event, not beside shares or money."""
    made = request("growth", words, partial=partial)
    assert "cash" not in made.data
    assert made.notes == ()


def test_more_than_everything_is_refused() -> None:
    """110% is told as such."""
    with pytest.raises(EventMalformed, match="110%"):
        request("growth", ["SPY=60%", "TLT=50%"])


@pytest.mark.parametrize(
    "made",
    [
        request("growth", ["SPY=60%", "TLT=35%"], reason="quarterly"),
        request("DU1234567", ["SPY=33.333%"], partial=True, dry_run=True),
        request("growth", ["SPY=10sh", "TLT=$900"], liquidate=True),
    ],
)
def test_what_is_made_passes_the_contract(made: Request) -> None:
    """The comfort goes through the same door as every producer."""
    event = new_event(event_id="x", source="/test", time=datetime(2026, 1, 5, tzinfo=UTC), data=made.data)
    assert event.data.dry_run is made.data.get("dry_run", False)
    assert len(event.data.targets) == len(made.data["targets"])
