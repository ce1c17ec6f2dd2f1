from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from event_processor.application.commands import answer
from event_processor.application.rebalance import hold
from event_processor.domain.contract import ContractQuery
from event_processor.domain.event import RebalanceEvent, event_json
from event_processor.domain.facts import DoubtSettled, TradingPauseChanged
from event_processor.domain.ids import AccountId, EntryId, EventKey, OrderRef
from event_processor.domain.order import Order, OrderType, Side
from event_processor.domain.record import EventRecord, Outcome
from event_processor.domain.settlement import Resolution, Settlement
from event_processor.ports import Pause
from gateway_simulator.settings import FaultSettings, Scenario
from tests.support.builders import AT, event_text
from tests.support.process import Process
from tests.support.virtual_time import run_virtual
from tests.support.world import World

ACCOUNT = AccountId("DU1234567")
BY_HAND = FaultSettings("manual_order", {"symbol": "SPY", "side": "BUY", "quantity": "5"}, at_seconds=8)
LOST_AND_UNEXPLAINED = (FaultSettings("order", {"swallow": True, "symbol": "SPY", "count": 1}), BY_HAND)
"""The order never reached the exchange, and a trade by hand moved the position: absence cannot be proven."""
FILLED_AND_UNEXPLAINED = (FaultSettings("order", {"fill_delay_ms": 9000}), BY_HAND)
Played = Callable[["Scene"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it comes from the command line."""

    name: str
    arguments: dict[str, Any]
    command_id: str = "1"


class Scene:
    """A processor in virtual time, and a person in front of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.process = world.start()
        self.published: list[RebalanceEvent] = []

    async def publish(self, event: RebalanceEvent) -> EntryId:
        """`ports.Events`: onto the stream, as Redis does."""
        self.published.append(event)
        self.world.publish(event_json(event))
        return EntryId("0-0")

    async def ask(self, name: str, **arguments: object) -> dict[str, Any]:
        return await answer(self.process.desk, self, Asked(name, arguments))

    async def settle(self, resolution: str, subject: str) -> dict[str, Any]:
        return await self.ask("settle", account=ACCOUNT, resolution=resolution, subject=subject, by="ann")

    async def account(self) -> dict[str, Any]:
        [shown] = (await self.ask("reconcile", account=ACCOUNT))["accounts"]
        found: dict[str, Any] = shown
        return found

    @property
    def records(self) -> list[EventRecord]:
        return list(self.world.store.records.values())

    @property
    def ref(self) -> str:
        """The order in doubt."""
        [intent] = self.records[0].intents
        return str(intent.ref)

    @property
    def held(self) -> bool:
        return (ACCOUNT, True) in self.world.store.pauses

    def spy(self) -> Decimal:
        """What the exchange says is held."""
        entries = [e for e in self.world.sim.ledger.of("position") if e["account"] == ACCOUNT]
        return Decimal(str(entries[-1]["quantity"])) if entries else Decimal(0)


def played(story: Played, *faults: FaultSettings, **data: object) -> None:
    """One event that asks for 20 SPY, to its end; then the story."""

    async def run() -> None:
        world = World(Scenario(faults=faults))
        scene = Scene(world)
        asked = {"targets": [{"symbol": "SPY", "quantity": 20}], "completeness": "partial"}
        world.publish(event_text(account=ACCOUNT, **{**asked, **data}))
        await world.settle()
        await story(scene)
        await world.close()
        assert world.problems() == []

    run_virtual(run(), limit_seconds=4000)


def test_a_doubtful_order_is_shown_with_what_settles_it() -> None:
    """The line of the closed event, what is known and not, and only the commands the evidence allows."""

    async def story(scene: Scene) -> None:
        assert (scene.records[0].outcome, scene.records[0].reason_code) == (Outcome.NEEDS_REVIEW, "outcome_unknown")
        shown = await scene.account()
        [line], [question] = shown["lines"], shown["unsettled"]
        assert (line["order_ref"], line["decision"], line["broker"]) == (scene.ref, "unsettled", "not shown")
        assert "5 now" in question["known"]
        command = f"rebalancer reconcile {ACCOUNT}"
        assert question["commands"] == [f"{command} --abandon {scene.ref}", f"{command} --resubmit {scene.ref}"]
        assert scene.held

    played(story, *LOST_AND_UNEXPLAINED)


def test_an_abandoned_order_lifts_the_hold() -> None:
    """Written down with who and when, told as a fact, nothing ordered, and the event stays what it ended as."""

    async def story(scene: Scene) -> None:
        before = scene.records[0]
        told = await scene.settle("abandon", scene.ref)
        assert (told["ok"], scene.held, scene.published) == (True, False, [])
        [settled] = scene.world.store.settlements.values()
        assert (settled.by, settled.resolution, settled.shown) == ("ann", Resolution.ABANDON, "nothing")
        facts = [type(fact) for fact in scene.world.facts[-2:]]
        assert facts == [DoubtSettled, TradingPauseChanged]
        assert scene.records == [before]

    played(story, *LOST_AND_UNEXPLAINED)


def test_a_resubmitted_order_is_planned_from_what_is_held() -> None:
    """One new event for one contract, with the plan's target: 5 bought by hand, so 15 of 20 are ordered."""

    async def story(scene: Scene) -> None:
        ref = scene.ref
        told = await scene.settle("resubmit", ref)
        assert (told["ok"], told["follow_up"], scene.held) == (True, f"resubmit-{ref}", False)
        await scene.world.settle()
        assert scene.records[1].outcome is Outcome.COMPLETED
        [intent] = scene.records[1].intents
        assert (intent.quantity, scene.spy()) == (Decimal(15), Decimal(20))

    played(story, *LOST_AND_UNEXPLAINED)


def test_settling_again_has_no_second_effect() -> None:
    """The same word again is confirmed, another one refused; a repeated event is recognised as one."""

    async def story(scene: Scene) -> None:
        ref = scene.ref
        await scene.settle("resubmit", ref)
        again = await scene.settle("resubmit", ref)
        assert (again["ok"], "already, by ann" in again["message"]) == (True, True)
        other = await scene.settle("abandon", ref)
        assert (other["ok"], "settled before as resubmit" in other["message"]) == (False, True)
        scene.world.publish(event_json(scene.published[0]))
        await scene.world.settle()
        assert (len(scene.records), scene.spy()) == (2, Decimal(20))

    played(story, *LOST_AND_UNEXPLAINED)


def test_a_settlement_cut_short_is_finished_by_asking_again() -> None:
    """The store goes away right after the settlement was written: the hold stays, and the same command heals it."""

    async def story(scene: Scene) -> None:
        ref, hold = scene.ref, dict(scene.world.store.pauses)
        await scene.settle("resubmit", ref)
        scene.world.store.pauses.update(hold)
        again = await scene.settle("resubmit", ref)
        assert (again["ok"], scene.held) == (True, False)
        await scene.world.settle()
        assert (len(scene.records), scene.spy()) == (2, Decimal(20))

    played(story, *LOST_AND_UNEXPLAINED)


@pytest.mark.parametrize(
    ("resolution", "subject", "why"),
    [
        ("adopt", "", "nothing to adopt"),
        ("accept", "", "settled by --adopt"),
        ("adopt", "rb0000000000000000-001-1", "is nothing that has to be settled"),
    ],
)
def test_what_the_evidence_contradicts_is_refused(resolution: str, subject: str, why: str) -> None:
    """Nothing to adopt, an order that is no event, and an order nobody asked about; the hold stays."""

    async def story(scene: Scene) -> None:
        told = await scene.settle(resolution, subject or scene.ref)
        assert (told["ok"], why in told["message"]) == (False, True), told
        assert scene.held
        assert scene.world.store.settlements == {}

    played(story, *LOST_AND_UNEXPLAINED)


def test_absence_does_not_count_right_after_a_reconnect() -> None:
    """What the broker does not show may only be invisible still."""

    async def story(scene: Scene) -> None:
        session = scene.process.desk.session
        epoch = session.epoch
        scene.world.sim.actions.run("drop", {})
        while session.epoch == epoch or not session.ready:
            await asyncio.sleep(0.01)
        told = await scene.settle("abandon", scene.ref)
        assert (told["ok"], "too young" in told["message"]) == (False, True)
        await asyncio.sleep(6)
        assert (await scene.settle("abandon", scene.ref))["ok"]

    played(story, *LOST_AND_UNEXPLAINED)


def test_without_a_session_nothing_is_settled() -> None:
    """The broker cannot be asked: the answer says so, with the advice."""

    async def story(scene: Scene) -> None:
        scene.world.sim.actions.run("refuse", {"seconds": 5})
        scene.world.sim.actions.run("drop", {})
        while scene.process.desk.session.ready:
            await asyncio.sleep(0.01)
        told = await scene.settle("abandon", scene.ref)
        assert (told["ok"], scene.held) == (False, True)
        assert "cannot be asked" in told["message"]

    played(story, *LOST_AND_UNEXPLAINED)


def test_a_resubmission_gives_way_to_a_newer_event() -> None:
    """What waits already will order what is missing; going back to the older target after it would undo it."""

    async def story(scene: Scene) -> None:
        newer = event_text(account=ACCOUNT, targets=[{"symbol": "SPY", "quantity": 3}], completeness="partial")
        scene.world.publish(newer.replace("2026-01-05-growth", "newer"))
        await asyncio.sleep(2)
        told = await scene.settle("resubmit", scene.ref)
        assert (told["ok"], "newer event newer" in told["message"]) == (False, True)
        assert (await scene.settle("abandon", scene.ref))["ok"]
        await scene.world.settle()
        assert scene.spy() == 3

    played(story, *LOST_AND_UNEXPLAINED)


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
    """The event goes on by itself; a later halt of it is another question."""

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
        assert len(scene.world.store.settlements) == 2

    played(story)


def test_the_hold_stays_until_everything_in_it_is_settled() -> None:
    """Two events, two questions: the answer to the first names what is left."""

    async def story(scene: Scene) -> None:
        [first] = scene.records
        key = EventKey("another")
        scene.world.store.records[key] = _renamed(first, key)
        hold = scene.world.store.pauses[ACCOUNT, True]
        both = Pause(ACCOUNT, hold.reason, hold.at, held=True, events=(first.key, key))
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


def test_accounts_of_another_login_and_unknown_requests_are_refused() -> None:
    """This processor can neither look there nor guess what was meant."""

    async def story(scene: Scene) -> None:
        told = await scene.ask("settle", account="DU9", resolution="accept", subject="x", by="ann")
        assert (told["ok"], told["reason_code"]) == (False, "account_unknown")
        assert (await scene.ask("fly"))["reason_code"] == "unknown_request"

    played(story)


def test_somebody_else_is_quicker() -> None:
    """Two people settle at once: the first word counts, and the second person reads it."""

    async def story(scene: Scene) -> None:
        ref = scene.ref
        theirs = Settlement(ref, scene.records[0].key, ref, Resolution.RESUBMIT, "bob", AT, "nothing")

        def quicker(process: Process, call: str, moment: str) -> None:
            if (call, moment) == ("settle", "before"):
                scene.world.store.settlements[ACCOUNT, ref] = theirs

        scene.world.on_call = quicker
        told = await scene.settle("abandon", ref)
        assert (told["ok"], "as resubmit, by bob" in told["message"]) == (False, True)
        assert scene.held

    played(story, *LOST_AND_UNEXPLAINED)


@pytest.mark.parametrize(("newer", "words"), [(True, "was held anew"), (False, "is not held")])
def test_only_the_hold_that_was_looked_at_is_lifted(newer: bool, words: str) -> None:
    """One set meanwhile stays; one that somebody lifted meanwhile is gone already."""

    async def story(scene: Scene) -> None:
        hold = scene.world.store.pauses[ACCOUNT, True]

        def meanwhile(process: Process, call: str, moment: str) -> None:
            if newer and (call, moment) == ("lift", "before"):
                scene.world.store.pauses[ACCOUNT, True] = replace(hold, reason="another doubt")
            elif not newer and (call, moment) == ("settle", "after"):
                del scene.world.store.pauses[ACCOUNT, True]

        scene.world.on_call = meanwhile
        told = await scene.settle("abandon", scene.ref)
        assert (told["ok"], words in told["message"], scene.held) == (True, True, newer)

    played(story, *LOST_AND_UNEXPLAINED)


def test_open_events_are_shown_beside_the_orders_of_others() -> None:
    """A resting order of ours is the broker's to keep; what a person placed belongs to no event."""

    async def run() -> None:
        faults = (FaultSettings("order", {"never_fill": True, "symbol": "SPY"}),)
        scene = Scene(World(Scenario(faults=faults)))
        scene.world.publish(
            event_text(account=ACCOUNT, targets=[{"symbol": "SPY", "quantity": 2}], completeness="partial")
        )
        await asyncio.sleep(3)
        by_hand = {"symbol": "TLT", "side": "BUY", "quantity": "3", "limit": "1"}
        scene.world.sim.actions.run("manual_order", by_hand)
        await asyncio.sleep(1)
        shown = await scene.account()
        assert [(line["decision"], line["state"]) for line in shown["lines"]] == [("adopt", "working")]
        assert [(one["symbol"], one["order_ref"]) for one in shown["strangers"]] == [("TLT", "")]
        await scene.process.desk.journal.pause(Pause("all", "lunch", AT))
        assert (await scene.account())["pauses"] == [{"scope": "all", "reason": "lunch", "held": False}]
        scene.world.sim.actions.run("release", {})
        await scene.world.settle()
        [line] = (await scene.ask("reconcile"))["lines"] or [{"decision": "none open"}]
        assert line["decision"] == "none open"
        await scene.world.close()

    run_virtual(run())


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
