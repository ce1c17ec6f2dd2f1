from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from event_processor.application.ending import hold
from event_processor.domain.contract import ContractQuery
from event_processor.domain.event import RebalanceEvent
from event_processor.domain.ids import AccountId, EntryId, EventKey, OrderRef
from event_processor.domain.intent import Ending
from event_processor.domain.order import Order, OrderType, Side
from event_processor.domain.portfolio import AccountState
from event_processor.domain.record import EventRecord, Outcome
from event_processor.errors import StoreUnavailable
from event_processor.ports import Pause
from gateway_simulator.settings import Scenario
from tests.support.builders import AT, event_text
from tests.support.settling import ACCOUNT, FILLED_AND_UNEXPLAINED, LOST_AND_UNEXPLAINED, Scene, played
from tests.support.virtual_time import run_virtual
from tests.support.world import World


def test_unexplained_positions_are_accepted_by_naming_the_event() -> None:
    """Everything filled, but more is held than that: the person has looked, and the hold is lifted."""

    async def story(scene: Scene) -> None:
        record = scene.records[0]
        assert record.reason_code == "position_mismatch"
        [question] = (await scene.account())["unsettled"]
        assert question["commands"] == [f"rebalancer reconcile {ACCOUNT} --accept {record.event.id}"]
        refused = await scene.settle("adopt", record.event.id)
        assert (refused["ok"], "--accept" in refused["message"]) == (False, True)
        told = await scene.settle("accept", record.event.id)
        assert (told["ok"], told["shown"], scene.held) == (True, "positions: 25 SPY", False)

    played(story, *FILLED_AND_UNEXPLAINED)


def test_a_halt_is_accepted_by_naming_its_event_and_each_halt_anew() -> None:
    """The event goes on by itself; a later halt of it is another question. Asked once more, the latest word counts."""

    async def story(scene: Scene) -> None:
        record = scene.records[0]
        assert record.outcome is Outcome.COMPLETED
        for minute in (1, 2):
            at = AT.replace(minute=minute)
            pause = Pause(ACCOUNT, "invariant: no such move", at, held=True, events=(record.key,))
            await scene.process.desk.journal.pause(pause)
            assert (await scene.account())["unsettled"][0]["subject"] == record.event.id
            assert (await scene.settle("accept", record.event.id))["ok"]
            assert not scene.held
        first, second = scene.world.store.settlements.values()
        assert first.at < second.at
        assert (await scene.settle("accept", record.event.id))["at"] == second.at.isoformat()

    played(story)


def test_what_the_broker_showed_is_written_down_with_the_word() -> None:
    """The journal knows of no execution, the broker has them all: that is what an adoption adopts."""

    async def story(scene: Scene) -> None:
        [intent] = scene.records[0].intents
        doubt = replace(intent, ending=Ending.UNRESOLVED, fills=(), reported_filled=Decimal(0))
        ended = replace(scene.records[0], intents=(doubt,))
        record = replace(ended, outcome=Outcome.NEEDS_REVIEW, reason_code="outcome_unknown")
        scene.world.store.records[record.key] = record
        await hold(scene.process.desk, ACCOUNT, "not proven", record.key)
        told = await scene.settle("adopt", scene.ref)
        assert (told["ok"], told["filled"], "20 executed" in told["shown"]) == (True, "20", True), told
        assert told["shown"] in told["message"]
        [settled] = scene.world.store.settlements.values()
        assert (settled.filled, settled.shown) == (Decimal(20), told["shown"])
        scene.world.store.records[record.key] = replace(record, outcome=Outcome.COMPLETED, intents=(intent,))

    played(story)


def test_the_hold_stays_until_everything_in_it_is_settled() -> None:
    """Two events, two questions: the answer to the first names what is left."""

    async def story(scene: Scene) -> None:
        [first] = scene.records
        key = EventKey("another")
        scene.world.store.records[key] = _renamed(first, key)
        held = scene.world.store.pauses[ACCOUNT, True]
        both = Pause(ACCOUNT, held.reason, held.at, held=True, events=(first.key, key))
        await scene.process.desk.journal.pause(both)
        told = await scene.settle("accept", first.event.id)
        assert (told["ok"], "stays held" in told["message"], scene.held) == (True, True, True)
        assert (await scene.settle("accept", "other-event"))["ok"]
        assert not scene.held
        del scene.world.store.records[key]

    played(story, *FILLED_AND_UNEXPLAINED)


def test_a_hold_that_names_no_event_says_how_it_is_lifted() -> None:
    """Nothing to name: `resume` remains."""

    async def story(scene: Scene) -> None:
        assert "is not held" in (await scene.settle("accept", "x"))["message"]
        await scene.process.desk.journal.pause(Pause(ACCOUNT, "invariant: strange", AT, held=True))
        told = await scene.settle("accept", "x")
        assert (told["ok"], f"rebalancer resume {ACCOUNT}" in told["message"]) == (False, True)

    played(story)


@pytest.mark.parametrize(("newer", "words"), [(True, "was held anew"), (False, "is not held")])
def test_only_the_hold_that_was_looked_at_is_lifted(newer: bool, words: str) -> None:
    """One set meanwhile stays; one that somebody lifted meanwhile is gone already."""

    async def story(scene: Scene) -> None:
        held = scene.world.store.pauses[ACCOUNT, True]

        def meanwhile(call: str, moment: str) -> None:
            if newer and (call, moment) == ("lift", "before"):
                scene.world.store.pauses[ACCOUNT, True] = replace(held, reason="another doubt")
            elif not newer and (call, moment) == ("settle", "after"):
                del scene.world.store.pauses[ACCOUNT, True]

        scene.meanwhile(meanwhile)
        told = await scene.settle("abandon", scene.ref)
        assert (told["ok"], words in told["message"], scene.held) == (True, True, newer)

    played(story, *LOST_AND_UNEXPLAINED)


def test_a_second_hold_keeps_the_events_of_the_first() -> None:
    """What was in doubt before is still asked about; a hold without an event adds none."""

    async def story(scene: Scene) -> None:
        desk = scene.process.desk
        for event in (EventKey("one"), EventKey("two"), None):
            await hold(desk, ACCOUNT, "reason", event)
        assert scene.world.store.pauses[ACCOUNT, True].events == ("one", "two")

    played(story)


def test_an_event_with_orders_still_open_cannot_be_accepted() -> None:
    """Positions may move yet."""

    async def story(scene: Scene) -> None:
        record = replace(scene.records[0], outcome=Outcome.NEEDS_REVIEW, reason_code="journal_behind", intents=())
        scene.world.store.records[record.key] = record
        await hold(scene.process.desk, ACCOUNT, "behind", record.key)
        ref = OrderRef.derive(record.key, ACCOUNT, 7)
        query = ContractQuery(symbol="SPY")
        contract = (await scene.process.desk.broker.resolve([query]))[query]
        order = Order(ref, ACCOUNT, contract, Side.BUY, Decimal(1), OrderType.LIMIT, Decimal(1))
        scene.process.desk.broker.place(order, scene.process.desk.broker.next_order_id())
        await asyncio.sleep(1)
        [question] = (await scene.account())["unsettled"]
        assert (str(ref) in question["known"], question["commands"]) == (True, [])
        told = await scene.settle("accept", record.event.id)
        assert (told["ok"], "still open at the broker" in told["message"]) == (False, True)

    async def run() -> None:
        world = World(Scenario())
        scene = Scene(world)
        world.checkers.placing = lambda *_: None  # type: ignore[method-assign]
        world.publish(event_text(account=ACCOUNT, targets=[{"symbol": "SPY", "quantity": 20}], completeness="partial"))
        await world.settle()
        await story(scene)
        await world.close()

    run_virtual(run())


def _renamed(record: EventRecord, key: EventKey) -> EventRecord:
    return replace(record, key=key, event=record.event.model_copy(update={"id": "other-event"}))


def test_a_word_that_stands_is_acted_on_whatever_came_since() -> None:
    """The store went away before the follow-up was published, and a newer event waits by now: that would speak against
    a new resubmission, but not against finishing the one that was written down."""

    async def story(scene: Scene) -> None:
        published = scene.publish

        async def away(_: RebalanceEvent) -> EntryId:
            raise StoreUnavailable

        scene.publish = away  # type: ignore[assignment,method-assign]
        assert not (await scene.settle("resubmit", scene.ref))["ok"]
        scene.publish = published  # type: ignore[method-assign]
        newer = event_text(account=ACCOUNT, targets=[{"symbol": "SPY", "quantity": 3}], completeness="partial")
        scene.world.publish(newer.replace("2026-01-05-growth", "newer"))
        await asyncio.sleep(2)
        assert ((await scene.settle("resubmit", scene.ref))["ok"], scene.held) == (True, False)
        await scene.world.settle()

    played(story, *LOST_AND_UNEXPLAINED)


def test_a_person_sees_the_positions_of_now() -> None:
    """They are asked for anew: what the broker told by itself may be of before the doubt."""
    asked: list[bool] = []

    async def story(scene: Scene) -> None:
        broker = scene.process.desk.broker
        ask = broker.account_state

        async def noted(account: AccountId, *, fresh: bool = False) -> AccountState:
            asked.append(fresh)
            return await ask(account, fresh=fresh)

        broker.account_state = noted  # type: ignore[method-assign]
        await scene.account()
        assert True in asked

    played(story, *LOST_AND_UNEXPLAINED)
