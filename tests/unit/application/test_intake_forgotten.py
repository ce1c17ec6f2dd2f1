from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from event_processor.domain.ids import EntryId
from tests.support.admitting import SETTINGS, Door, soon
from tests.support.builders import event_text
from tests.support.making import running
from tests.support.virtual_time import run_virtual


def check_ended(door: Door, entry_id: EntryId, *, dead: bool) -> None:
    """A repeat is acknowledged, another body is kept as a dead letter; either leaves the stream."""
    assert entry_id not in door.store.pending
    assert [letter["entry_id"] for letter in door.store.dead] == ([entry_id] if dead else [])


@pytest.mark.parametrize("conflicting", [False, True])
def test_an_entry_the_store_forgot_makes_way_for_the_one_accepted_after_it(conflicting: bool) -> None:
    """What came under the same id meanwhile is the event now: the first is its repeat, or in conflict with it."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            first = door.store.publish(event_text())
            await soon()
            door.store.records.clear()
            second = door.store.publish(event_text(reason="changed my mind") if conflicting else event_text())
            await soon()
            check_ended(door, first, dead=conflicting)
            assert door.record.entry_id == second
            assert second in door.store.pending
            door.close()
            await soon()
            door.check_done_with(second)

    run_virtual(main())


@pytest.mark.parametrize("conflicting", [False, True])
def test_it_makes_way_also_when_another_processor_accepted_that_one(conflicting: bool) -> None:
    """Seen at the next renewal: the entry is never acknowledged for an event that says something else."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            first = door.store.publish(event_text())
            await soon()
            there = replace(door.record, entry_id=EntryId("9999999999999-0"))
            door.store.records[there.key] = replace(there, digest="another") if conflicting else there
            await asyncio.sleep(SETTINGS.renew_seconds + 2)
            check_ended(door, first, dead=conflicting)
            assert door.intake.pending == 0

    run_virtual(main())


def test_a_repeat_is_recognised_by_what_the_store_knows_now() -> None:
    """Repeats were recognised while the journal had the event as closed. Since it lost that, the next one is an event
    again, which the account's processor looks into."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            door.store.publish(event_text())
            await soon()
            door.close()
            door.store.publish(event_text())
            await soon()
            assert len(door.dispatched) == 1
            door.store.records.clear()
            again = door.store.publish(event_text())
            await soon()
            assert len(door.dispatched) == 2
            assert door.record.entry_id == again

    run_virtual(main())
