"""An order that rests and cannot be cancelled does not keep its event for ever."""

from __future__ import annotations

import asyncio

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.record import EventRecord, Outcome
from gateway_simulator.checks import Refusal
from gateway_simulator.settings import FaultSettings, Scenario
from tests.support.builders import event_text
from tests.support.settling import ACCOUNT
from tests.support.virtual_time import run_virtual
from tests.support.world import World

NEVER_FILLS = FaultSettings("order", {"never_fill": True})
ORDER_TIMEOUT, MINUTES = 20.0, 120.0


def _refused(*_: object) -> Refusal:
    return Refusal(161, "Cancel attempted when order is not in a cancellable state.")


def _lost(*_: object) -> None:
    """The request has no effect and no answer."""


@pytest.mark.parametrize(("name", "answer"), [("_cancel_objection", _refused), ("cancel", _lost)])
def test_a_person_is_told_after_some_requests(monkeypatch: pytest.MonkeyPatch, name: str, answer: object) -> None:
    """Refused, or not answered: the order stays open at the broker, so the event needs review, and says what to do."""

    async def run() -> None:
        world = _world()
        monkeypatch.setattr(world.sim.desk, name, answer)
        await world.settle(ORDER_TIMEOUT + MINUTES)
        record = _only(world)
        assert (record.outcome, record.reason_code) == (Outcome.NEEDS_REVIEW, "outcome_unknown")
        assert "3 requests to cancel it had no effect: cancel it in TWS or the portal" in record.reason
        await world.close()

    run_virtual(run())


def test_requests_that_may_have_been_lost_on_the_way_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that drops between the requests starts the count anew: nobody is told of a cancel that works then."""

    async def run() -> None:
        world = _world()
        with monkeypatch.context() as patch:
            patch.setattr(world.sim.desk, "cancel", _lost)
            for _ in range(4):
                await asyncio.sleep(ORDER_TIMEOUT + 5)
                world.sim.actions.run("drop", {})
            assert _only(world).outcome is None
        await world.settle(ORDER_TIMEOUT + MINUTES)
        assert (_only(world).outcome, world.problems()) == (Outcome.FAILED, [])
        await world.close()

    run_virtual(run())


def _world() -> World:
    world = World(Scenario(faults=(NEVER_FILLS,)), trading=TradingSettings(order_timeout=ORDER_TIMEOUT))
    world.start()
    target = {"symbol": "SPY", "quantity": 2}
    world.publish(event_text(account=ACCOUNT, targets=[target], completeness="partial"))
    return world


def _only(world: World) -> EventRecord:
    [record] = world.store.records.values()
    return record
