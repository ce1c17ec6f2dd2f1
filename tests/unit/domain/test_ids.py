from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_processor.domain.ids import (
    ORDER_REF_LENGTH_MAX,
    AccountId,
    EntryId,
    EventKey,
    OrderRef,
    event_key,
    is_account_number,
    is_paper_account,
    published_at,
    run_digest,
)
from tests.support.builders import ACCOUNT, KEY

REFS = st.builds(
    OrderRef,
    run=st.text("0123456789abcdef", min_size=16, max_size=16),
    leg=st.integers(1, 999),
    attempt=st.integers(1, 999),
)


@given(REFS)
def test_a_reference_reads_back_as_itself(ref: OrderRef) -> None:
    """What was written on an order is recognised again, and is short enough to be written."""
    assert OrderRef.parse(str(ref)) == ref
    assert len(str(ref)) <= ORDER_REF_LENGTH_MAX


@given(st.text(max_size=40))
def test_only_our_own_spelling_is_ours(text: str) -> None:
    """Any text that is taken for a reference is exactly how we spell that reference."""
    ref = OrderRef.parse(text)
    assert ref is None or str(ref) == text


@pytest.mark.parametrize(
    "text",
    ["", "manual", "rb0123456789abcdef-001", "rb0123456789abcdef-001-1x", "RB0123456789abcdef-001-1", "rb012-001-1\n"],
)
def test_orders_of_others_are_not_ours(text: str) -> None:
    """An orderRef that is not spelled our way belongs to somebody else."""
    assert OrderRef.parse(text) is None


def test_what_may_be_left_of_a_reference_is_told_apart() -> None:
    """Cut off or in capitals, or nothing at all; never the whole reference of another order, nor another text."""
    ref, other = OrderRef.derive(KEY, ACCOUNT, 1), OrderRef.derive(KEY, ACCOUNT, 2)
    assert all(ref.left_of(told) for told in ("", str(ref), str(ref).upper(), str(ref)[:20]))
    assert not any(ref.left_of(told) for told in (str(other), f"{ref}0", "by hand", "b"))


def test_a_restart_computes_the_same_reference() -> None:
    """The reference is a function of event, account, leg and try, and of nothing else."""
    assert str(OrderRef.derive(KEY, ACCOUNT, 7, 2)) == f"rb{run_digest(KEY, ACCOUNT)}-007-2"
    assert OrderRef.derive(KEY, ACCOUNT, 7) == OrderRef.derive(KEY, ACCOUNT, 7, 1)


def test_references_differ_in_event_account_leg_and_try() -> None:
    """No two orders that may both exist share a reference."""
    refs = {
        str(OrderRef.derive(key, account, leg, attempt))
        for key in (KEY, EventKey("another"))
        for account in (ACCOUNT, AccountId("DU7654321"))
        for leg in (1, 2, 999)
        for attempt in (1, 2)
    }
    assert len(refs) == 2 * 2 * 3 * 2


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_the_key_separates_source_and_id(source: str, event_id: str, source_2: str, event_id_2: str) -> None:
    """Two events share a key only when both source and id are the same, wherever one ends and the other begins."""
    same = (source, event_id) == (source_2, event_id_2)
    assert (event_key(source, event_id) == event_key(source_2, event_id_2)) is same


def test_moving_the_border_between_source_and_id_changes_the_key() -> None:
    """`a` + `bc` is another event than `ab` + `c`."""
    assert event_key("a", "bc") != event_key("ab", "c")


@pytest.mark.parametrize(
    ("text", "number", "paper"),
    [
        ("DU1234567", True, True),
        ("DF1234567", True, True),
        ("DUA1234567", True, True),
        ("U1234567", True, False),
        ("F1234567", True, False),
        ("D1234567", True, False),
        ("growth", False, False),
        ("du1234567", False, False),
        ("U12", False, False),
        ("DU1234567 ", False, False),
        ("", False, False),
    ],
)
def test_account_numbers_and_paper_accounts_are_known_by_their_shape(text: str, number: bool, paper: bool) -> None:
    """Account numbers are told from aliases, and paper accounts from live ones."""
    assert is_account_number(text) is number
    assert is_paper_account(AccountId(text)) is paper


@pytest.mark.parametrize(
    ("entry", "at"),
    [
        ("1767625200123-7", datetime(2026, 1, 5, 15, 0, 0, 123000, tzinfo=UTC)),
        ("0-1", datetime(1970, 1, 1, tzinfo=UTC)),
        ("18446744073709551615-18446744073709551615", datetime(9999, 12, 31, tzinfo=UTC)),
    ],
)
def test_an_entry_tells_when_it_was_published(entry: str, at: datetime) -> None:
    """By the first half of its id; one that a producer chose from beyond the calendar does no harm."""
    assert published_at(EntryId(entry)) == at
