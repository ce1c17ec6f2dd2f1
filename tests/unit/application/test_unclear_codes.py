"""A code that proves nothing makes an order doubtful, with all the time that a doubt is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import Fact, OrderSubmitted
from event_processor.domain.record import Outcome
from event_processor.domain.reports import NoticeKind, OrderNotice, Report
from gateway_simulator.settings import FaultSettings, Latency
from tests.support.process import Process
from tests.support.stories import mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

DELAY = TradingSettings().visibility_delay
SYMBOL = "SPY"
HIDDEN_MS = int(DELAY * 800)
"""Reports and look-ups show the order only then, which is within the delay."""
Sink = Callable[[Report], None]


def test_an_unclear_code_begins_the_delay_before_absence_counts() -> None:
    """The session has been ready for long, so that nothing but the doubt itself holds the order back: it is at the
    broker, and is not sent a second time."""
    sinks: list[Sink] = []

    async def story() -> World:
        late = FaultSettings("order", {"symbol": SYMBOL, "count": 1, "delay_ms": HIDDEN_MS, "fill_delay_ms": 20_000})
        world = World(mixed(late, latency=Latency(lookup_ms=HIDDEN_MS)))

        def heard(_: Process, fact: Fact) -> None:
            if isinstance(fact, OrderSubmitted) and fact.symbol == SYMBOL:
                unclear = OrderNotice(fact.order_ref, fact.order_id, 999, "what may it be", NoticeKind.AMBIGUOUS)
                for sink in sinks:
                    sink(unclear)

        world.on_fact = heard
        broker = world.start().desk.broker
        subscribe = broker.subscribe

        def noted(sink: Sink) -> Callable[[], None]:
            sinks.append(sink)
            return subscribe(sink)

        broker.subscribe = noted  # type: ignore[method-assign]
        await asyncio.sleep(4 * DELAY)
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]
    assert len([fact for fact in world.facts if isinstance(fact, OrderSubmitted) and fact.symbol == SYMBOL]) == 1
    assert all(len(perm_ids) == 1 for perm_ids in world.sim.ledger.orders_by_ref().values())
    assert world.problems() == []
