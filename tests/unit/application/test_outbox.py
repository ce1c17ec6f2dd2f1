from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from event_processor.application.bell import Bell
from event_processor.application.outbox import publish_pending, run_outbox
from event_processor.domain.record import Outcome
from event_processor.errors import StoreUnavailable
from tests.support.builders import AT
from tests.support.making import running
from tests.support.memory_store import MemoryStore, Moment
from tests.support.records import accepted, note
from tests.support.stories import WEIGHTS, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

STEPS = [(Outcome.ACCEPTED, ""), (Outcome.PLANNED, "plan-1"), (Outcome.COMPLETED, "")]


def store_with_notes() -> MemoryStore:
    """A store whose outbox holds three notes of one event."""
    store = MemoryStore()
    record = accepted()
    store.records[record.key] = record
    store.note([note(kind, mark, step=number) for number, (kind, mark) in enumerate(STEPS)], record.key)
    return store


def test_notes_are_published_in_order_and_marked() -> None:
    """What the journal wrote becomes envelopes in the same order; afterwards nothing is left."""

    async def main() -> None:
        store = store_with_notes()
        client = store.client("one")
        assert await publish_pending(client.journal, client.outcomes) == 3
        assert [envelope["type"] for envelope in store.outcomes] == [
            "rebalance.accepted.v1",
            "rebalance.planned.v1",
            "rebalance.completed.v1",
        ]
        assert [envelope["data"]["step"] for envelope in store.outcomes] == [0, 1, 2]
        assert store.outbox == {}
        assert await publish_pending(client.journal, client.outcomes) == 0

    run_virtual(main())


def test_an_outcome_has_the_time_of_its_note() -> None:
    """And not that of the event's acceptance, or of the publishing."""

    async def main() -> None:
        store, at = MemoryStore(), AT + timedelta(minutes=7)
        record = accepted()
        store.records[record.key] = record
        store.note([replace(note(), at=at)], record.key)
        client = store.client("one")
        await publish_pending(client.journal, client.outcomes)
        assert [envelope["time"] for envelope in store.outcomes] == ["2026-01-05T15:07:00Z"]

    run_virtual(main())


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["unpublished", "publish", "published"])
def test_an_outage_repeats_but_never_loses_or_reorders(call: str, moment: Moment) -> None:
    """At least once, in order, a repetition under the same id: readers can de-duplicate."""

    async def main() -> None:
        store = store_with_notes()
        client = store.client("one")

        async def outage(name: str, when: Moment) -> None:
            if (name, when) == (call, moment) and asyncio.get_running_loop().time() < 3:
                raise StoreUnavailable

        store.interrupt = outage
        async with running(run_outbox(client.journal, client.outcomes, Bell())):
            await asyncio.sleep(10)
        ids = [envelope["id"] for envelope in store.outcomes]
        once = list(dict.fromkeys(ids))
        assert len(once) == 3
        assert ids == once * (len(ids) // 3)
        assert store.outbox == {}

    run_virtual(main())


def test_a_ring_publishes_at_once_and_silence_within_a_second() -> None:
    """Whoever writes a note rings; what was written without ringing is found soon."""

    async def main() -> list[float]:
        store, bell, seen = MemoryStore(), Bell(), list[float]()
        client = store.client("one")
        record = accepted()
        store.records[record.key] = record

        async def published(name: str, when: Moment) -> None:
            if (name, when) == ("publish", "after"):
                seen.append(asyncio.get_running_loop().time())

        store.interrupt = published
        async with running(run_outbox(client.journal, client.outcomes, bell)):
            await asyncio.sleep(10.4)
            store.note([note()], record.key)
            bell.ring()
            await asyncio.sleep(10)
            store.note([note(Outcome.COMPLETED)], record.key)
            await asyncio.sleep(10)
        return seen

    rung, found = run_virtual(main())
    assert rung == pytest.approx(10.4)
    assert 20.4 <= found <= 21.4


def test_more_notes_than_a_batch_follow_without_waiting() -> None:
    """A long backlog is published batch after batch in one go."""

    async def main() -> int:
        store = MemoryStore()
        client = store.client("one")
        record = accepted()
        store.records[record.key] = record
        store.note([note(mark=str(number)) for number in range(450)], record.key)
        async with running(run_outbox(client.journal, client.outcomes, Bell())):
            await asyncio.sleep(0.5)
        return len({envelope["id"] for envelope in store.outcomes})

    assert run_virtual(main()) == 450


def test_a_producer_hears_once_of_each_order_that_it_is_there_and_that_it_filled() -> None:
    """And of the event that it was accepted, planned and completed, however often its record was written."""

    async def story() -> World:
        world = World(mixed())
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    told = Counter(str(envelope["data"]["outcome"]) for envelope in run_virtual(story()).store.outcomes)
    orders = len(WEIGHTS)
    assert told == {"accepted": 1, "planned": 1, "order_submitted": orders, "order_filled": orders, "completed": 1}
