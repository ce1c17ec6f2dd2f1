from __future__ import annotations

import pytest

from tests.support.builders import contract


@pytest.mark.parametrize(
    ("sec_type", "traded"),
    [("STK", True), ("ETF", True), *((other, False) for other in ("OPT", "FUT", "CFD", "CASH", "FUND", "BOND", ""))],
)
def test_only_stocks_and_funds_on_an_exchange_are_traded(sec_type: str, *, traded: bool) -> None:
    """Everything else, with leverage or without, is left alone."""
    assert contract("SPY", sec_type=sec_type).stock_like is traded
