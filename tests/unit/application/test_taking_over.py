"""A process that starts soon after another died, at a store that may have lost what that one wrote last."""

from __future__ import annotations

import asyncio

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import EventWaiting, Fact, OrderSubmitted
from event_processor.domain.record import Outcome
from gateway_simulator.settings import Latency
from tests.support.process import Process
from tests.support.simulated_trouble import Trouble
from tests.support.stories import mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

DELAY = TradingSettings().visibility_delay
SLOW = Latency(positions_ms=3000, account_ms=3000, lookup_ms=3000)
"""The broker shows orders, executions and positions three seconds late."""


def forgotten(lost_write: int) -> World:
    """The mixed event, two orders a batch. The store forgets that change after having answered; the process dies right
    after the first order that leaves from then on."""
    worlds: list[World] = []

    def heard(process: Process, fact: Fact) -> None:
        lost = any("loses the effect" in line for line in worlds[0].timeline())
        if isinstance(fact, OrderSubmitted) and lost and not worlds[0].deaths:
            process.kill()

    async def story() -> None:
        trouble = Trouble(lost_write=lost_write)
        world = World(mixed(latency=SLOW), trouble=trouble, trading=TradingSettings(batch=2), hold_seconds=60)
        worlds.append(world)
        world.on_fact = heard
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()

    run_virtual(story())
    return worlds[0]


@pytest.mark.parametrize("lost_write", range(1, 13))
def test_no_order_is_doubled_whatever_the_store_forgot(lost_write: int) -> None:
    """What left in the last moment does not show yet when the next process looks first, and the store knows nothing
    of it: nothing that may be it is sent before the broker has had time to show it."""
    world = forgotten(lost_write)
    assert world.deaths == 1
    assert not world.problems()
    assert all(len(orders) == 1 for orders in world.sim.ledger.orders_by_ref().values())


def begun_after(*, died: bool) -> tuple[World, float]:
    """One event, and how long after it could have been begun its first order left; with `died` a process that had
    accepted it was gone before it traded."""
    worlds, sent = list[World](), list[float]()

    def heard(_: Process, fact: Fact) -> None:
        if isinstance(fact, OrderSubmitted):
            sent.append(asyncio.get_running_loop().time())

    async def story() -> None:
        world = World(mixed())
        worlds.append(world)
        process = world.start()
        if died:
            world.publish(mixed_event())
            process.kill()
        else:
            await asyncio.sleep(1)
            world.publish(mixed_event())
        sent.append(asyncio.get_running_loop().time())
        world.on_fact = heard
        await world.settle()
        await world.close()

    run_virtual(story())
    return worlds[0], sent[1] - sent[0]


def test_only_an_event_from_before_the_start_waits_and_says_why() -> None:
    """An event of the process's own time is begun at once."""
    world, seconds = begun_after(died=True)
    assert [fact.reason_code for fact in world.facts if isinstance(fact, EventWaiting)][-1] == "taking_over"
    assert DELAY <= seconds < DELAY + 4
    world, seconds = begun_after(died=False)
    assert "taking_over" not in [fact.reason_code for fact in world.facts if isinstance(fact, EventWaiting)]
    assert seconds < 1
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]
