from __future__ import annotations

from event_processor.application import telling
from event_processor.domain.facts import StoreLost, StoreRestored
from event_processor.errors import StoreUnavailable
from tests.support.stories import mixed
from tests.support.virtual_time import run_virtual
from tests.support.world import World


def test_a_store_that_refuses_writes_is_told_once_until_it_takes_one() -> None:
    """It may answer reads all the while, so that only who writes sees it; and each try to write again is no news."""

    async def story() -> tuple[list[bool], World]:
        world = World(mixed())
        desk, failing = world.start().desk, []
        for _ in range(2):
            for _ in range(3):
                telling.store_failed(desk, StoreUnavailable("full"))
            failing.append(desk.store.failing)
            for _ in range(2):
                telling.store_works(desk)
            failing.append(desk.store.failing)
        await world.close()
        return failing, world

    failing, world = run_virtual(story())
    assert failing == [True, False, True, False]
    told = [type(fact) for fact in world.facts if isinstance(fact, StoreLost | StoreRestored)]
    assert told == [StoreLost, StoreRestored, StoreLost, StoreRestored]
