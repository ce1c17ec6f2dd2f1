from __future__ import annotations

import asyncio
import json

import pytest

from event_processor.domain.facts import EntryDeadLettered, StoreLost, StoreRestored
from event_processor.domain.record import Outcome
from event_processor.errors import StoreUnavailable
from tests.support.admitting import SETTINGS, Door, soon
from tests.support.builders import event_body, event_text
from tests.support.making import running
from tests.support.memory_state import Pending
from tests.support.memory_store import Moment
from tests.support.records import closed
from tests.support.virtual_time import run_virtual


def test_a_restart_takes_up_what_was_accepted() -> None:
    """The next process gets the pending entry again, hands the known record on and accepts nothing twice."""

    async def main() -> None:
        first = Door()
        async with running(first.intake.run()):
            entry_id = first.store.publish(event_text())
            await soon()
        second = Door(first.store)
        async with running(second.intake.run()):
            await soon()
            assert second.dispatched == first.dispatched
            assert second.outcomes() == [Outcome.ACCEPTED]
            assert entry_id in second.store.pending
            second.close()
            await soon()
            second.check_done_with(entry_id)

    run_virtual(main())


@pytest.mark.parametrize(("deliveries", "buried"), [(4, False), (5, True)])
def test_an_entry_that_never_gets_accepted_is_poison(deliveries: int, buried: bool) -> None:
    """Handed out more often than allowed without progress it breaks whoever takes it: dead letter."""

    async def main() -> None:
        door = Door()
        entry_id = door.store.publish(event_text())
        door.store.delivered.add(entry_id)
        door.store.pending[entry_id] = Pending("one", 0.0, deliveries)
        async with running(door.intake.run()):
            await soon()
        assert bool(door.store.dead) is buried
        assert bool(door.dispatched) is not buried
        codes = [fact.reason_code for fact in door.facts.of(EntryDeadLettered)]
        assert codes == (["delivery_limit"] if buried else [])

    run_virtual(main())


def test_an_accepted_event_is_never_poison() -> None:
    """However often its entry was handed out by restarts: what is accepted is worked on."""

    async def main() -> None:
        first = Door()
        async with running(first.intake.run()):
            entry_id = first.store.publish(event_text())
            await soon()
        first.store.pending[entry_id] = Pending("one", 0.0, 999)
        second = Door(first.store)
        async with running(second.intake.run()):
            await soon()
        assert len(second.dispatched) == 1
        assert second.store.dead == []

    run_virtual(main())


def test_only_the_entry_that_broke_the_processor_is_poison() -> None:
    """Entries of one batch are handed out together: those behind the one that crashed us are innocent."""

    async def main() -> None:
        door = Door()
        bodies = [json.dumps({**event_body(), "id": name}) for name in ("breaks", "innocent", "innocent too")]
        entries = [door.store.publish(body) for body in bodies]
        for entry_id in entries:
            door.store.delivered.add(entry_id)
            door.store.pending[entry_id] = Pending("one", 0.0, SETTINGS.delivery_limit)
        async with running(door.intake.run()):
            await soon()
        assert [dead["entry_id"] for dead in door.store.dead] == entries[:1]
        assert [record.event.id for record in door.dispatched] == ["innocent", "innocent too"]

    run_virtual(main())


@pytest.mark.parametrize("was_accepted", [False, True])
def test_an_entry_that_somebody_deleted_is_told(was_accepted: bool) -> None:
    """Nobody could read it, so a person hears of it; an event that was accepted before stays as it was."""

    async def main() -> None:
        first = Door()
        entry_id = first.store.publish(event_text())
        if was_accepted:
            async with running(first.intake.run()):
                await soon()
        first.store.delivered.add(entry_id)
        first.store.pending[entry_id] = Pending("one", 0.0, 1)
        del first.store.entries[entry_id]
        second = Door(first.store)
        async with running(second.intake.run()):
            await soon()
        [told] = second.facts.of(EntryDeadLettered)
        assert (told.entry_id, told.reason_code) == (entry_id, "deleted")
        assert "publish it again" in second.store.dead[0]["reason"]
        assert len(second.store.records) == was_accepted
        second.check_done_with(entry_id)

    run_virtual(main())


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["take", "find", "accept", "acknowledge", "dead_letter", "renew"])
def test_a_store_outage_anywhere_loses_nothing(call: str, moment: Moment) -> None:
    """The store fails for a while at one call, before or after its effect: in the end each entry has had exactly
    its effect, once."""

    async def main() -> None:
        door = Door()

        async def outage(name: str, when: Moment) -> None:
            if (name, when) == (call, moment) and asyncio.get_running_loop().time() < 20:
                raise StoreUnavailable

        door.store.interrupt = outage
        async with running(door.intake.run()):
            entries = [door.store.publish(event_text()), door.store.publish(event_text()), door.store.publish("broken")]
            await asyncio.sleep(60)
            assert [note for note in door.outcomes() if note is Outcome.ACCEPTED] == [Outcome.ACCEPTED]
            assert door.dispatched
            assert all(record.key == door.record.key for record in door.dispatched)
            assert [dead["entry_id"] for dead in door.store.dead] == [entries[2]]
            assert set(door.store.pending) == {entries[0]}
            door.close()
            await soon()
            assert door.store.pending == {}
            assert not door.intake.store_lost

    run_virtual(main())


def test_a_lost_store_is_told_once_and_so_is_its_return() -> None:
    """Many failed calls are one outage."""

    async def main() -> None:
        door = Door()

        async def outage(name: str, when: Moment) -> None:
            if asyncio.get_running_loop().time() < 30:
                raise StoreUnavailable("Redis is gone")

        door.store.interrupt = outage
        async with running(door.intake.run()):
            await asyncio.sleep(10)
            lost = [door.intake.store_lost]
            await asyncio.sleep(30)
            assert [*lost, door.intake.store_lost] == [True, False]
        assert [fact.reason for fact in door.facts.of(StoreLost)] == ["Redis is gone"]
        assert len(door.facts.of(StoreRestored)) == 1

    run_virtual(main())


def test_an_acknowledgement_that_failed_is_repeated() -> None:
    """Closed, but the store was away just then: the entry is acknowledged when it is back."""

    async def main() -> None:
        door = Door()

        async def outage(name: str, when: Moment) -> None:
            if name == "acknowledge" and asyncio.get_running_loop().time() < 30:
                raise StoreUnavailable

        async with running(door.intake.run()):
            entry_id = door.store.publish(event_text())
            await soon()
            door.store.interrupt = outage
            door.close()
            await asyncio.sleep(20)
            assert entry_id in door.store.pending
            await asyncio.sleep(20)
            door.check_done_with(entry_id)

    run_virtual(main())


def test_what_another_processor_closed_is_acknowledged_too() -> None:
    """It held the account's lease and finished the event; the entry was still ours."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            entry_id = door.store.publish(event_text())
            await soon()
            door.store.records[door.record.key] = closed(door.record)
            await asyncio.sleep(SETTINGS.renew_seconds + 2)
            door.check_done_with(entry_id)

    run_virtual(main())


def test_an_entry_that_was_taken_over_is_no_longer_ours_to_acknowledge() -> None:
    """Another consumer has claimed it: we forget it and leave it alone."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            entry_id = door.store.publish(event_text())
            await soon()
            door.store.pending[entry_id] = Pending("two", 0.0, 1)
            await asyncio.sleep(SETTINGS.renew_seconds + 2)
            assert door.intake.pending == 0
            door.close()
            await soon()
            assert door.store.pending[entry_id].consumer == "two"

    run_virtual(main())


def test_waiting_entries_stay_fresh_for_hours() -> None:
    """Renewed all the time, they are never idle long enough to be taken for left behind, nor counted as poison."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            entry_id = door.store.publish(event_text())
            for _ in range(100):
                await asyncio.sleep(60)
                pending = door.store.pending[entry_id]
                assert asyncio.get_running_loop().time() - pending.since <= SETTINGS.renew_seconds + 1
                assert pending.deliveries == 0
        assert len(door.dispatched) == 1

    run_virtual(main())


def test_an_event_closed_before_its_dispatch_is_noticed() -> None:
    """The worker found it in the journal first and was done at once: the entry is acknowledged all the same."""

    async def main() -> None:
        door = Door()

        async def overtake(name: str, when: Moment) -> None:
            if (name, when) == ("accept", "after"):
                record = door.record
                door.store.records[record.key] = closed(record)
                door.intake.closed(record.key)
                await asyncio.sleep(3)

        door.store.interrupt = overtake
        async with running(door.intake.run()):
            entry_id = door.store.publish(event_text())
            await asyncio.sleep(SETTINGS.renew_seconds * 2 + 2)
            door.check_done_with(entry_id)

    run_virtual(main())
