"""Time that passes between the durable mark of an order and its send is lost to whoever looks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import Fact, OrderOutcomeUnknown, OrderSubmitted
from event_processor.domain.ids import AccountId
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote
from event_processor.domain.reports import Report
from event_processor.ports import Lease
from gateway_simulator.settings import FaultSettings
from tests.support.process import Process
from tests.support.stories import ACCOUNT, SELLING, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SETTINGS = TradingSettings()
LAST = "JPM"
LOST = FaultSettings("order", {"symbol": LAST, "count": 1, "swallow": True})
RESTS = FaultSettings("order", {"symbol": "SPY", "count": 1, "fill_delay_ms": 20_000})
AWAY = 3.0


class Story:
    """The mixed event. The store takes `store` seconds to confirm the first mark, and meanwhile `robbed` gives the
    account to another processor for a moment; the first place to send comes `pace` seconds late. `left` and `doubted`
    are when the last of the first batch left, and was doubted."""

    def __init__(self, *, store: float = 0.0, pace: float = 0.0, robbed: bool = False) -> None:
        self.left: list[float] = []
        self.doubted: list[float] = []
        self.confirmed = 0.0
        self._store, self._pace, self._robbed = store, pace, robbed
        run_virtual(self._run())

    async def _run(self) -> None:
        self.world = World(mixed(LOST) if self._pace else mixed())
        self.world.on_fact = self._heard
        process = self.world.start()
        self._slow_store(process)
        self._slow_pace(process)
        self.world.publish(mixed_event())
        await self.world.settle()
        await self.world.close()

    def _slow_store(self, process: Process) -> None:
        write = process.desk.journal.write

        async def written(
            lease: Lease, record: EventRecord, notes: Sequence[OutcomeNote], *, sending: bool = False
        ) -> EventRecord:
            done = await write(lease, record, notes, sending=sending)
            if sending and not self.confirmed:
                await asyncio.sleep(self._store / 2)
                if self._robbed:
                    store = self.world.store
                    store.leases[AccountId(ACCOUNT)] = ("another", store.next_token(), self.world.now + AWAY)
                await asyncio.sleep(self._store / 2)
                self.confirmed = self.world.now
            return done

        process.desk.journal.write = written  # type: ignore[method-assign]

    def _slow_pace(self, process: Process) -> None:
        take_place = process.desk.broker.send_slot

        async def taken() -> None:
            late, self._pace = self._pace, 0.0
            await asyncio.sleep(late)
            await take_place()

        process.desk.broker.send_slot = taken  # type: ignore[method-assign]

    def _heard(self, _: Process, fact: Fact) -> None:
        if getattr(fact, "symbol", "") == LAST:
            self.left += [self.world.now] if isinstance(fact, OrderSubmitted) else []
            self.doubted += [self.world.now] if isinstance(fact, OrderOutcomeUnknown) else []

    @property
    def done_once(self) -> bool:
        """Whether everything was done, once."""
        [record] = self.world.store.records.values()
        return record.outcome is Outcome.COMPLETED and not self.world.problems()


def test_an_order_does_not_leave_by_a_mark_that_was_confirmed_late() -> None:
    """Its time counts from the mark and not from the store's answer: the first batch is taken back, and marked anew."""
    story = Story(store=SETTINGS.visibility_delay)
    assert story.done_once
    assert min(story.left) > story.confirmed
    [record] = story.world.store.records.values()
    marked = [i.sent_at for i in record.intents if i.leg.contract.symbol in SELLING]
    assert all(at is not None and (at - record.accepted_at).total_seconds() >= story.confirmed for at in marked)


def test_the_lease_is_asked_for_again_after_a_slow_mark() -> None:
    """Another processor took the account while the store had not answered yet: nothing leaves as long as it has it."""
    story = Story(store=2.0, robbed=True)
    assert story.done_once
    assert min(story.left) >= 1.0 + AWAY


@pytest.mark.parametrize("pace", [0.5, 2.5])
def test_silence_is_counted_from_the_moment_an_order_left(pace: float) -> None:
    """Whatever it waited for its place to send before."""
    story = Story(pace=pace)
    assert story.done_once
    assert story.left[0] >= pace
    assert story.doubted[0] - story.left[0] >= SETTINGS.acknowledge_timeout


def test_the_silence_of_one_order_casts_no_doubt_on_others() -> None:
    """What the broker has acknowledged needs no look; and a run that is over hears nothing more."""
    heard: list[int] = []

    async def story() -> World:
        world = World(mixed(LOST, RESTS))
        process = world.start()
        subscribe = process.desk.broker.subscribe

        def counted(sink: Callable[[Report], None]) -> Callable[[], None]:
            heard.append(1)
            unsubscribe = subscribe(sink)

            def ended() -> None:
                unsubscribe()
                heard.append(-1)

            return ended

        process.desk.broker.subscribe = counted  # type: ignore[method-assign]
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert {fact.symbol for fact in world.facts if isinstance(fact, OrderOutcomeUnknown)} == {LAST}
    assert heard == [1, -1]
