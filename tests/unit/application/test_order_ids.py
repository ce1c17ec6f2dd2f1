"""The gateway refuses an order id that is not above all it has seen of the client."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

from event_processor.domain.facts import Fact, OrderWorking
from event_processor.domain.record import Outcome
from event_processor.domain.reports import NoticeKind, OrderNotice, Report
from gateway_simulator.settings import AccountSettings, GatewaySettings, Scenario
from gateway_simulator.symbols import STOCKS_AND_FUNDS
from tests.support.builders import event_text
from tests.support.process import CLIENT_ID, Process
from tests.support.stories import mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

ACCOUNTS = ("DU1234567", "DU7654321")
SYMBOLS = [line.partition("|")[0] for line in STOCKS_AND_FUNDS.strip().splitlines()[:40]]
"""More orders for two accounts than leave in one second."""
SPENT = 500


def order_ids(world: World) -> list[int]:
    """The ids of the orders as the gateway received them."""
    return [int(str(entry["orderId"])) for entry in world.sim.ledger.of("order_received")]


def crowd(account: str) -> str:
    """An event that buys all the symbols."""
    targets = [{"symbol": symbol, "weight": 1 / len(SYMBOLS)} for symbol in SYMBOLS]
    return event_text(account=account, targets=targets).replace("2026-01-05-growth", account)


def test_accounts_that_send_at_once_do_not_mix_their_ids() -> None:
    """One batch leaves after the other, each with all the ids it took."""

    async def story() -> World:
        accounts = tuple(AccountSettings(number=number, cash={"USD": Decimal(900_000)}) for number in ACCOUNTS)
        patient = GatewaySettings(messages_per_second=10_000)
        world = World(Scenario(name="crowds", accounts=accounts, gateway=patient))
        world.start()
        for account in ACCOUNTS:
            world.publish(crowd(account))
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert world.problems() == []
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED] * len(ACCOUNTS)
    ids = order_ids(world)
    assert len(ids) == len(ACCOUNTS) * len(SYMBOLS)
    assert all(one < other for one, other in pairwise(ids))


def test_a_new_process_begins_above_what_the_journal_has_spent() -> None:
    """The gateway may have forgotten them, and orders that nobody shows any more took them."""

    async def story() -> World:
        world = World(mixed())
        world.store.order_ids[CLIENT_ID] = SPENT
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    ids = order_ids(run_virtual(story()))
    assert ids
    assert min(ids) > SPENT


def test_an_id_that_the_broker_says_is_taken_is_left_far_behind() -> None:
    """The ids of a past we cannot see: whatever leaves afterwards leaves with ids well above."""
    taken: list[int] = []

    async def story() -> World:
        world = World(mixed())

        def heard(_: Process, fact: Fact) -> None:
            if isinstance(fact, OrderWorking) and not taken:
                intents = next(iter(world.store.records.values())).intents
                taken.append(next(intent.order_id for intent in intents if str(intent.ref) == fact.order_ref))
                told = OrderNotice(fact.order_ref, taken[0], 103, "Duplicate order id", NoticeKind.NOT_TAKEN)
                for sink in sinks:
                    sink(told)

        world.on_fact = heard
        process = world.start()
        sinks: list[Callable[[Report], None]] = []
        subscribe = process.desk.broker.subscribe

        def noted(sink: Callable[[Report], None]) -> Callable[[], None]:
            sinks.append(sink)
            return subscribe(sink)

        process.desk.broker.subscribe = noted  # type: ignore[method-assign]
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert world.problems() == []
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]
    assert max(order_ids(world)) > taken[0] + 1000
