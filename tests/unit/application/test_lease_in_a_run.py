"""A run belongs to the lease it was begun under."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import (
    AccountHeld,
    Fact,
    LeaseChanged,
    OrderOutcomeUnknown,
    OrderWorking,
    ProcessorHalted,
)
from event_processor.domain.ids import AccountId, event_key
from event_processor.domain.record import EventRecord, Outcome, Stage
from event_processor.errors import InvariantViolated
from event_processor.ports import Lease, Pause
from gateway_simulator.settings import FaultSettings
from tests.support.builders import event_body
from tests.support.process import EPOCH, LEASE_SECONDS, Process
from tests.support.stories import ACCOUNT, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SYMBOL = "SPY"
RESTS = FaultSettings("order", {"symbol": SYMBOL, "count": 1, "fill_delay_ms": 30_000})
SOON = 10.0
LONG = 40.0


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


def test_an_account_that_another_took_is_left_alone_for_a_while() -> None:
    """A write finds that the lease is not ours, though by our clock it was: whoever took it may need it again soon."""
    lost: list[float] = []
    held: list[float] = []

    async def story() -> World:
        world = World(mixed(RESTS))

        def heard(_: Process, fact: Fact) -> None:
            if isinstance(fact, OrderWorking) and not lost:
                lost.append(world.now)
                world.store.leases[AccountId(ACCOUNT)] = ("another", world.store.next_token(), world.now + 1)
            elif isinstance(fact, LeaseChanged) and fact.held:
                held.append(world.now)

        world.on_fact = heard
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]
    assert len(held) == 2
    assert held[1] >= lost[0] + LEASE_SECONDS
    assert world.problems() == []


@pytest.mark.parametrize("error", [InvariantViolated("known"), RuntimeError("unknown")])
def test_a_halt_names_the_event_it_stopped_at(error: Exception) -> None:
    """So that a person is asked about it, and it is suspected of having sent more than the journal knows."""

    async def story() -> World:
        world = World(mixed())
        process = world.start()

        async def broken(*_: object, **__: object) -> EventRecord:
            raise error

        process.desk.journal.write = broken  # type: ignore[method-assign]
        world.publish(mixed_event())
        await asyncio.sleep(SOON)
        await world.close()
        return world

    world = run_virtual(story())
    assert world.store.pauses[ACCOUNT, True].events == tuple(world.store.records)


def test_an_account_is_not_kept_for_what_only_a_session_can_end() -> None:
    """A processor without a session waited long enough to tell so, but for the account's lease. When it gets that, a
    newer event supersedes the one that waited, which was held for review and cannot be ended without a look."""
    old, new = ({**event_body(account=ACCOUNT), "id": f"event-{number}"} for number in (1, 2))

    async def story() -> tuple[World, bool]:
        world = World(mixed(FaultSettings("refuse", {"seconds": LONG})))
        held = Pause(ACCOUNT, "look", EPOCH, held=True, events=(event_key(old["source"], old["id"]),))
        world.store.pauses[ACCOUNT, True] = held
        world.store.leases[AccountId(ACCOUNT)] = ("another", world.store.next_token(), 1.5 * SOON)
        world.start()
        world.publish(json.dumps(old))
        await asyncio.sleep(SOON / 2)
        world.publish(json.dumps(new))
        await asyncio.sleep(2.5 * SOON)
        free = world.store.lease_now(AccountId(ACCOUNT)) is None
        del world.store.pauses[ACCOUNT, True]
        await world.settle()
        await world.close()
        return world, free

    world, free = run_virtual(story())
    assert free
    assert [record.outcome for record in world.store.records.values()] == [Outcome.SUPERSEDED, Outcome.COMPLETED]


def test_what_a_hold_names_is_not_written_off_before_a_person_has_looked() -> None:
    """Also with a session, and though the broker shows nothing of it: the newer event waits with it."""
    old, new = ({**event_body(account=ACCOUNT), "id": f"event-{number}"} for number in (1, 2))

    async def story() -> tuple[World, list[Outcome | None]]:
        world = World(mixed())
        held = Pause(ACCOUNT, "look", EPOCH, held=True, events=(event_key(old["source"], old["id"]),))
        world.store.pauses[ACCOUNT, True] = held
        world.start()
        world.publish(json.dumps(old))
        world.publish(json.dumps(new))
        await asyncio.sleep(2 * SOON)
        before = [record.outcome for record in world.store.records.values()]
        del world.store.pauses[ACCOUNT, True]
        await world.settle()
        await world.close()
        return world, before

    world, before = run_virtual(story())
    assert before == [None, None]
    ends = {record.event.id: record.outcome for record in world.store.records.values()}
    assert ends == {"event-1": Outcome.SUPERSEDED, "event-2": Outcome.COMPLETED}


def test_the_patience_with_a_session_begins_anew_with_each_outage() -> None:
    """Two outages, each shorter than it, with a moment of session between them: the account is not given back."""
    away = TradingSettings().session_patience * 2 / 3

    async def story() -> World:
        world = World(mixed(FaultSettings("order", {"symbol": SYMBOL, "count": 1, "fill_delay_ms": 100_000})))
        world.start()
        world.publish(mixed_event())
        for _ in range(2):
            await asyncio.sleep(SOON)
            world.sim.actions.run("refuse", {"seconds": away})
            world.sim.actions.run("drop", {})
            await asyncio.sleep(away)
        await asyncio.sleep(SOON)
        assert [fact.held for fact in world.facts if isinstance(fact, LeaseChanged)] == [True]
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]
    assert world.problems() == []


def test_what_another_closed_before_the_lease_came_is_not_worked_on() -> None:
    """Between the first look at the open events and the lease whoever had the account finished: that is no bug to halt
    for, nor an event to plan."""

    async def story() -> World:
        world = World(mixed())
        process = world.start()
        acquire = process.desk.journal.acquire

        async def finished_first(account: AccountId, owner: str, seconds: float) -> Lease | None:
            for record in world.store.records.values():
                over = replace(record, stage=Stage.CLOSED, outcome=Outcome.COMPLETED, closed_at=world.clock.now())
                world.store.records[record.key] = replace(over, revision=record.revision + 1)
            return await acquire(account, owner, seconds)

        process.desk.journal.acquire = finished_first  # type: ignore[method-assign]
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert not [fact for fact in world.facts if isinstance(fact, ProcessorHalted | AccountHeld)]
    assert not world.sim.ledger.of("order_received")
