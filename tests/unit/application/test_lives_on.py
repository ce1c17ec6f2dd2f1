"""An order that ended by what the broker said, and is at the broker all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import Fact, OrderCancelRequested, OrderWorking
from event_processor.domain.intent import Ending, IntentState
from event_processor.domain.order import OrderStatus
from event_processor.domain.record import Outcome
from event_processor.domain.reports import NoticeKind, OrderNotice, Report
from gateway_simulator.settings import FaultSettings
from tests.support.builders import event_text
from tests.support.making import report
from tests.support.process import CLIENT_ID, Process
from tests.support.stories import ACCOUNT, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SYMBOL = "SPY"
RESTS = FaultSettings("order", {"symbol": SYMBOL, "count": 1, "never_fill": True})
SOON = TradingSettings().visibility_delay * 3
QUIET_MESSAGES = 20
"""A second with the start of a session, an order and its first look has fewer."""
DARK = FaultSettings(
    "lookup", {"request": "all_open_orders", "count": 2, "code": 322, "text": "Error"}, after_orders_accepted=1
)
"""The first looks that its doubt asks for fail."""
ALONE = event_text(account=ACCOUNT, targets=[{"symbol": SYMBOL, "quantity": 1}], completeness="partial")
Sink = Callable[[Report], None]


class Story:
    """The mixed event, or another. As soon as one of its orders works, the broker says by mistake that it was
    cancelled, and then shows it as working again."""

    def __init__(self, event: str = "", *faults: FaultSettings) -> None:
        self._event, self._faults = event or mixed_event(), faults
        self._sinks: list[Sink] = []
        self._told = False
        run_virtual(self._run())

    async def _run(self) -> None:
        self.world = World(mixed(RESTS, *self._faults))
        self.world.on_fact = self._heard
        self._listen(self.world.start())
        self.world.publish(self._event)
        await self.world.settle()
        await self.world.close()

    def _listen(self, process: Process) -> None:
        subscribe = process.desk.broker.subscribe

        def noted(sink: Sink) -> Callable[[], None]:
            self._sinks.append(sink)
            return subscribe(sink)

        process.desk.broker.subscribe = noted  # type: ignore[method-assign]

    def _heard(self, _: Process, fact: Fact) -> None:
        if not isinstance(fact, OrderWorking) or fact.symbol != SYMBOL:
            return
        [record] = self.world.store.records.values()
        whose = next(intent for intent in record.intents if str(intent.ref) == fact.order_ref)
        over = OrderNotice(fact.order_ref, whose.order_id, 202, "Order Canceled", NoticeKind.CANCELLED)
        alive = report(OrderStatus.SUBMITTED, whose, perm_id=fact.perm_id, order_id=whose.order_id)
        for told in (over, alive) if not self._told else ():
            for sink in self._sinks:
                sink(told)
        self._told = True


@pytest.mark.parametrize(
    "told", [(mixed_event(),), (ALONE,), (ALONE, DARK)], ids=["one of many", "the only one", "seen late"]
)
def test_an_order_that_lives_on_after_its_end_is_left_to_a_person(told: tuple[str, *tuple[FaultSettings, ...]]) -> None:
    """Soon, and not as cancelled: it may fill yet, so the account is held. Also when all orders are over by our books,
    and nothing but a doubt that no look has settled yet keeps the event open."""
    world = Story(*told).world
    [record] = world.store.records.values()
    assert (record.outcome, record.reason_code) == (Outcome.NEEDS_REVIEW, "outcome_unknown")
    [first] = [intent for intent in record.intents if intent.leg.contract.symbol == SYMBOL]
    assert (first.state, first.ending) == (IntentState.DONE, Ending.UNRESOLVED)
    assert (record.account, True) in world.store.pauses
    assert record.closed_at is not None
    assert (record.closed_at - record.accepted_at).total_seconds() < SOON
    assert world.problems() == []


def test_what_each_look_shows_again_is_not_looked_into_at_once() -> None:
    """The broker shows the order in answer to every look: they come once a second, not as fast as the pace allows."""
    world = Story(ALONE).world
    [record] = world.store.records.values()
    assert record.outcome is Outcome.NEEDS_REVIEW
    assert world.sim.ledger.max_messages_per_second < QUIET_MESSAGES


def test_an_order_of_another_client_id_is_left_to_a_person() -> None:
    """Only the client id that placed an order may cancel it, and under ours its order id means another order."""
    asked: list[str] = []

    async def story() -> World:
        world = World(mixed(RESTS))

        def heard(process: Process, fact: Fact) -> None:
            asked.extend([fact.symbol] if isinstance(fact, OrderCancelRequested) else [])
            if isinstance(fact, OrderWorking) and fact.symbol == SYMBOL and not world.deaths:
                process.client_id = CLIENT_ID + 1  # of the process that follows it
                process.kill()

        world.on_fact = heard
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    [record] = world.store.records.values()
    assert (record.outcome, record.reason_code) == (Outcome.NEEDS_REVIEW, "outcome_unknown")
    assert f"only client id {CLIENT_ID} can cancel it" in record.reason
    assert SYMBOL not in asked
    assert world.problems() == []
