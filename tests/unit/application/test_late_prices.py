"""What was held up for longer than a plan may be old goes when there are prices of now, and not before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.contract import Contract, ContractQuery, TradingInterval
from event_processor.domain.facts import Fact, OrderSubmitted
from event_processor.domain.ids import ConId
from event_processor.domain.portfolio import Quote
from event_processor.domain.record import EventRecord, Outcome
from event_processor.errors import QuotesUnavailable
from tests.support.process import EPOCH, Process
from tests.support.stories import BUYING, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World
from tests.unit.application.test_old_prices import SLOW

SETTINGS = TradingSettings()
BACK = SETTINGS.plan_age + 40.0
"""When there are prices again, or the market of the buys opens again, in seconds."""
SHUT = (
    TradingInterval(EPOCH - timedelta(hours=1), EPOCH + timedelta(seconds=SETTINGS.plan_age)),
    TradingInterval(EPOCH + timedelta(seconds=BACK), EPOCH + timedelta(hours=6)),
)


class Story:
    """The mixed event; its sells fill only when the plan is old. Until `BACK` there are no prices for the buys, or with
    `shut` their market is closed. `bought` is when they left, `asked` when their prices were asked for."""

    def __init__(self, *, shut: bool) -> None:
        self.bought: list[float] = []
        self.asked: list[float] = []
        self._shut = shut
        run_virtual(self._run())

    async def _run(self) -> None:
        self.world = World(mixed(SLOW))
        self.world.on_fact = self._heard
        self._hold_up(self.world.start())
        self.world.publish(mixed_event())
        await self.world.settle()
        await self.world.close()

    def _hold_up(self, process: Process) -> None:
        broker = process.desk.broker
        ask, look_up, planned = broker.quotes, broker.resolve, list[None]()

        async def quotes(contracts: Sequence[Contract], age_seconds_max: float) -> Mapping[ConId, Quote]:
            if planned:
                self.asked.append(self.world.now)
                if not self._shut and self.world.now < BACK:
                    raise QuotesUnavailable("no usable price")
            planned.append(None)
            return await ask(contracts, age_seconds_max)

        async def resolve(queries: Sequence[ContractQuery]) -> dict[ContractQuery, Contract]:
            found = await look_up(queries)
            if not self._shut:
                return dict(found)
            return {q: replace(c, liquid_hours=SHUT) if c.symbol in BUYING else c for q, c in found.items()}

        broker.quotes, broker.resolve = quotes, resolve  # type: ignore[method-assign]

    def _heard(self, _: Process, fact: Fact) -> None:
        if isinstance(fact, OrderSubmitted) and fact.symbol in BUYING:
            self.bought.append(self.world.now)

    @property
    def record(self) -> EventRecord:
        [record] = self.world.store.records.values()
        return record


@pytest.mark.parametrize("shut", [False, True])
def test_buys_wait_for_prices_of_now(*, shut: bool) -> None:
    """A request for them that failed makes the old ones no younger, nor does a closed market."""
    story = Story(shut=shut)
    assert len(story.bought) == len(BUYING)
    assert min(story.bought) >= BACK
    assert story.record.outcome is Outcome.COMPLETED
    assert story.world.problems() == []


def test_prices_are_not_asked_for_all_the_time() -> None:
    """Once in a while as long as there are none, and once when there are: the pace is there for orders."""
    asked = Story(shut=False).asked
    held_up = [at for at in asked if at < BACK]
    assert all(later - first >= SETTINGS.retry for first, later in pairwise(held_up))
    assert len(asked) == len(held_up) + 1
