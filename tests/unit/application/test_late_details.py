"""What was filled is proven by executions, with their commissions, also when those come late or get lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.intent import Ending
from event_processor.domain.order import OrderStatus
from event_processor.domain.policy import AccountRule, OnTimeout, TradingPolicy
from event_processor.domain.record import Outcome
from event_processor.domain.reports import Commission, Evidence, Execution, OrderReport, Report
from gateway_simulator.settings import FaultSettings, Latency, Scenario
from tests.support.process import Process
from tests.support.stories import ACCOUNT, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SETTINGS = TradingSettings()
NEVER = 10_000.0
Sink = Callable[[Report], None]


class Story:
    """The mixed event, to its end after `seconds`; executions and commissions of the live stream come `late` seconds
    after everything else. Of leg `untold` nobody says live what it filled."""

    def __init__(
        self, scenario: Scenario, *, late: float = 0.0, untold: int = 0, trading: TradingSettings = SETTINGS
    ) -> None:
        self.seconds = 0.0
        self._late, self._untold, self._trading = late, f"-{untold:03d}-1", trading
        run_virtual(self._run(scenario))

    async def _run(self, scenario: Scenario) -> None:
        self.world = World(scenario, trading=self._trading)
        self._hold_up(self.world.start())
        self.world.publish(mixed_event())
        await self.world.settle()
        await self.world.close()

    def _hold_up(self, process: Process) -> None:
        subscribe, loop = process.desk.broker.subscribe, asyncio.get_running_loop()

        def held_up(sink: Sink) -> Callable[[], None]:
            def hear(report: Report) -> None:
                if isinstance(report, OrderReport | Execution) and report.order_ref.endswith(self._untold):
                    if isinstance(report, OrderReport) and report.status is not OrderStatus.FILLED:
                        sink(replace(report, filled=None))
                elif self._late and isinstance(report, Execution | Commission):
                    loop.call_later(self._late, sink, report)
                else:
                    sink(report)

            return subscribe(hear)

        process.desk.broker.subscribe = held_up  # type: ignore[method-assign]

    @property
    def done(self) -> bool:
        """Whether everything was bought and sold, and the books agree with the exchange to the last cent."""
        [record] = self.world.store.records.values()
        assert record.closed_at is not None
        self.seconds = (record.closed_at - record.accepted_at).total_seconds()
        detailed = all(i.executed == i.quantity and all(f.commission for f in i.fills) for i in record.intents)
        return record.outcome is Outcome.COMPLETED and detailed and not self.world.problems()


@pytest.mark.parametrize("late", [0.4, 3.0, NEVER])
def test_an_event_is_not_closed_before_its_executions_are_known(late: float) -> None:
    """They are waited for shortly, then asked for."""
    story = Story(mixed(), late=late)
    assert story.done, story.world.problems()


def test_reports_that_got_lost_are_asked_for_long_before_the_order_s_time_is_up() -> None:
    """The session is as well as ever, and nobody says that the order has filled."""
    story = Story(mixed(), untold=1)
    assert story.done, story.world.problems()
    assert story.seconds < SETTINGS.order_timeout / 4


def test_an_order_whose_time_is_up_is_cancelled_though_look_ups_fail() -> None:
    """Asking after an order that works is a kindness: without an answer it is cancelled, and its event closed."""
    rests = FaultSettings("order", {"symbol": "SPY", "count": 1, "never_fill": True})
    failing = {"request": "completed_orders", "code": 322, "text": "Error"}
    dark = FaultSettings("lookup", failing, after_orders_accepted=1)
    story = Story(mixed(rests, dark))
    [record] = story.world.store.records.values()
    assert (record.outcome, record.reason_code) == (Outcome.PARTIAL, "unfilled")
    assert record.closed_at is not None
    assert (record.closed_at - record.accepted_at).total_seconds() < SETTINGS.order_timeout * 1.5
    assert story.world.problems() == []


def test_a_fill_that_won_against_the_cancel_is_not_left_out() -> None:
    """The order is reported as cancelled before anything is told of what it filled, and positions lag behind, too."""
    partly = FaultSettings("order", {"symbol": "SPY", "count": 1, "fill_fraction": "0.5"})
    story = Story(
        mixed(partly, latency=Latency(positions_ms=4000)), untold=1, trading=replace(SETTINGS, order_timeout=1)
    )
    [record] = story.world.store.records.values()
    [cut] = [intent for intent in record.intents if intent.leg.contract.symbol == "SPY"]
    assert cut.ending is Ending.CANCELLED
    assert 0 < cut.executed < cut.quantity
    assert story.world.problems() == []


def test_what_filled_while_nobody_listened_is_found_soon() -> None:
    """An order that worked when the connection went, and that look-ups show as filled only later, is looked for again
    and again, and not only once its time is up."""
    slow = FaultSettings("order", {"symbol": "SPY", "count": 1, "fill_delay_ms": 2000})
    away = FaultSettings("restart", {"seconds": 1.0}, at_seconds=1.5)
    story = Story(mixed(slow, away, latency=Latency(lookup_ms=3000)))
    assert story.done, story.world.problems()
    assert story.seconds < SETTINGS.order_timeout / 4


def test_the_next_event_waits_for_positions_that_lag_behind_a_fill() -> None:
    """An order left open by policy fills after its event is closed; right after that the positions the broker shows
    are still those of before, and planning on them would buy or sell the same shares again."""
    filled_at = 20.0

    async def story() -> World:
        resting = FaultSettings("order", {"symbol": "SPY", "count": 1, "fill_delay_ms": int(filled_at * 1000)})
        policy = TradingPolicy(on_timeout=OnTimeout.LEAVE)
        world = World(
            mixed(resting, latency=Latency(positions_ms=3000)),
            rules=[AccountRule(ACCOUNT, ACCOUNT, armed=True, policy=policy)],
            trading=replace(SETTINGS, order_timeout=5.0),
        )
        world.start()
        world.publish(mixed_event())
        await asyncio.sleep(filled_at + 0.5)
        world.publish(mixed_event().replace("2026-01-05-growth", "the-next"))
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    first, second = world.store.records.values()
    assert (first.outcome, first.reason_code) == (Outcome.PARTIAL, "left_open")
    assert second.plan is not None
    assert world.problems() == []


@pytest.mark.parametrize("unheard", [Execution, Commission])
def test_what_is_never_told_keeps_no_event_open(unheard: type[Report]) -> None:
    """Executions, or commissions, of one order neither come nor are shown by look-ups: the broker's own count of it
    has the last word after a while, and what it cost is not waited for at all."""

    async def story() -> World:
        world = World(mixed())
        broker = world.start().desk.broker
        subscribe, look = broker.subscribe, broker.evidence

        def silent(sink: Sink) -> Callable[[], None]:
            return subscribe(lambda report: None if isinstance(report, unheard) else sink(report))

        async def blind() -> Evidence:
            seen = await look()
            return replace(seen, executions=()) if unheard is Execution else replace(seen, commissions=())

        broker.subscribe = silent  # type: ignore[method-assign]
        broker.evidence = blind  # type: ignore[method-assign]
        world.publish(mixed_event())
        await world.settle(60)
        await world.close()
        return world

    world = run_virtual(story())
    [record] = world.store.records.values()
    assert record.outcome is Outcome.COMPLETED
    assert record.closed_at is not None
    seconds = (record.closed_at - record.accepted_at).total_seconds()
    assert seconds < (SETTINGS.settle + 2 if unheard is Execution else SETTINGS.settle - 1)
