"""What every Outcomes must do."""

from __future__ import annotations

from decimal import Decimal

from tests.support.builders import AT
from tests.support.stores import Store


async def test_envelopes_are_published_in_order(store: Store) -> None:
    """One entry per envelope, in one field `event`, in the order given; a repeat is appended again."""
    envelopes = [{"id": str(number), "data": {"outcome": "accepted"}} for number in range(3)]
    outcomes = store.client().outcomes
    await outcomes.publish(envelopes)
    await outcomes.publish(envelopes[:1])
    assert await store.published() == [*envelopes, envelopes[0]]


async def test_numbers_and_times_are_published_as_exact_text(store: Store) -> None:
    """A Decimal keeps every digit and a time is RFC 3339 in UTC."""
    await store.client().outcomes.publish([{"data": {"commission": Decimal("1.10"), "at": AT}}])
    assert await store.published() == [{"data": {"commission": "1.10", "at": "2026-01-05T15:00:00Z"}}]


async def test_publishing_nothing_is_harmless(store: Store) -> None:
    """An empty batch adds nothing."""
    await store.client().outcomes.publish([])
    assert await store.published() == []
