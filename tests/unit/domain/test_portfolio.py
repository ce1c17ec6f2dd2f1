from __future__ import annotations

from decimal import Decimal

import pytest

from event_processor.domain.ids import ConId
from event_processor.domain.portfolio import Quote
from tests.support.builders import AT


def quoted(bid: int | None = None, ask: int | None = None, last: int | None = None) -> Quote:
    paid, wanted, traded = (None if price is None else Decimal(price) for price in (bid, ask, last))
    return Quote(ConId(1), AT, paid, wanted, traded)


@pytest.mark.parametrize(
    ("sides", "mark", "to_buy", "to_sell"),
    [
        ({"bid": 99, "ask": 103}, 101, 103, 99),
        ({"bid": 99, "ask": 103, "last": 120}, 101, 103, 99),
        ({"last": 120}, 120, 120, 120),
        ({"bid": 99, "last": 120}, 120, 120, 99),
        ({"ask": 103, "last": 120}, 120, 103, 120),
        ({"bid": 99}, None, None, 99),
        ({"ask": 103}, None, 103, None),
    ],
)
def test_a_side_that_is_quoted_counts_before_the_last_trade(
    sides: dict[str, int], mark: int | None, to_buy: int | None, to_sell: int | None
) -> None:
    """The last trade, wherever it was, stands in only for a side that is missing; neither side stands in for the
    other."""
    quote = quoted(**sides)
    assert [quote.mark, quote.to_buy, quote.to_sell] == [mark, to_buy, to_sell]
