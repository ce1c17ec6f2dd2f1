from __future__ import annotations

import asyncio
from collections.abc import Sequence

from event_processor.application.desk import Pauses
from event_processor.application.ending import hold
from event_processor.domain.facts import PlanRecorded
from event_processor.domain.ids import EventKey
from event_processor.domain.record import Outcome, Stage
from event_processor.ports import Pause
from tests.support.builders import ACCOUNT, AT
from tests.support.stories import mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

HOLD = Pause(ACCOUNT, "an event needs review", AT, held=True)


def test_a_hold_stands_until_a_reading_begun_after_it_was_stored_does_not_show_it() -> None:
    """Readings are slow: one begun before the hold was in the store says nothing of it, whenever it ends."""
    pauses = Pauses()
    early = pauses.reading()
    pauses.hold(HOLD)
    pauses.replace([], early)
    meanwhile = pauses.reading()
    assert pauses.on(ACCOUNT) == HOLD
    pauses.stored(HOLD)
    pauses.replace([], meanwhile)
    assert pauses.on(ACCOUNT) == HOLD
    pauses.replace([], pauses.reading())
    assert pauses.on(ACCOUNT) is None


def test_a_hold_gives_way_to_what_the_store_shows() -> None:
    """Once it was read back it stands and falls with the store."""
    pauses = Pauses()
    pauses.hold(HOLD)
    pauses.stored(HOLD)
    pauses.replace([HOLD], pauses.reading())
    assert pauses.current == (HOLD,)
    pauses.replace([], pauses.reading())
    assert pauses.on(ACCOUNT) is None


def test_a_pause_stops_its_account_or_all() -> None:
    """And no other account."""
    pauses = Pauses()
    pauses.replace([Pause("DU7654321", "by a person", AT)], pauses.reading())
    assert pauses.on(ACCOUNT) is None
    everybody = Pause("all", "by a person", AT)
    pauses.replace([everybody], pauses.reading())
    assert pauses.on(ACCOUNT) == everybody


def test_an_event_of_a_paused_account_is_not_even_planned() -> None:
    """A plan would be old when the pause is lifted, and be told for nothing."""

    async def story() -> tuple[Stage, World]:
        world = World(mixed())
        world.store.pauses["all", False] = Pause("all", "by a person", world.clock.now())
        world.start()
        await asyncio.sleep(1)
        world.publish(mixed_event())
        await asyncio.sleep(3)
        [before] = world.store.records.values()
        world.store.pauses.clear()
        await world.settle()
        await world.close()
        return before.stage, world

    before, world = run_virtual(story())
    assert before is Stage.ACCEPTED
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]
    assert len([fact for fact in world.facts if isinstance(fact, PlanRecorded)]) == 1


def test_a_hold_names_the_events_of_its_own_account_and_is_lifted_with_the_store_s() -> None:
    """Those an earlier hold of the account named stay named; another account's are none of its business. Lifted before
    any reading has shown it, it is lifted here, too."""
    first, second, other = EventKey("first"), EventKey("second"), EventKey("other")
    elsewhere = Pause("DU7654321", "another account's", AT, held=True, events=(other,))

    async def story() -> tuple[tuple[EventKey, ...], Pause | None]:
        world = World(mixed())
        desk = world.start().desk
        world.store.pauses[elsewhere.scope, True] = elsewhere
        await hold(desk, ACCOUNT, "it needs review", first)
        await hold(desk, ACCOUNT, "it needs review", second)
        named = world.store.pauses[ACCOUNT, True].events
        del world.store.pauses[ACCOUNT, True]
        await asyncio.sleep(3)
        await world.close()
        return named, desk.pauses.on(ACCOUNT)

    assert run_virtual(story()) == ((first, second), None)


def test_a_hold_that_came_while_the_store_was_being_read_stands() -> None:
    """What that reading brings is of before the hold was stored, so it lifts nothing."""

    async def story() -> Pause | None:
        world = World(mixed())
        desk = world.start().desk
        await asyncio.sleep(0.5)
        read, held = desk.journal.pauses, asyncio.Event()

        async def slow() -> Sequence[Pause]:
            found = await read()
            if not held.is_set():
                held.set()
                await hold(desk, ACCOUNT, "it needs review", EventKey("first"))
            return found

        desk.journal.pauses = slow  # type: ignore[method-assign]
        await held.wait()
        await asyncio.sleep(0.1)
        stands = desk.pauses.on(ACCOUNT)
        await world.close()
        return stands

    assert run_virtual(story()) is not None
