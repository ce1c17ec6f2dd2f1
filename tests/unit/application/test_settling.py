from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from event_processor.domain.event import RebalanceEvent, event_json
from event_processor.domain.facts import DoubtSettled, TradingPauseChanged
from event_processor.domain.ids import EntryId
from event_processor.domain.record import Outcome
from event_processor.domain.settlement import Resolution, Settlement
from event_processor.errors import StoreUnavailable
from event_processor.ports import Pause
from gateway_simulator.settings import FaultSettings, Scenario
from tests.support.builders import AT, event_text
from tests.support.settling import ACCOUNT, LOST_AND_UNEXPLAINED, Scene, played
from tests.support.virtual_time import run_virtual
from tests.support.world import World


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
    """The store goes away right after the settlement was written: the hold stays, and the same command heals it. The
    word is told once."""

    async def story(scene: Scene) -> None:
        ref, hold = scene.ref, dict(scene.world.store.pauses)
        await scene.settle("resubmit", ref)
        scene.world.store.pauses.update(hold)
        again = await scene.settle("resubmit", ref)
        assert (again["ok"], scene.held) == (True, False)
        assert [type(fact) for fact in scene.world.facts].count(DoubtSettled) == 1
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


def test_a_follow_up_that_was_not_published_is_when_asked_again() -> None:
    """The settlement stands, and the store went away before the event was on the stream: the same command heals it."""

    async def story(scene: Scene) -> None:
        published = scene.publish

        async def away(_: RebalanceEvent) -> EntryId:
            raise StoreUnavailable

        scene.publish = away  # type: ignore[assignment,method-assign]
        assert not (await scene.settle("resubmit", scene.ref))["ok"]
        assert scene.held
        scene.publish = published  # type: ignore[method-assign]
        assert (await scene.settle("resubmit", scene.ref))["ok"]
        await scene.world.settle()
        assert (len(scene.records), scene.spy()) == (2, Decimal(20))

    played(story, *LOST_AND_UNEXPLAINED)


def test_nothing_is_ordered_anew_when_somebody_else_was_quicker() -> None:
    """The order counts as abandoned by the first word; the second word must not have had its effect by then."""

    async def story(scene: Scene) -> None:
        ref = scene.ref
        theirs = Settlement(ref, scene.records[0].key, ref, Resolution.ABANDON, "bob", AT, "nothing")

        def quicker(call: str, moment: str) -> None:
            if (call, moment) == ("settle", "before"):
                scene.world.store.settlements[ACCOUNT, ref] = theirs

        scene.meanwhile(quicker)
        told = await scene.settle("resubmit", ref)
        assert (told["ok"], "as abandon, by bob" in told["message"]) == (False, True)
        assert scene.published == []

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

        def quicker(call: str, moment: str) -> None:
            if (call, moment) == ("settle", "before"):
                scene.world.store.settlements[ACCOUNT, ref] = theirs

        scene.meanwhile(quicker)
        told = await scene.settle("abandon", ref)
        assert (told["ok"], "as resubmit, by bob" in told["message"]) == (False, True)
        assert scene.held

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
        by_hand: dict[str, object] = {"symbol": "TLT", "side": "BUY", "quantity": "3", "limit": "1"}
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
