"""What the journal may have forgotten, the broker still knows: where that is looked for, and when anew."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.application.recovery import check_forgotten, forgotten, suspected
from event_processor.domain.facts import Fact, OrderDone
from event_processor.domain.ids import AccountId, OrderRef, event_key, run_digest
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus
from event_processor.domain.record import Outcome, Stage
from event_processor.domain.reports import Evidence
from event_processor.ports import Pause
from gateway_simulator.settings import FaultSettings
from tests.support.builders import event_body
from tests.support.making import evidence, execution, report
from tests.support.process import Process
from tests.support.records import accepted
from tests.support.stories import ACCOUNT, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SYMBOL = "SPY"
NEVER_FILLS = FaultSettings("order", {"symbol": SYMBOL, "count": 1, "never_fill": True})
RECORD = accepted(account=AccountId(ACCOUNT))
RUN = run_digest(RECORD.key, RECORD.account)
OURS = str(OrderRef(RUN, 1))
OTHERS = str(OrderRef("0123456789abcdef", 1))


@pytest.mark.parametrize(
    "shown",
    [
        evidence(open_orders=[report(order_ref=OURS), report(order_ref=OTHERS)]),
        evidence(completed=[report(OrderStatus.CANCELLED, order_ref=OURS), report(order_ref=OTHERS)]),
        evidence(executions=[execution(order_ref=OURS), execution(order_ref=OTHERS)]),
    ],
    ids=["open", "completed", "executed"],
)
def test_an_order_is_known_wherever_the_broker_shows_it(shown: Evidence) -> None:
    """One of the three lists is enough: a cancelled order is in none but that of the completed ones."""
    assert forgotten(shown, RUN) == (OURS,)


def test_a_suspected_event_is_looked_for_anew() -> None:
    """A hold named it, though somebody lifted that since: what the session saw at its beginning is too old."""

    async def story() -> tuple[list[bool], list[bool]]:
        world = World(mixed())
        desk = world.start().desk
        await world.settle()
        asked: list[bool] = []
        ask = desk.session.evidence

        async def counted(age_seconds_max: float = 0.0) -> Evidence:
            asked.append(age_seconds_max > 0)
            return await ask(age_seconds_max)

        desk.session.evidence = counted  # type: ignore[method-assign]
        doubts = [suspected(desk, RECORD)]
        await check_forgotten(desk, RECORD)
        named = Pause(ACCOUNT, "look", world.clock.now(), held=True, events=(RECORD.key,))
        desk.pauses.replace([named], desk.pauses.reading())
        desk.pauses.replace([], desk.pauses.reading())
        doubts.append(suspected(desk, RECORD))
        await check_forgotten(desk, RECORD)
        await world.close()
        return doubts, asked

    assert run_virtual(story()) == ([False, True], [True, False])


def test_an_order_that_was_cancelled_and_forgotten_is_not_sent_again() -> None:
    """The store fell back to before it was sent, when others of its event had been: the broker lists it as completed,
    without any execution, and that is its end."""

    async def story() -> World:
        world = World(mixed(NEVER_FILLS), trading=TradingSettings(order_timeout=20.0))

        def unsent(intent: OrderIntent) -> OrderIntent:
            if intent.leg.contract.symbol != SYMBOL:
                return intent
            return OrderIntent(intent.ref, intent.leg, intent.quantity)

        def fall_back(process: Process, fact: Fact) -> None:
            if isinstance(fact, OrderDone) and fact.symbol == SYMBOL and not world.deaths:
                [record] = world.store.records.values()
                world.store.records[record.key] = replace(record, intents=tuple(map(unsent, record.intents)))
                process.kill()

        world.on_fact = fall_back
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    [record] = world.store.records.values()
    [first] = [intent for intent in record.intents if intent.leg.contract.symbol == SYMBOL]
    assert world.deaths == 1
    assert (first.state, first.ending) == (IntentState.DONE, Ending.CANCELLED)
    assert record.outcome is Outcome.PARTIAL
    assert all(len(perm_ids) == 1 for perm_ids in world.sim.ledger.orders_by_ref().values())


def test_a_forgotten_event_is_told_before_its_cash_is_missed() -> None:
    """A copy of the journal from before the event was put back: that its orders are at the broker is the news, and not
    that money is gone of which the journal knows nothing."""
    sale, purchase = (
        {**event_body(account=ACCOUNT, targets=[target], completeness="partial", cash={"reserve": 0}), "id": name}
        for name, target in (
            ("sale", {"symbol": "SPY", "quantity": 0}),
            ("purchase", {"symbol": "TLT", "quantity": 410}),
        )
    )

    began: list[datetime] = []

    async def story() -> World:
        world = World(mixed())
        process = world.start()
        for event in (sale, purchase):
            world.publish(json.dumps(event))
            await world.settle()
        done = world.store.records[event_key(purchase["source"], purchase["id"])]
        assert done.outcome is Outcome.COMPLETED
        world.store.records[done.key] = replace(
            done, revision=1, stage=Stage.ACCEPTED, plan=None, intents=(), outcome=None, closed_at=None, summary={}
        )
        began.append(world.clock.now())
        process.kill()
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    _, record = world.store.records.values()
    assert (record.outcome, record.reason_code) == (Outcome.NEEDS_REVIEW, "journal_behind")
    assert record.closed_at is not None
    assert record.closed_at - began[0] < timedelta(seconds=30)
