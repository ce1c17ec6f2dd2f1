"""After a refusal because the API was read-only, one order at a time is tried until the broker has taken one."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import groupby

from event_processor.domain.facts import Fact, OrderSubmitted, OrderSubmitting, PlanRecorded
from event_processor.domain.record import Outcome
from tests.support.process import Process
from tests.support.stories import SELLING, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SECONDS = 5.0


def test_one_order_proves_that_the_api_may_write_again() -> None:
    """The first of the sells goes alone, the others together after it."""

    async def story() -> World:
        world = World(mixed())

        def heard(_: Process, fact: Fact) -> None:
            if isinstance(fact, PlanRecorded) and not any(isinstance(f, OrderSubmitting) for f in world.facts):
                world.sim.actions.read_only(on=True)
                asyncio.get_running_loop().call_later(SECONDS, partial(world.sim.actions.read_only, on=False))

        world.on_fact = heard
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    marks = [isinstance(f, OrderSubmitting) for f in world.facts if isinstance(f, OrderSubmitting | OrderSubmitted)]
    together = [len(list(run)) for marked, run in groupby(marks) if marked]
    assert together[:3] == [len(SELLING), 1, len(SELLING) - 1]
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]
    assert world.problems() == []
