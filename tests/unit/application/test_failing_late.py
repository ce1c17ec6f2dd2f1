"""An attempt that fails after it has sent something."""

from __future__ import annotations

from collections.abc import Sequence

from event_processor.domain.contract import Contract
from event_processor.domain.facts import ProcessorHalted
from event_processor.domain.ids import ConId
from event_processor.domain.portfolio import Quote
from event_processor.domain.record import Outcome
from event_processor.errors import ContractUnresolved
from tests.support.process import Process
from tests.support.stories import SELLING, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World
from tests.unit.application.test_old_prices import SLOW

GONE = "TLT is no longer known"


def no_more_prices(process: Process) -> None:
    """From the second time on, the broker knows the contracts no more."""
    ask, asked = process.desk.broker.quotes, list[None]()

    async def quotes(contracts: Sequence[Contract], age_seconds_max: float) -> dict[ConId, Quote]:
        asked.append(None)
        if len(asked) > 1:
            raise ContractUnresolved(GONE)
        return dict(await ask(contracts, age_seconds_max))

    process.desk.broker.quotes = quotes  # type: ignore[method-assign]


def test_an_event_that_fails_after_its_first_orders_is_left_to_a_person() -> None:
    """What ends an untouched event as failed is no proof of anything once orders have left; nor is it a bug that
    halts the account."""
    worlds: list[World] = []

    async def story() -> None:
        world = World(mixed(SLOW))
        worlds.append(world)
        no_more_prices(world.start())
        world.publish(mixed_event())
        await world.settle()
        await world.close()

    run_virtual(story())
    [world] = worlds
    [record] = world.store.records.values()
    assert (record.outcome, record.reason_code) == (Outcome.NEEDS_REVIEW, ContractUnresolved.reason_code)
    assert GONE in record.reason
    assert sum(bool(intent.sent) for intent in record.intents) == len(SELLING)
    assert not [fact for fact in world.facts if isinstance(fact, ProcessorHalted)]
    assert record.account in {pause.scope for pause in world.store.pauses.values() if pause.held}
