"""A batch of which some orders left and the next could not: each is known for what it is."""

from __future__ import annotations

import pytest

from event_processor.domain.facts import Fact, OrderTakenBack
from event_processor.domain.intent import IntentState, OrderIntent
from event_processor.domain.order import Order
from event_processor.domain.record import EventRecord, Outcome
from event_processor.errors import GatewayDisconnected
from tests.support.process import Process
from tests.support.stories import SELLING, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World


class Story:
    """The mixed event; the socket takes `left` orders and refuses the next, `times` times. `unsent` are the intents as
    they were written when the first of them was told as taken back."""

    def __init__(self, left: int, times: int = 1) -> None:
        self.unsent: list[OrderIntent] = []
        self._left, self._times = left, times
        run_virtual(self._run())

    async def _run(self) -> None:
        self.world = World(mixed())
        self.world.on_fact = self._heard
        self._refuse(self.world.start())
        self.world.publish(mixed_event())
        await self.world.settle()
        await self.world.close()

    def _refuse(self, process: Process) -> None:
        place, taken, refused = process.desk.broker.place, list[Order](), list[Order]()

        def placed(order: Order, order_id: int) -> None:
            if len(taken) == self._left and len(refused) < self._times:
                refused.append(order)
                raise GatewayDisconnected("the socket is closed")
            taken.append(order)
            place(order, order_id)

        process.desk.broker.place = placed  # type: ignore[method-assign]

    def _heard(self, _: Process, fact: Fact) -> None:
        if isinstance(fact, OrderTakenBack) and not self.unsent:
            self.unsent = [i for i in self.record.intents if i.state is IntentState.RECORDED]

    @property
    def record(self) -> EventRecord:
        [record] = self.world.store.records.values()
        return record


@pytest.mark.parametrize("left", range(len(SELLING)))
def test_what_left_before_the_refusal_is_not_taken_back(left: int) -> None:
    """It is at the broker: sent again it would be there twice."""
    story = Story(left)
    sells = [intent for intent in story.unsent if intent.leg.number <= len(SELLING)]
    assert [intent.leg.number for intent in sells] == list(range(left + 1, len(SELLING) + 1))
    assert story.record.outcome is Outcome.COMPLETED
    assert story.world.problems() == []
    received = story.world.sim.ledger.of("order_received")
    assert len(received) == len(story.world.sim.ledger.orders_by_ref()) == len(story.record.intents)


def test_what_never_left_is_as_it_was_before() -> None:
    """No try is counted for it, no order id or moment is remembered: a later absence would be judged by them."""
    story = Story(left=1, times=7)
    for intent in story.unsent:
        assert (intent.sent, intent.sent_at, intent.order_id, intent.client_id) == (0, None, 0, 0)
    assert story.record.outcome is Outcome.COMPLETED
    assert [intent.sent for intent in story.record.intents] == [1] * len(story.record.intents)
