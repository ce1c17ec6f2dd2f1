"""What every Journal must do with records, notes and order ids."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from event_processor.domain.ids import AccountId
from event_processor.domain.record import EventRecord, Outcome
from event_processor.errors import InvariantViolated, LeaseLost
from event_processor.ports import Journal, Lease
from tests.support.builders import ACCOUNT, AT
from tests.support.records import accepted, closed, filled, note, planned, submitting
from tests.support.stores import Store

OTHER = AccountId("DU7654321")


async def lease_of(journal: Journal, account: AccountId = ACCOUNT, owner: str = "one") -> Lease:
    """The account's lease."""
    lease = await journal.acquire(account, owner, 30)
    assert lease is not None
    return lease


async def test_an_unknown_event_is_not_found(store: Store) -> None:
    """Nothing known is None, not an error."""
    assert await store.client().journal.find(accepted().key) is None


async def test_an_accepted_event_is_found_by_every_client(store: Store) -> None:
    """Acceptance makes revision 1, and what is read equals what was written."""
    record = await store.client().journal.accept(accepted(), [])
    assert record == replace(accepted(), revision=1)
    assert await store.client("two").journal.find(record.key) == record


async def test_accepting_again_returns_what_is_known(store: Store) -> None:
    """A repeat, with the same or another body, changes nothing and gives the first record for comparison."""
    journal = store.client().journal
    first = await journal.accept(accepted(), [note()])
    conflicting = replace(accepted(reason="another body"), entry_id=accepted(entry=2).entry_id)
    assert await journal.accept(conflicting, [note(mark="2")]) == first
    assert await journal.find(first.key) == first
    assert len(await journal.unpublished(10)) == 1


async def test_only_revision_zero_can_be_accepted(store: Store) -> None:
    """A record that was written before is no new event."""
    with pytest.raises(InvariantViolated):
        await store.client().journal.accept(replace(accepted(), revision=3), [])


async def test_every_step_of_an_event_is_read_back_as_written(store: Store) -> None:
    """Plan, submitting, filled and closed come back equal, to this client and to one that starts anew."""
    journal = store.client().journal
    lease = await lease_of(journal)
    record = await journal.accept(accepted(), [])
    for revision, step in enumerate((planned, submitting, filled, closed), 2):
        wanted = replace(step(record), revision=revision)
        record = await journal.write(lease, step(record), [])
        assert record == wanted
        assert await store.client("reader").journal.find(record.key) == wanted
    assert await journal.find(record.key) == record


async def test_a_client_that_never_saw_the_record_can_write_it(store: Store) -> None:
    """A successor needs nothing but the record: what it writes is whole."""
    first = store.client().journal
    record = await first.accept(accepted(), [])
    lease = await lease_of(first)
    record = await first.write(lease, submitting(planned(record)), [])
    record = await store.client("two").journal.write(lease, filled(record), [])
    record = await store.client("three").journal.write(lease, submitting(record, 1, order_id=8), [])
    assert await store.client("reader").journal.find(record.key) == record
    assert record.revision == 4


async def test_fewer_intents_than_before_are_read_back_as_such(store: Store) -> None:
    """What a record no longer has does not come back from an earlier write."""
    journal = store.client().journal
    record = await journal.accept(accepted(), [])
    lease = await lease_of(journal)
    record = await journal.write(lease, planned(record), [])
    record = await journal.write(lease, replace(record, plan=None, intents=record.intents[:1]), [])
    assert await store.client("reader").journal.find(record.key) == record


async def test_a_stale_revision_is_refused(store: Store) -> None:
    """Two different writes from one revision: the second is an invariant violated, and has no effect."""
    journal = store.client().journal
    lease = await lease_of(journal)
    record = await journal.accept(accepted(), [])
    kept = await journal.write(lease, planned(record), [])
    with pytest.raises(InvariantViolated):
        await journal.write(lease, replace(record, reason="another"), [note(mark="lost")])
    assert await journal.find(record.key) == kept
    assert await journal.unpublished(10) == []


async def test_a_record_nobody_accepted_cannot_be_written(store: Store) -> None:
    """A write to a store that lost the record is refused."""
    journal = store.client().journal
    lease = await lease_of(journal)
    with pytest.raises(InvariantViolated):
        await journal.write(lease, replace(accepted(), revision=1), [])


async def test_the_same_write_again_has_one_effect(store: Store) -> None:
    """Repeating a write whose answer was lost returns the same record and adds no second note."""
    journal = store.client().journal
    lease = await lease_of(journal)
    record = await journal.accept(accepted(), [])
    first = await journal.write(lease, planned(record), [note(Outcome.PLANNED)])
    assert await store.client("again").journal.write(lease, planned(record), [note(Outcome.PLANNED)]) == first
    assert len(await journal.unpublished(10)) == 1


async def test_the_same_write_again_is_refused_once_the_lease_is_lost(store: Store) -> None:
    """A write that arrived allows nothing to whoever lost the account since."""
    journal = store.client().journal
    lease = await lease_of(journal)
    record = await journal.accept(accepted(), [])
    await journal.write(lease, planned(record), [], sending=True)
    await journal.release(lease)
    with pytest.raises(LeaseLost):
        await journal.write(lease, planned(record), [], sending=True)


async def test_a_write_needs_the_lease_of_its_account(store: Store) -> None:
    """The lease of another account is a bug, not a permission."""
    journal = store.client().journal
    record = await journal.accept(accepted(), [])
    with pytest.raises(InvariantViolated):
        await journal.write(await lease_of(journal, OTHER), record, [])


async def test_open_records_are_those_not_closed_oldest_entry_first(store: Store) -> None:
    """Order is that of the stream, by number and not by text; closed events are left out."""
    journal = store.client().journal
    lease = await lease_of(journal)
    records: list[EventRecord] = [
        await journal.accept(accepted(f"event-{entry}", entry=entry), []) for entry in (10, 9, 2)
    ]
    other = await journal.accept(accepted("other", account=OTHER, entry=5), [])
    await journal.write(lease, closed(records[1]), [])
    assert await journal.open_records(ACCOUNT) == [records[2], records[0]]
    assert await journal.open_records() == [records[2], other, records[0]]
    assert await journal.open_records(AccountId("DU0")) == []
    assert await journal.open_accounts() == [ACCOUNT, OTHER]
    await journal.write(await lease_of(journal, OTHER), closed(other), [])
    assert await journal.open_accounts() == [ACCOUNT]


async def test_the_last_event_closed_is_the_accounts_own(store: Store) -> None:
    """By the time it was closed, not by its arrival; open ones and those of other accounts do not count."""
    journal = store.client().journal
    assert await journal.last_closed(ACCOUNT) == []
    early, late, still = [await journal.accept(accepted(f"event-{n}", entry=n), []) for n in (1, 2, 3)]
    other = await journal.accept(accepted("other", account=OTHER, entry=4), [])
    lease = await lease_of(journal)
    later = await journal.write(lease, replace(closed(early), closed_at=AT + timedelta(minutes=3)), [])
    sooner = await journal.write(lease, closed(late), [])
    await journal.write(await lease_of(journal, OTHER), replace(closed(other), closed_at=AT + timedelta(hours=1)), [])
    assert await store.client("two").journal.last_closed(ACCOUNT) == [later]
    assert await journal.last_closed(ACCOUNT, most=3) == [sooner, later]
    assert await journal.find(still.key) == still


async def test_an_event_accepted_as_closed_is_not_open(store: Store) -> None:
    """A refused event is remembered at once as ended."""
    journal = store.client().journal
    record = await journal.accept(closed(accepted(), Outcome.REJECTED), [note(Outcome.REJECTED)])
    assert await journal.open_records() == []
    assert await journal.find(record.key) == record


async def test_many_open_records_are_all_read(store: Store) -> None:
    """More records than fit one page come back whole and in order."""
    journal = store.client().journal
    written = [await journal.accept(accepted(f"event-{n}", entry=n), []) for n in range(250)]
    assert await store.client("two").journal.open_records() == written


async def test_notes_wait_in_order_until_they_are_published(store: Store) -> None:
    """Notes come with their record as it is now, in the order of the writes, until they are marked."""
    journal = store.client().journal
    lease = await lease_of(journal)
    record = await journal.accept(accepted(), [note(mark="a")])
    record = await journal.write(lease, planned(record), [note(Outcome.PLANNED, "b"), note(mark="c")])
    first = await journal.unpublished(2)
    assert [(told.mark, about) for _, told, about in first] == [("a", record), ("b", record)]
    await journal.published([outbox_id for outbox_id, *_ in first])
    await journal.published([outbox_id for outbox_id, *_ in first])
    await journal.published([])
    assert [told.mark for _, told, _ in await store.client("two").journal.unpublished(10)] == ["c"]


async def test_what_notes_and_summaries_carry_comes_back_as_plain_data(store: Store) -> None:
    """Decimals and times in free data are exact text afterwards, in every implementation alike."""
    journal = store.client().journal
    data = {"cash": Decimal("1.10"), "at": AT, "lines": ({"kind": Outcome.FAILED},)}
    plain = {"cash": "1.10", "at": "2026-01-05T15:00:00Z", "lines": [{"kind": "failed"}]}
    record = await journal.accept(replace(accepted(), summary=data), [replace(note(), data=data)])
    assert record.summary == plain
    [(_, told, about)] = await journal.unpublished(1)
    assert (told.data, about.summary) == (plain, plain)


async def test_data_without_an_exact_text_is_refused(store: Store) -> None:
    """NaN would come back as something else, so it is not stored."""
    with pytest.raises(InvariantViolated):
        await store.client().journal.accept(replace(accepted(), summary={"drift": float("nan")}), [])


async def test_the_order_id_floor_is_the_highest_ever_written(store: Store) -> None:
    """It grows with each client id's orders and never falls."""
    journal = store.client().journal
    lease = await lease_of(journal)
    assert await journal.order_id_floor(1) == 0
    record = await journal.write(lease, planned(await journal.accept(accepted(), [])), [])
    record = await journal.write(lease, submitting(record, 0, order_id=90), [])
    record = await journal.write(lease, submitting(record, 1, order_id=7, client_id=2), [])
    await journal.write(lease, filled(record), [])
    lower = planned(await journal.accept(accepted("event-2"), []))
    await journal.write(lease, submitting(lower, 0, order_id=12), [])
    assert [await journal.order_id_floor(client) for client in (1, 2, 3)] == [90, 7, 0]


async def test_order_ids_are_compared_as_numbers(store: Store) -> None:
    """One with more digits is higher, whatever digit it begins with."""
    journal = store.client().journal
    lease = await lease_of(journal)
    record = planned(await journal.accept(accepted(), []))
    record = await journal.write(lease, submitting(record, 0, order_id=99), [])
    await journal.write(lease, submitting(record, 1, order_id=100), [])
    assert await journal.order_id_floor(1) == 100
