"""The judges of a run speak while it runs: of an order that leaves, and of an end that is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from event_processor.application.run import order_of
from event_processor.domain.facts import EventClosed, OrderWorking, ProcessorHalted
from event_processor.domain.ids import AccountId
from event_processor.domain.intent import IntentState
from event_processor.domain.record import EventRecord, Outcome, Stage
from event_processor.domain.session import SessionState
from event_processor.domain.weekly import GatewayHours
from event_processor.ports import Pause
from gateway_simulator.settings import FaultSettings
from tests.support.checkers import Checkers
from tests.support.process import Process
from tests.support.stories import ACCOUNT, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World


class Scene:
    """An order that is about to leave as it should: the run is over, and its first order put back to before that."""

    def __init__(self, world: World, process: Process) -> None:
        self.world, self.process, self.order_id = world, process, 900
        self.hours = GatewayHours()
        [self.record] = world.store.records.values()
        first, *others = self.record.intents
        self.intent = replace(
            first, state=IntentState.SUBMITTING, ending=None, sent=1, sent_at=world.clock.now(), order_id=self.order_id
        )
        self.put(replace(self.record, stage=Stage.PLANNED, intents=(self.intent, *others)))
        self.order = order_of(self.record, self.intent)

    def put(self, record: EventRecord) -> None:
        self.record = record
        self.world.store.records[record.key] = record

    def change(self, **changes: Any) -> None:  # noqa: ANN401 - any field
        self.put(replace(self.record, intents=(replace(self.intent, **changes), *self.record.intents[1:])))

    def found(self) -> list[str]:
        """What is said of the order alone."""
        told, untold = (Checkers(self.world.sim, self.world.store, hours=self.hours) for _ in range(2))
        assert self.process.link is not None
        told.placing(self.process, self.order, self.order_id, self.process.link)
        return [problem for problem in told.verdict() if problem not in untold.verdict()]


def _pause(scene: Scene) -> None:
    scene.world.store.pauses["all", False] = Pause("all", "lunch", scene.world.clock.now() - timedelta(seconds=1))


def _restart(scene: Scene) -> None:
    soon = (scene.world.clock.now() + timedelta(minutes=2)).time()
    scene.hours = GatewayHours(ZoneInfo("UTC"), restart=soon)


def _rob(scene: Scene) -> None:
    scene.world.store.leases[AccountId(ACCOUNT)] = ("another", 99, scene.world.now + 60)


def _dry(scene: Scene) -> None:
    event = scene.record.event
    data = event.data.model_copy(update={"dry_run": True})
    scene.put(replace(scene.record, event=event.model_copy(update={"data": data})))


def _unread(scene: Scene) -> None:
    assert scene.process.link is not None
    scene.process.link.looks.clear()


def _old(scene: Scene) -> None:
    scene.change(sent_at=scene.world.clock.now() - timedelta(seconds=10))


def _ahead(scene: Scene) -> None:
    scene.world.clock.ahead += timedelta(days=2).total_seconds()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, ""),
        (lambda s: setattr(s.process.desk.session, "state", SessionState.SYNCING), "while the session was"),
        (_unread, "before the broker's orders had been read"),
        (lambda s: s.world.store.records.clear(), "without a durable intent"),
        (lambda s: s.change(order_id=1), "was placed under id 900"),
        (lambda s: s.change(state=IntentState.RECORDED), "while the store has recorded"),
        (lambda s: s.change(quantity=Decimal(1)), "the store has 1"),
        (_ahead, "after its event expired"),
        (lambda s: s.put(replace(s.record, stage=Stage.CLOSED)), "after its event was closed"),
        (_dry, "for a dry run"),
        (_rob, "without the lease"),
        (_old, "after its mark"),
        (lambda s: s.change(sent_at=None), "nobody can tell when"),
        (_pause, "although all is paused"),
        (_restart, "before the gateway's restart"),
    ],
)
def test_an_order_that_leaves_as_it_must_not(make: Callable[[Scene], object], words: str) -> None:
    """Nothing is said of one that leaves as it should; otherwise what is wrong is."""

    async def story() -> list[str]:
        world = World(mixed())
        process = world.start()
        world.publish(mixed_event())
        await world.settle()
        scene = Scene(world, process)
        make(scene)
        return scene.found()

    found = run_virtual(story())
    assert any(words in problem for problem in found) if words else found == []


def test_an_order_that_leaves_twice_must_have_been_looked_for() -> None:
    """Twice, late enough, in one session; a first look alone proves nothing."""

    async def story() -> list[list[str]]:
        world = World(mixed())
        process = world.start()
        world.publish(mixed_event())
        await world.settle()
        scene, checkers = Scene(world, process), Checkers(world.sim, world.store)
        assert process.link is not None
        before = checkers.verdict()
        found = []
        for _ in range(2):
            checkers.placing(process, scene.order, scene.order_id, process.link)
            found.append([problem for problem in checkers.verdict() if problem not in before])
            scene.change(sent=2)
        return found

    first, second = run_virtual(story())
    assert first == []
    assert any("without two look-ups" in problem for problem in second)


def _closed(record: EventRecord, outcome: Outcome) -> EventClosed:
    return EventClosed(
        key=record.key,
        event_id=record.event.id,
        account=record.account,
        outcome=outcome,
        reason_code="x",
        reason="x",
        seconds=1.0,
        summary={},
    )


@pytest.mark.parametrize(
    ("tell", "words"),
    [
        (lambda c, r: c.fact(ProcessorHalted(reason="a bug", account=r.account, trace="")), "halted: a bug"),
        (lambda c, r: c.fact(_closed(r, Outcome.COMPLETED)), "could still trade"),
        (lambda c, r: c.fact(_closed(r, Outcome.NEEDS_REVIEW)), "is not held"),
    ],
)
def test_what_must_not_be_told_while_an_order_works(tell: Callable[[Checkers, EventRecord], None], words: str) -> None:
    """A halt, an end, and an end that is left to a person without a hold."""
    found: list[str] = []

    async def story() -> None:
        world = World(mixed(FaultSettings("order", {"count": 1, "fill_delay_ms": 5000})))

        def heard(_: Process, fact: object) -> None:
            if isinstance(fact, OrderWorking) and not found:
                checkers = Checkers(world.sim, world.store)
                tell(checkers, next(iter(world.store.records.values())))
                found.extend(checkers.verdict())

        world.on_fact = heard
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()

    run_virtual(story())
    assert any(words in problem for problem in found), found
