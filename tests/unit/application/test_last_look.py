"""Between the durable mark and the socket anything may happen: what a batch was allowed by is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from event_processor.domain.facts import Fact, OrderSubmitted, OrderTakenBack, PlanRecorded
from event_processor.domain.ids import AccountId
from event_processor.domain.intent import IntentState
from event_processor.domain.record import Outcome
from event_processor.domain.weekly import GatewayHours
from event_processor.ports import Pause
from tests.support.memory_store import Moment
from tests.support.process import EPOCH, Process
from tests.support.stories import ACCOUNT, SELLING, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

RESTART_SECONDS, LEAD_SECONDS = 200, 20
PAUSED_SECONDS = 5.0
HOURS = GatewayHours(
    ZoneInfo("UTC"),
    (EPOCH + timedelta(seconds=RESTART_SECONDS)).time(),
    lead=timedelta(seconds=LEAD_SECONDS),
)
Cause = Callable[[World, Process], None]


def _interrupted(_: World, process: Process) -> None:
    process.desk.session.epoch += 1


def _paused(world: World, process: Process) -> None:
    pauses = process.desk.pauses
    pauses.replace([Pause(ACCOUNT, "by a person", world.clock.now())], pauses.reading())


def _lost(_: World, process: Process) -> None:
    process.desk.leases.drop(AccountId(ACCOUNT))


def _expired(world: World, _: Process) -> None:
    world.clock.ahead += timedelta(days=2).total_seconds()


def _restart_soon(world: World, _: Process) -> None:
    world.clock.ahead += RESTART_SECONDS - LEAD_SECONDS


class Story:
    """The mixed event; `cause` comes right after its first batch was marked, before the store has answered.
    `facts` are those told from then on."""

    def __init__(self, cause: Cause) -> None:
        self.facts: list[Fact] = []
        self._cause, self._happened = cause, False
        run_virtual(self._run())

    async def _run(self) -> None:
        self._world = World(mixed(), hours=HOURS)
        self._world.on_call, self._world.on_fact = self._called, self._heard
        self._world.start()
        self._world.publish(mixed_event())
        await self._world.settle()
        await self._world.close()

    def _called(self, process: Process, call: str, moment: Moment) -> None:
        records = self._world.store.records.values()
        marked = any(i.state is IntentState.SUBMITTING for record in records for i in record.intents)
        if (call, moment, marked, self._happened) == ("write", "after", True, False):
            self._happened = True
            self._cause(self._world, process)

    def _heard(self, _: Process, fact: Fact) -> None:
        if self._happened:
            self.facts.append(fact)


@pytest.mark.parametrize("cause", [_interrupted, _paused, _lost, _expired, _restart_soon])
def test_a_marked_batch_does_not_leave_when_its_right_to_is_gone(cause: Cause) -> None:
    """The session was interrupted, a person paused the account, the lease went, the event expired, the restart came
    near: all of the batch is taken back before anything leaves, if anything does."""
    moves = [fact for fact in Story(cause).facts if isinstance(fact, OrderTakenBack | OrderSubmitted)]
    assert [type(fact) for fact in moves[: len(SELLING)]] == [OrderTakenBack] * len(SELLING)


def test_a_pause_that_only_the_store_knows_stops_the_first_order() -> None:
    """A person pauses the account between two readings: the very write before the send sees it, nothing leaves before
    the pause is lifted, and then everything does."""
    resumed: list[float] = []

    def paused(world: World, fact: Fact) -> None:
        if not isinstance(fact, PlanRecorded) or resumed:
            return
        world.store.pauses[ACCOUNT, False] = Pause(ACCOUNT, "by a person", world.clock.now())
        resumed.append(world.now + PAUSED_SECONDS)
        asyncio.get_running_loop().call_later(PAUSED_SECONDS, world.store.pauses.clear)

    async def story() -> World:
        world = World(mixed())
        world.on_fact = lambda _, fact: paused(world, fact)
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    received = [datetime.fromisoformat(str(entry["time"])) for entry in world.sim.ledger.of("order_received")]
    assert world.problems() == []
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]
    assert min(received) >= EPOCH + timedelta(seconds=resumed[0])
