"""A run belongs to the lease it was begun under."""

from __future__ import annotations

import asyncio

from event_processor.domain.facts import Fact, OrderOutcomeUnknown, OrderWorking
from event_processor.domain.ids import AccountId
from event_processor.domain.record import Outcome
from gateway_simulator.settings import FaultSettings
from tests.support.process import Process
from tests.support.stories import ACCOUNT, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SYMBOL = "SPY"
RESTS = FaultSettings("order", {"symbol": SYMBOL, "count": 1, "fill_delay_ms": 30_000})
SOON = 10.0


def test_a_run_ends_with_its_lease_and_is_taken_up_again_with_doubts() -> None:
    """The store gave the account to another processor, which gave it back: what was out meanwhile may have been worked
    on, so it is not believed any longer, even while nothing is heard of it."""
    lost: list[float] = []
    doubted: list[float] = []

    async def story() -> World:
        world = World(mixed(RESTS))

        def heard(process: Process, fact: Fact) -> None:
            if getattr(fact, "symbol", "") != SYMBOL:
                return
            if isinstance(fact, OrderWorking) and not lost:
                asyncio.get_running_loop().call_later(3, lose, process)
            elif isinstance(fact, OrderOutcomeUnknown):
                doubted.append(world.now)

        def lose(process: Process) -> None:
            lost.append(world.now)
            world.store.leases[AccountId(ACCOUNT)] = ("another", world.store.next_token(), world.now + 1)
            process.desk.leases.drop(AccountId(ACCOUNT))
            process.desk.bell.ring()

        world.on_fact = heard
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]
    assert doubted
    assert doubted[0] < lost[0] + SOON
    assert world.problems() == []
