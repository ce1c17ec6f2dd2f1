"""What the store in memory adds to the ports: crashes, faults, one run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from event_processor.errors import StoreUnavailable
from tests.support.builders import ACCOUNT, AT
from tests.support.memory_store import Crashed, MemoryClient, MemoryStore, Moment
from tests.support.records import accepted, note
from tests.support.virtual_time import run_virtual

CALLS: dict[str, Callable[[MemoryClient], Awaitable[object]]] = {
    "take": lambda client: client.inbox.take(1, 0),
    "renew": lambda client: client.inbox.renew([]),
    "acknowledge": lambda client: client.inbox.acknowledge([accepted().entry_id]),
    "accept": lambda client: client.journal.accept(accepted(), []),
    "acquire": lambda client: client.journal.acquire(ACCOUNT, "one", 30),
    "find": lambda client: client.journal.find(accepted().key),
    "open_records": lambda client: client.journal.open_records(),
    "pauses": lambda client: client.journal.pauses(),
    "unpublished": lambda client: client.journal.unpublished(1),
    "publish": lambda client: client.outcomes.publish([{"id": "1"}]),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_killed_client_can_do_nothing_more(name: str) -> None:
    """After a crash every call raises and has no effect; another client goes on."""
    store = MemoryStore()
    client = store.client("one")
    client.kill()
    with pytest.raises(Crashed):
        await CALLS[name](client)
    assert (store.records, store.leases, store.outcomes) == ({}, {}, [])
    await CALLS[name](store.client("two"))


async def test_a_crash_while_a_call_is_under_way_ends_it() -> None:
    """A take that waits when its process dies never returns an entry."""
    store = MemoryStore()
    client = store.client("one")
    waiting = asyncio.create_task(client.inbox.take(1, 5))
    await asyncio.sleep(0)
    client.kill()
    store.publish("{}")
    with pytest.raises(Crashed):
        await waiting


@pytest.mark.parametrize(("moment", "kept"), [("before", 0), ("after", 1)])
async def test_a_fault_strikes_before_or_after_the_effect(moment: Moment, kept: int) -> None:
    """A write may fail with or without having happened; repeating it has one effect either way."""

    async def interrupt(call: str, at: Moment) -> None:
        if (call, at) == ("accept", moment):
            raise StoreUnavailable

    store = MemoryStore(interrupt)
    journal = store.client("one").journal
    with pytest.raises(StoreUnavailable):
        await journal.accept(accepted(), [note()])
    assert len(store.records) == kept
    store.interrupt = MemoryStore().interrupt
    await journal.accept(accepted(), [note()])
    assert (len(store.records), len(store.outbox)) == (1, 1)


async def test_an_entry_whose_take_failed_is_handed_out_by_the_next() -> None:
    """A lost reply leaves the entry pending, and this consumer gets it again."""

    async def interrupt(call: str, at: Moment) -> None:
        if at == "after":
            raise StoreUnavailable

    store = MemoryStore(interrupt)
    inbox = store.client("one").inbox
    store.publish("{}")
    with pytest.raises(StoreUnavailable):
        await inbox.take(1, 0)
    store.interrupt = MemoryStore().interrupt
    assert [(entry.body, entry.deliveries) for entry in await inbox.take(1, 0)] == [("{}", 2)]


def test_leases_and_waits_follow_virtual_time() -> None:
    """Hours of waiting take no time: an idle take, a lease that runs out, a take-over."""

    async def hours() -> tuple[int, int]:
        store = MemoryStore()
        slow, other = store.client("slow", 3600), store.client("other", 3600)
        first = await slow.journal.acquire(ACCOUNT, "slow", 3600)
        store.publish("{}")
        [entry] = await slow.inbox.take(1, 0)
        assert await other.inbox.take(1, 3500) == []
        assert await other.journal.acquire(ACCOUNT, "other", 10) is None
        [taken] = await other.inbox.take(1, 7200)
        second = await other.journal.acquire(ACCOUNT, "other", 10)
        assert first is not None
        assert second is not None
        assert list(await slow.inbox.renew([entry.entry_id])) == [taken.entry_id]
        await other.inbox.dead_letter(taken, "bad", AT)
        return first.token, second.token

    first, second = run_virtual(hours(), limit_seconds=20_000)
    assert first < second
