from __future__ import annotations

import asyncio

from event_processor.application.status import document
from event_processor.domain.facts import EventClosed, Fact
from gateway_simulator.settings import Latency
from healthcheck.report import Report, Status
from tests.support.process import Process
from tests.support.stories import ACCOUNT, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

LATE_SECONDS = 3.0


def test_an_account_is_settling_until_the_brokers_cash_has_caught_up() -> None:
    """Nothing before the first run, the account from its end on, and nothing once the broker says what we expect."""
    told: list[list[str]] = []

    def look(process: Process) -> None:
        told.append(document(process.desk, Report(Status.READY), {}, {})["cash_settling"])

    async def story() -> None:
        world = World(mixed(latency=Latency(account_ms=int(LATE_SECONDS * 1000))))
        ended = asyncio.Event()

        def heard(_: Process, fact: Fact) -> None:
            if isinstance(fact, EventClosed):
                ended.set()

        world.on_fact = heard
        process = world.start()
        look(process)
        world.publish(mixed_event())
        await ended.wait()
        look(process)
        await asyncio.sleep(LATE_SECONDS + 2)
        look(process)
        await world.close()

    run_virtual(story())
    assert told == [[], [ACCOUNT], []]
