"""What an event waits for before anything is sent, what it does not wait for, and what refuses it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from event_processor.application.waiting import Wait, Waiting
from event_processor.domain.contract import Contract
from event_processor.domain.facts import EventWaiting, Fact, OrderWorking, PlanRecorded, ProcessorHalted
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.policy import AccountRule, ForeignOrders, Limits, TradingPolicy
from event_processor.domain.portfolio import Quote
from event_processor.domain.record import EventRecord, Outcome, Stage
from event_processor.ports import Pause
from gateway_simulator.settings import FaultSettings, MarketSettings
from tests.support.builders import event_text
from tests.support.process import EPOCH, Process
from tests.support.records import accepted
from tests.support.stories import ACCOUNT, WEIGHTS, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

LATER = 20.0
TARGETS = [{"symbol": symbol, "weight": weight} for symbol, weight in WEIGHTS.items()]
BY_HAND: dict[str, object] = {"symbol": "TLT", "side": "BUY", "quantity": "3", "limit": "1"}
RESTS = FaultSettings("order", {"count": 1, "fill_delay_ms": int(LATER * 1000)})
Told = Callable[[World], Awaitable[None]]


def played(story: Told, *, policy: TradingPolicy | None = None, faults: Sequence[FaultSettings] = ()) -> World:
    """The story on a world whose processor trades one account by this policy."""

    async def run() -> World:
        rule = AccountRule(ACCOUNT, ACCOUNT, armed=True, policy=policy or TradingPolicy())
        world = World(mixed(*faults), rules=[rule])
        await story(world)
        await world.close()
        return world

    return run_virtual(run())


async def published(world: World, **data: object) -> None:
    """A processor, and the mixed event with these data besides, to its end."""
    world.start()
    await asyncio.sleep(1)
    world.publish(event_text(account=ACCOUNT, targets=TARGETS, **data))
    await world.settle()


def only(world: World) -> EventRecord:
    [record] = world.store.records.values()
    return record


def first_sent(world: World) -> datetime:
    """When the first order reached the gateway."""
    return min(datetime.fromisoformat(str(entry["time"])) for entry in world.sim.ledger.of("order_received"))


def waits(world: World) -> set[str]:
    return {fact.reason_code for fact in world.facts if isinstance(fact, EventWaiting)}


def test_nothing_is_sent_before_an_event_s_own_time() -> None:
    """Its plan would be old by then, too."""
    start = EPOCH + timedelta(seconds=LATER)
    world = played(partial(published, not_before=start.isoformat()))
    assert only(world).outcome is Outcome.COMPLETED
    assert start <= first_sent(world) < start + timedelta(seconds=2)
    assert waits(world) == {"not_before"}


def test_a_closed_market_is_waited_for() -> None:
    """To its opening, which is told."""

    async def story() -> World:
        world = World(replace(mixed(), market=MarketSettings(hours="closed_until", closed_until_s=LATER)))
        await published(world)
        await world.close()
        return world

    world = run_virtual(story())
    assert only(world).outcome is Outcome.COMPLETED
    assert first_sent(world) >= EPOCH + timedelta(seconds=LATER)
    assert waits(world) == {"market_closed"}


def test_the_session_is_waited_for_and_told() -> None:
    """No attempt is made without one."""

    async def story(world: World) -> None:
        world.sim.actions.run("refuse", {"seconds": LATER})
        await published(world)

    world = played(story)
    assert only(world).outcome is Outcome.COMPLETED
    assert waits(world)
    assert all(code.startswith("session_") for code in waits(world))


def test_a_dry_run_does_not_wait_for_the_end_of_a_pause() -> None:
    """It sends nothing; a person who has paused an account may well want to see what an event would do."""

    async def story(world: World) -> None:
        world.store.pauses["all", False] = Pause("all", "by a person", world.clock.now())
        await published(world, dry_run=True)

    world = played(story)
    assert (only(world).outcome, only(world).reason_code) == (Outcome.COMPLETED, "dry_run")
    assert world.sim.ledger.of("order_received") == []


def test_a_queue_is_read_to_its_end_before_an_event_is_begun() -> None:
    """What would be begun may be out of date already."""
    count = 150

    async def story(world: World) -> None:
        world.start()
        await asyncio.sleep(1)
        for number in range(count):
            world.publish(mixed_event().replace("2026-01-05-growth", f"event-{number}"))
        await world.settle()

    world = played(story)
    ends = {record.event.id: record.outcome for record in world.store.records.values()}
    assert [name for name, outcome in ends.items() if outcome is not Outcome.SUPERSEDED] == [f"event-{count - 1}"]
    assert len([fact for fact in world.facts if isinstance(fact, PlanRecorded)]) == 1


@pytest.mark.parametrize("ours", [True, False])
def test_breached_limits_end_the_event(ours: bool) -> None:
    """The account's own, and those an event brings along."""
    policy = TradingPolicy(limits=Limits(orders_max=7)) if ours else None
    world = played(partial(published, limits={} if ours else {"max_orders": 7}), policy=policy)
    assert (only(world).outcome, only(world).reason_code) == (Outcome.FAILED, "limit_breached")
    assert world.sim.ledger.of("order_received") == []


@pytest.mark.parametrize("policy", ForeignOrders)
def test_orders_of_others_are_a_person_s_affair(policy: ForeignOrders) -> None:
    """On a contract of the plan they end the event, unless the account's owner says otherwise; the account itself goes
    on, since nothing is in doubt."""

    async def story(world: World) -> None:
        world.sim.actions.run("manual_order", BY_HAND)
        await published(world)

    world = played(story, policy=TradingPolicy(foreign_orders=policy))
    ignored = policy is ForeignOrders.IGNORE
    assert only(world).outcome is (Outcome.COMPLETED if ignored else Outcome.NEEDS_REVIEW)
    assert only(world).reason_code == ("filled" if ignored else "foreign_orders")
    assert world.store.pauses == {}


def test_an_account_that_was_disarmed_meanwhile_is_not_traded() -> None:
    """The event was accepted before the owner took the account's arms and started the processor anew."""

    async def story() -> World:
        world = World(mixed(), rules=[AccountRule("growth", ACCOUNT, armed=False)])
        left = replace(accepted(account=AccountId(ACCOUNT)), accepted_at=world.clock.now(), revision=1)
        world.store.records[left.key] = left
        world.start()
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert only(world).reason_code == "not_armed"
    assert world.sim.ledger.of("order_received") == []


@pytest.mark.parametrize(("most", "asked"), [("7", 7.0), ("3600", 30.0)])
def test_a_plan_is_made_on_prices_of_the_allowed_age(most: str, asked: float) -> None:
    """As old as the account's owner lets them be, and never older than a plan may get."""
    ages: list[float] = []

    async def story(world: World) -> None:
        broker = world.start().desk.broker
        quotes = broker.quotes

        async def noted(contracts: Sequence[Contract], age_seconds_max: float) -> Mapping[ConId, Quote]:
            ages.append(age_seconds_max)
            return await quotes(contracts, age_seconds_max)

        broker.quotes = noted  # type: ignore[method-assign]
        world.publish(mixed_event())
        await world.settle()

    played(story, policy=TradingPolicy(limits=Limits(quote_age_seconds_max=Decimal(most))))
    assert ages == [asked]


def test_a_halted_account_stands_still_until_somebody_has_looked() -> None:
    """Also an event that is half done: what the journal says of it is not believed any more."""
    seen: list[EventRecord] = []

    async def story(world: World) -> None:
        def fall_back(_: Process, fact: Fact) -> None:
            if isinstance(fact, OrderWorking) and not any(isinstance(one, ProcessorHalted) for one in world.facts):
                [record] = world.store.records.values()
                world.store.records[record.key] = replace(record, revision=record.revision - 1)

        world.on_fact = fall_back
        world.start()
        world.publish(mixed_event())
        for _ in range(2):
            await asyncio.sleep(LATER / 2 if not seen else LATER * 2)
            seen.append(only(world))
        world.store.pauses.clear()
        await world.settle()

    world = played(story, faults=[RESTS])
    assert seen[0] == seen[1]
    assert seen[1].stage is Stage.PLANNED
    assert len([fact for fact in world.facts if isinstance(fact, ProcessorHalted)]) == 1
    assert only(world).outcome is Outcome.COMPLETED


def _paused(world: World) -> None:
    world.store.pauses[ACCOUNT, False] = Pause(ACCOUNT, "by a person", world.clock.now())


def _dropped(world: World) -> None:
    world.sim.actions.run("refuse", {"seconds": LATER})
    world.sim.actions.run("drop", {})


@pytest.mark.parametrize("cause", [_paused, _dropped])
def test_a_plan_of_which_nothing_has_left_is_given_up_when_it_cannot_begin(cause: Callable[[World], None]) -> None:
    """It would age, and keep a newer event waiting: that one supersedes it as if it had never been made."""
    causes: list[float] = []

    async def story(world: World) -> None:
        def stopped(_: Process, fact: Fact) -> None:
            if isinstance(fact, PlanRecorded) and not causes:
                causes.append(world.now)
                cause(world)

        world.on_fact = stopped
        await published(world)

    async def both(world: World) -> None:
        asyncio.get_running_loop().call_later(LATER / 2, world.publish, mixed_event().replace("05-growth", "05-newer"))
        asyncio.get_running_loop().call_later(LATER, world.store.pauses.clear)
        world.expects(2)
        await story(world)

    first, second = played(both).store.records.values()
    assert (first.outcome, second.outcome) == (Outcome.SUPERSEDED, Outcome.COMPLETED)


def test_what_is_no_longer_open_waits_for_nothing() -> None:
    """Another processor has closed it; nobody is shown its wait any more, nor does it take up memory."""

    async def story(world: World) -> None:
        waiting = Waiting(world.start().desk)
        first, second = (accepted(name) for name in ("one", "two"))
        for record in (first, second):
            waiting.note(record, Wait("quotes_unavailable", "no price for SPY"))
        waiting.keep_only([second.key])
        assert list(waiting.waits) == [second.key]

    played(story)
