"""Each account is left to the processor whose login has it; one that nobody has is told soon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from event_processor.domain.facts import EventWaiting, LeaseChanged
from event_processor.domain.ids import AccountId
from event_processor.domain.policy import AccountRule
from event_processor.domain.record import EventRecord, Outcome
from event_processor.domain.whereabouts import Place
from gateway_simulator.settings import FaultSettings
from tests.support.builders import event_text
from tests.support.process import EPOCH, LEASE_SECONDS
from tests.support.stories import ACCOUNT, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

THEIRS = AccountId("DU7654321")
OTHER = "processor-2"
RULES = tuple(AccountRule(number, number, armed=True) for number in (ACCOUNT, THEIRS))
Story = Callable[[World], Awaitable[None]]


def played(story: Story, *faults: FaultSettings) -> World:
    """The story on a world whose processor trades one account, by rules that know another one, too."""
    worlds: list[World] = []

    async def run() -> None:
        worlds.append(World(mixed(*faults), rules=RULES))
        await story(worlds[0])
        await worlds[0].close()

    run_virtual(run())
    return worlds[0]


def heard(world: World, *accounts: AccountId, ago: float = 0.0) -> None:
    """The other processor says what its login has."""
    world.store.logins[OTHER] = (accounts, world.now - ago)


async def alive(world: World, seconds: float, *accounts: AccountId) -> None:
    """So much time passes, and the other processor is heard of all along."""
    for _ in range(int(seconds)):
        heard(world, *accounts)
        await asyncio.sleep(1.0)


def asked(**data: object) -> str:
    """An event for the account that is not ours."""
    return event_text(account=THEIRS, **data)


def only(world: World) -> EventRecord:
    """The one event."""
    [record] = world.store.records.values()
    return record


def test_an_account_is_left_to_the_living_processor_that_has_it() -> None:
    """Even past its expiry the event is the other one's affair, and so is its lease."""

    async def story(world: World) -> None:
        heard(world, THEIRS)
        world.start()
        world.publish(asked(expires_at=(EPOCH + timedelta(seconds=20)).isoformat()))
        await alive(world, 40, THEIRS)

    world = played(story)
    assert only(world).outcome is None
    assert not [fact for fact in world.facts if isinstance(fact, LeaseChanged | EventWaiting)]


def test_an_account_whose_processor_is_away_waits_for_it() -> None:
    """A processor that is restarted for a minute costs its events nothing but that minute."""

    async def story(world: World) -> None:
        heard(world, THEIRS, ago=LEASE_SECONDS * 2)
        process = world.start()
        world.publish(asked())
        await asyncio.sleep(60)
        assert only(world).outcome is None
        assert process.desk.leases.accounts() == ()
        heard(world, THEIRS)
        await asyncio.sleep(10)

    [waiting] = [fact for fact in played(story).facts if isinstance(fact, EventWaiting)]
    assert waiting.reason_code == "account_elsewhere"
    assert waiting.reason == f"account {THEIRS} is in the login of {OTHER}, which is not running"


def test_an_account_whose_processor_never_comes_back_expires_with_the_reason() -> None:
    """The wait ends with the event's own limit, and the outcome says what it waited for."""

    async def story(world: World) -> None:
        heard(world, THEIRS, ago=LEASE_SECONDS * 2)
        world.start()
        world.publish(asked(expires_at=(EPOCH + timedelta(seconds=30)).isoformat()))
        await world.settle()

    record = only(played(story))
    assert record.outcome is Outcome.EXPIRED
    assert f"is in the login of {OTHER}, which is not running" in record.reason


def test_an_account_that_nobody_has_is_told_at_once() -> None:
    """Once everybody had time to speak up, a slip of the pen is told within a second."""

    async def story(world: World) -> None:
        world.start()
        await asyncio.sleep(LEASE_SECONDS)
        heard(world, AccountId("DU3"))
        world.publish(asked())
        await world.settle()

    record = only(played(story))
    assert (record.outcome, record.reason_code) == (Outcome.FAILED, "account_unknown")
    assert record.reason == f"account {THEIRS} belongs to no login (processor-1 has {ACCOUNT}; {OTHER} has DU3)"
    assert record.closed_at is not None
    assert record.closed_at - record.accepted_at < timedelta(seconds=1)


def test_nobody_is_overlooked_while_processors_start_together() -> None:
    """An event that waited on the stream is not failed by the processor that is there first."""

    async def story(world: World) -> None:
        world.start()
        world.publish(asked())
        await asyncio.sleep(2)
        await alive(world, 20)
        assert only(world).outcome is None
        await alive(world, 10, AccountId("DU3"))

    record = only(played(story))
    assert (record.outcome, record.reason_code) == (Outcome.FAILED, "account_unknown")


def test_a_gateway_that_comes_back_with_another_login_gives_the_account_back() -> None:
    """What was out is left, untouched and with its lease, to the processor that has the account now."""

    async def story(world: World) -> None:
        process = world.start()
        world.publish(mixed_event())
        await asyncio.sleep(2)
        assert process.desk.leases.accounts() == (ACCOUNT,)
        process.desk.session.accounts = (THEIRS,)
        heard(world, AccountId(ACCOUNT))
        process.desk.bell.ring()
        await alive(world, 10, AccountId(ACCOUNT))
        assert process.desk.leases.accounts() == ()
        process.desk.session.accounts = (AccountId(ACCOUNT),)
        await world.settle()

    world = played(story, FaultSettings("order", {"fill_delay_ms": 20_000}))
    assert only(world).outcome is Outcome.COMPLETED
    assert not world.problems()


def test_until_it_is_logged_in_a_processor_goes_by_what_it_said_before() -> None:
    """A gateway that is away tells nothing of its login; that another account is not in it was known already."""
    places: dict[str, Place] = {}

    async def story(world: World) -> None:
        world.sim.actions.run("refuse", {"seconds": 60})
        world.store.logins["processor-1"] = ((AccountId(ACCOUNT),), world.now)
        logins = world.start().desk.logins
        await asyncio.sleep(LEASE_SECONDS)
        places.update({account: logins.of(AccountId(account)).place for account in (ACCOUNT, THEIRS)})

    played(story)
    assert places == {ACCOUNT: Place.HERE, THEIRS: Place.NOWHERE}


def test_a_run_does_not_wait_for_ever_for_a_session() -> None:
    """After a while the account is given back, orders or not: another processor may have a session for it."""
    held: list[tuple[AccountId, ...]] = []

    async def story(world: World) -> None:
        process = world.start()
        world.publish(mixed_event())
        await asyncio.sleep(2)
        world.sim.actions.run("refuse", {"seconds": 100})
        world.sim.actions.run("drop", {})
        for seconds in (20, 40):
            await asyncio.sleep(seconds)
            held.append(process.desk.leases.accounts())
        await world.settle()

    world = played(story, FaultSettings("order", {"fill_delay_ms": 10_000}))
    assert held == [(ACCOUNT,), ()]
    assert only(world).outcome is Outcome.COMPLETED
    assert world.problems() == []
