"""Open orders that are not this event's: which contracts they concern, and how long ours of before may still show."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import Fact, OrderDone
from event_processor.domain.record import Outcome
from event_processor.domain.reports import OrderReport
from tests.support.builders import event_text
from tests.support.making import report
from tests.support.process import Process
from tests.support.stories import ACCOUNT, WEIGHTS, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SETTINGS = TradingSettings()
HELD = "JPM"
TARGETS = [{"symbol": "IBM" if symbol == HELD else symbol, "weight": weight} for symbol, weight in WEIGHTS.items()]
SWAPPED = {"TLT": "GLD", "GLD": "TLT"}
BY_HAND: dict[str, object] = {"symbol": HELD, "side": "SELL", "quantity": "3", "limit": "9000"}


@pytest.mark.parametrize(("untargeted", "outcome"), [("keep", Outcome.COMPLETED), ("liquidate", Outcome.NEEDS_REVIEW)])
def test_an_order_by_hand_on_a_holding_matters_when_that_is_sold(untargeted: str, outcome: Outcome) -> None:
    """No target names it, but selling all of it beside that order could sell more than there is. Nothing was sent, so
    the account need not be held."""

    async def story() -> World:
        world = World(mixed())
        world.sim.actions.run("manual_order", BY_HAND)
        world.start()
        await asyncio.sleep(1)
        world.publish(event_text(account=ACCOUNT, targets=TARGETS, untargeted=untargeted))
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert [record.outcome for record in world.store.records.values()] == [outcome]
    assert not world.store.pauses


def test_orders_of_the_last_run_may_show_for_a_while() -> None:
    """Look-ups lag behind by more than positions do: an event that comes right after another waits for that, and is
    not ended as if somebody else had orders open."""
    lag = SETTINGS.settle + SETTINGS.visibility_delay * 0.8

    async def story() -> World:
        world = World(mixed())
        process = world.start()
        look, traded_at = process.desk.broker.open_orders, [0.0]

        async def lagging() -> Sequence[OrderReport]:
            first = next(iter(world.store.records.values()))
            late = first.outcome is not None and world.now < traded_at[0] + lag
            return [report(of=intent) for intent in first.intents if late] or await look()

        def heard(_: Process, fact: Fact) -> None:
            traded_at[0] = world.now if isinstance(fact, OrderDone) else traded_at[0]

        process.desk.broker.open_orders = lagging  # type: ignore[method-assign]
        world.on_fact = heard
        world.publish(mixed_event())
        await world.settle()
        targets = [{"symbol": SWAPPED.get(symbol, symbol), "weight": weight} for symbol, weight in WEIGHTS.items()]
        world.publish(event_text(account=ACCOUNT, targets=targets).replace("2026-01-05-growth", "next"))
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED] * 2
