"""What every Inbox must do."""

from __future__ import annotations

import asyncio

from event_processor.domain.ids import EntryId
from event_processor.ports import LETTER_CHARS_MAX
from tests.support.builders import AT
from tests.support.stores import LEASE_SECONDS, Store

LEASE_OVER = LEASE_SECONDS * 1.5


async def test_entries_published_before_the_first_start_are_handed_out_in_order(store: Store) -> None:
    """What waited before any processor ran is taken, oldest first, with all that was in it."""
    first = await store.add({"event": "a", "trace": "t"})
    second = await store.add({"event": "b"})
    found = await store.client().inbox.take(10, 0)
    assert [entry.entry_id for entry in found] == [first, second]
    assert (found[0].body, found[0].fields, found[0].deliveries) == ("a", {"event": "a", "trace": "t"}, 1)


async def test_take_hands_out_no_more_than_its_limit_and_nothing_twice(store: Store) -> None:
    """Entries come once, in portions."""
    added = [await store.add({"event": str(number)}) for number in range(5)]
    inbox = store.client().inbox
    portions = [[entry.entry_id for entry in await inbox.take(2, 0)] for _ in range(4)]
    assert portions == [added[:2], added[2:4], added[4:], []]


async def test_take_is_empty_after_its_wait(store: Store) -> None:
    """Without entries it waits as long as asked, and ends."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await store.client().inbox.take(1, 0.2) == []
    assert 0.2 <= loop.time() - started < 2


async def test_take_returns_as_soon_as_an_entry_is_added(store: Store) -> None:
    """A waiting take is woken by a new entry."""
    inbox = store.client().inbox
    waiting = asyncio.create_task(inbox.take(1, 5))
    await asyncio.sleep(0.05)
    entry_id = await store.add({"event": "late"})
    assert [entry.entry_id for entry in await asyncio.wait_for(waiting, 2)] == [entry_id]


async def test_an_entry_without_the_field_has_no_body(store: Store) -> None:
    """A missing field `event` is None, not an empty text; the fields are there whole."""
    await store.add({"evnt": "x", "other": ""})
    [entry] = await store.client().inbox.take(1, 0)
    assert entry.body is None
    assert entry.fields == {"evnt": "x", "other": ""}


async def test_a_restarted_consumer_gets_its_pending_entries_first(store: Store) -> None:
    """What was handed out before a crash comes again before anything new, paged, counted as delivered again."""
    old = [await store.add({"event": str(number)}) for number in range(5)]
    await store.client().inbox.take(5, 0)
    new = await store.add({"event": "new"})
    restarted = store.client().inbox
    taken = [entry for _ in range(4) for entry in await restarted.take(2, 0)]
    assert [entry.entry_id for entry in taken] == [*old, new]
    assert [entry.deliveries for entry in taken] == [2, 2, 2, 2, 2, 1]


async def test_deliveries_grow_with_every_restart_without_progress(store: Store) -> None:
    """Each hand-out counts, so that an entry that kills its processor can be recognised."""
    await store.add({"event": "poison"})
    counts = [(await store.client().inbox.take(1, 0))[0].deliveries for _ in range(4)]
    assert counts == [1, 2, 3, 4]


async def test_renewing_resets_the_deliveries(store: Store) -> None:
    """Progress clears the count: after a renewal the next hand-out is the first again."""
    entry_id = await store.add({"event": "slow"})
    await store.client().inbox.take(1, 0)
    second = store.client().inbox
    [entry] = await second.take(1, 0)
    assert entry.deliveries == 2
    assert list(await second.renew([entry_id])) == []
    assert (await store.client().inbox.take(1, 0))[0].deliveries == 1


async def test_acknowledged_entries_never_come_again(store: Store) -> None:
    """After an acknowledgement neither this consumer nor another gets the entry; repeating it is harmless."""
    entry_id = await store.add({"event": "a"})
    inbox = store.client().inbox
    await inbox.take(1, 0)
    await inbox.acknowledge([entry_id])
    await inbox.acknowledge([entry_id])
    await asyncio.sleep(LEASE_OVER)
    assert await store.client().inbox.take(1, 0) == []
    assert await store.client("two").inbox.take(1, 0) == []
    assert await store.pending() == set()


async def test_many_entries_are_acknowledged_at_once(store: Store) -> None:
    """Those named are done with, the others stay; none is no error."""
    added = [await store.add({"event": text}) for text in "abc"]
    inbox = store.client().inbox
    await inbox.take(3, 0)
    await inbox.acknowledge([])
    await inbox.acknowledge(added[:2])
    assert await store.pending() == {added[2]}


async def test_entries_of_a_dead_consumer_are_taken_over_after_the_lease(store: Store) -> None:
    """Nobody else gets an entry within the lease; after it the next consumer does."""
    await store.add({"event": "a"})
    await store.client("dead").inbox.take(1, 0)
    other = store.client("alive").inbox
    assert await other.take(1, 0) == []
    [entry] = await other.take(1, LEASE_SECONDS * 5)
    assert (entry.body, entry.deliveries) == ("a", 2)


async def test_all_entries_of_a_dead_consumer_are_taken_over(store: Store) -> None:
    """Taking over goes on over as many portions as there are."""
    added = [await store.add({"event": str(number)}) for number in range(7)]
    await store.client("dead").inbox.take(7, 0)
    await asyncio.sleep(LEASE_OVER)
    other = store.client("alive").inbox
    taken = [entry.entry_id for _ in range(4) for entry in await other.take(3, 0)]
    assert taken == added


async def test_a_renewed_entry_is_not_taken_over(store: Store) -> None:
    """A slow run that renews keeps its entry beyond the lease."""
    entry_id = await store.add({"event": "slow"})
    slow = store.client("slow").inbox
    await slow.take(1, 0)
    other = store.client("other").inbox
    for _ in range(4):
        await asyncio.sleep(LEASE_SECONDS / 2)
        assert list(await slow.renew([entry_id])) == []
        assert await other.take(1, 0) == []


async def test_renewing_never_steals_and_tells_what_was_lost(store: Store) -> None:
    """An entry that another consumer has, that is acknowledged or unknown comes back and stays as it is."""
    lost, kept, done = [await store.add({"event": text}) for text in ("lost", "kept", "done")]
    slow, other = store.client("slow").inbox, store.client("other").inbox
    await slow.take(3, 0)
    await slow.acknowledge([done])
    await asyncio.sleep(LEASE_OVER)
    await slow.renew([kept])
    assert [entry.entry_id for entry in await other.take(3, 0)] == [lost]
    unknown = EntryId("1-1")
    assert list(await slow.renew([lost, kept, done, unknown])) == [lost, done, unknown]
    assert list(await other.renew([lost])) == []


async def test_renewing_nothing_loses_nothing(store: Store) -> None:
    """An idle processor may renew all the same."""
    assert list(await store.client().inbox.renew([])) == []


async def test_a_lost_entry_may_be_reclaimed_and_is_then_handed_out_again(store: Store) -> None:
    """Whoever was told that an entry is lost gets it back as any other consumer would."""
    entry_id = await store.add({"event": "a"})
    first, second = store.client("first").inbox, store.client("second").inbox
    await first.take(1, 0)
    await asyncio.sleep(LEASE_OVER)
    await second.take(1, 0)
    assert list(await first.renew([entry_id])) == [entry_id]
    [entry] = await first.take(1, LEASE_SECONDS * 5)
    assert (entry.entry_id, entry.deliveries) == (entry_id, 3)


async def test_an_entry_in_work_is_not_handed_out_again_when_its_lease_ran_out(store: Store) -> None:
    """A consumer that forgot to renew does not take its own work over."""
    await store.add({"event": "a"})
    inbox = store.client().inbox
    await inbox.take(1, 0)
    await asyncio.sleep(LEASE_OVER)
    assert await inbox.take(1, LEASE_SECONDS) == []


async def test_entries_deleted_while_pending_are_handed_out_without_fields(store: Store) -> None:
    """Somebody trimmed the stream: what is gone is not forgotten until it was told as a dead letter."""
    gone, left = [await store.add({"event": text}) for text in ("gone", "left")]
    await store.client().inbox.take(2, 0)
    await store.delete(gone)
    inbox = store.client().inbox
    missing, whole = await inbox.take(2, 0)
    assert (missing.entry_id, missing.body, missing.fields) == (gone, None, {})
    assert (whole.entry_id, whole.body) == (left, "left")
    assert await store.pending() == {gone, left}
    await inbox.dead_letter(missing, "deleted", AT)
    assert [letter["entry_id"] for letter in await store.dead()] == [gone]
    assert await store.pending() == {left}


async def test_a_dead_letter_is_kept_whole_and_acknowledged(store: Store) -> None:
    """The dead-letter stream has the body as received, the reason, the entry and the time."""
    entry_id = await store.add({"event": "{broken"})
    inbox = store.client().inbox
    [entry] = await inbox.take(1, 0)
    await inbox.dead_letter(entry, "not JSON", AT)
    expected = {
        "event": "{broken",
        "reason": "not JSON",
        "entry_id": entry_id,
        "at": "2026-01-05T15:00:00Z",
    }
    assert await store.dead() == [expected]
    assert await store.pending() == set()


async def test_a_dead_letter_without_the_field_keeps_every_field(store: Store) -> None:
    """When `event` is missing, all fields are kept as JSON."""
    await store.add({"evnt": "x"})
    inbox = store.client().inbox
    [entry] = await inbox.take(1, 0)
    await inbox.dead_letter(entry, "no event", AT)
    assert [letter["event"] for letter in await store.dead()] == ['{"evnt":"x"}']


async def test_a_dead_letter_of_an_enormous_entry_keeps_its_beginning(store: Store) -> None:
    """Stored twice it might not fit, and an entry that cannot be buried comes back for ever."""
    await store.add({"event": "x" * (LETTER_CHARS_MAX + 1)})
    inbox = store.client().inbox
    [entry] = await inbox.take(1, 0)
    await inbox.dead_letter(entry, "too large", AT)
    assert [len(letter["event"]) for letter in await store.dead()] == [LETTER_CHARS_MAX]


async def test_dead_lettering_again_adds_nothing(store: Store) -> None:
    """A repeat, also by another processor after a crash in between, leaves one dead letter."""
    await store.add({"event": "bad"})
    inbox = store.client().inbox
    [entry] = await inbox.take(1, 0)
    await inbox.dead_letter(entry, "bad", AT)
    await inbox.dead_letter(entry, "bad", AT)
    await store.client("two").inbox.dead_letter(entry, "bad", AT)
    assert len(await store.dead()) == 1
