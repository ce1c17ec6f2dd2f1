"""Before an order is sent again its absence is proven; and whose an order at the broker is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from event_processor.application.desk import Desk, TradingSettings
from event_processor.application.recovery import Doubts, Look, strangers, suspected, without_refused
from event_processor.application.run import Run
from event_processor.domain.facts import Fact, OrderDone, OrderOutcomeUnknown, OrderSubmitted, OrderTakenBack
from event_processor.domain.ids import AccountId, OrderRef
from event_processor.domain.intent import Ending, IntentState
from event_processor.domain.order import OrderStatus
from event_processor.domain.portfolio import AccountState
from event_processor.domain.reconcile import SENDS_MAX
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote, Stage
from event_processor.domain.reports import OrderReport
from event_processor.ports import Lease
from gateway_simulator.settings import FaultSettings, Latency, Scenario
from tests.support.making import done, evidence, leg, plan_of, report
from tests.support.process import Process
from tests.support.records import accepted, planned
from tests.support.stories import mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

SETTINGS = TradingSettings()
SYMBOL = "SPY"
LOST = FaultSettings("order", {"symbol": SYMBOL, "count": 1, "swallow": True})
DARK = FaultSettings("lookup", {"request": "all_open_orders", "count": 9, "code": 322, "text": "Error"}, at_seconds=5.0)
"""Look-ups fail from before the doubt until well after the visibility delay."""
LATER = "TLT"
BREAK = FaultSettings("drop", {}, after_orders_accepted=1)
SLOW_SECONDS = 2.0
BACK_AFTER = SETTINGS.acknowledge_timeout + SETTINGS.visibility_delay
"""When an order that was never answered is sent again."""


class Story:
    """The mixed event, of which one order is not answered. `sent` counts how often it left; `fresh` says of each look
    at the positions, from the doubt to its end, whether they were asked for anew. With `slow` the store takes its time
    to answer that an order is about to be sent again, `slowed` times; with `restless` the session is interrupted while
    the first look that would decide is under way."""

    def __init__(
        self,
        *faults: FaultSettings,
        symbol: str = SYMBOL,
        latency: Latency | None = None,
        slow: bool = False,
        restless: bool = False,
    ) -> None:
        self._symbol = symbol
        self.sent, self.slowed, self.fresh = 0, 0, list[bool]()
        self._doubtful, self._restless = False, restless
        run_virtual(self._run(mixed(*faults, latency=latency), slow))

    async def _run(self, scenario: Scenario, slow: bool) -> None:
        self.world = World(scenario)
        self.world.on_fact = self._heard
        process = self.world.start()
        self._watch_positions(process)
        if slow:
            self._slow_down(process)
        self.world.publish(mixed_event())
        await self.world.settle()
        await self.world.close()

    def _watch_positions(self, process: Process) -> None:
        ask = process.desk.broker.account_state

        async def asked(account: AccountId, *, fresh: bool = False) -> AccountState:
            self.fresh += [fresh] if self._doubtful else []
            process.desk.session.epoch += self._restless and fresh and self.fresh.count(True) == 1
            return await ask(account, fresh=fresh)

        process.desk.broker.account_state = asked  # type: ignore[method-assign]

    def _slow_down(self, process: Process) -> None:
        write = process.desk.journal.write

        async def written(
            lease: Lease, record: EventRecord, notes: Sequence[OutcomeNote], *, sending: bool = False
        ) -> EventRecord:
            done = await write(lease, record, notes, sending=sending)
            if any(intent.state is IntentState.SUBMITTING and intent.sent > 1 for intent in record.intents):
                self.slowed += 1
                await asyncio.sleep(SLOW_SECONDS)
            return done

        process.desk.journal.write = written  # type: ignore[method-assign]

    def _heard(self, _: Process, fact: Fact) -> None:
        if getattr(fact, "symbol", "") != self._symbol:
            return
        self.sent += isinstance(fact, OrderSubmitted)
        if isinstance(fact, OrderOutcomeUnknown | OrderTakenBack):
            self._doubtful = isinstance(fact, OrderOutcomeUnknown)

    @property
    def done_once(self) -> bool:
        """Whether everything was done, once, and the judges of the run have no objection."""
        [record] = self.world.store.records.values()
        return record.outcome is Outcome.COMPLETED and not self.world.problems()


@pytest.mark.parametrize("faults", [(LOST,), (LOST, DARK)], ids=["seeing", "in the dark"])
def test_an_order_is_sent_again_after_two_looks_and_the_positions_of_now(faults: tuple[FaultSettings, ...]) -> None:
    """Also when the first looks failed for longer than the visibility delay, one that succeeds is not enough; and the
    look that decides asks for the positions anew."""
    story = Story(*faults)
    assert story.done_once, story.world.problems()
    assert story.sent == 2
    assert story.fresh[-1]
    assert len(story.fresh) >= 2


def test_looks_of_an_earlier_doubt_prove_nothing_of_a_later_one() -> None:
    """The session broke before, and looks cleared that up. When an order is lost later and the first looks fail for
    longer than the visibility delay, one that succeeds is not enough either."""
    lost = FaultSettings("order", {"symbol": LATER, "count": 1, "swallow": True})
    story = Story(BREAK, lost, replace(DARK, at_seconds=14.0), symbol=LATER)
    assert story.done_once, story.world.problems()
    assert story.sent == 2
    assert story.fresh[0] is False


def test_a_look_that_the_session_did_not_outlive_decides_nothing() -> None:
    """The session was interrupted between the broker's answers and the verdict: the looks begin anew."""
    steady, restless = Story(LOST), Story(LOST, restless=True)
    assert steady.done_once
    assert restless.done_once, restless.world.problems()
    assert (steady.fresh.count(True), restless.fresh.count(True)) == (1, 2)


def test_what_comes_at_the_last_moment_is_heard_before_anything_is_sent_again() -> None:
    """The order was only late, later than look-ups ever show: its report comes while the store writes down that it is
    sent again, and it is not."""
    reports_after = BACK_AFTER + SLOW_SECONDS / 2
    late = {"symbol": SYMBOL, "count": 1, "delay_ms": int(reports_after * 1000), "fill_delay_ms": 30_000}
    hidden = Latency(lookup_ms=int(reports_after * 1000) + 5000)
    story = Story(FaultSettings("order", late), latency=hidden, slow=True)
    assert story.done_once, story.world.problems()
    assert story.slowed == 1
    assert story.sent == 1


def test_a_look_counts_from_its_beginning() -> None:
    """The broker takes so long to answer that the visibility delay runs out meanwhile; the order was visible to
    look-ups only after this one had listed the open ones."""
    shown_after = SETTINGS.acknowledge_timeout + SETTINGS.visibility_delay / 2
    late = {"symbol": SYMBOL, "count": 1, "delay_ms": 25_000, "fill_delay_ms": 40_000}
    slow = {"request": "completed_orders", "count": 1, "delay_ms": int(SETTINGS.visibility_delay * 1000)}
    second_look = FaultSettings("lookup", slow, at_seconds=SETTINGS.acknowledge_timeout + 0.5)
    story = Story(FaultSettings("order", late), second_look, latency=Latency(lookup_ms=int(shown_after * 1000)))
    assert story.done_once, story.world.problems()
    assert story.sent == 1


def test_a_position_that_moved_speaks_against_absence() -> None:
    """Whatever look-ups do not show, and however long: shares that are gone were sold."""
    told_after = BACK_AFTER + 10
    unseen = {"symbol": SYMBOL, "count": 1, "delay_ms": int(told_after * 1000)}
    story = Story(FaultSettings("order", unseen), latency=Latency(lookup_ms=int(told_after * 1000)))
    assert story.done_once, story.world.problems()
    assert story.sent == 1


@pytest.mark.parametrize(
    ("changes", "strange"),
    [
        ({}, False),
        ({"order_ref": ""}, True),
        ({"order_ref": "by hand"}, True),
        ({"order_ref": str(OrderRef("0123456789abcdef", 1))}, True),
        ({"order_ref": "", "account": AccountId("DU7654321")}, False),
        ({"order_ref": "", "account": None}, True),
        ({"order_ref": "", "con_id": 1}, False),
    ],
    ids=[
        "ours",
        "no reference",
        "by hand",
        "another event of ours",
        "another account",
        "any account",
        "another contract",
    ],
)
def test_whose_an_open_order_is(changes: dict[str, object], strange: bool) -> None:
    """Any order on a contract of the plan that is not this event's is a stranger, were it of another event of ours."""
    record = planned(accepted())
    first = record.intents[0]
    found: OrderReport = replace(report(of=first), **changes)  # type: ignore[arg-type]
    assert bool(strangers([found], record, [first.leg.contract.con_id])) is strange


def test_an_order_that_never_arrives_is_given_up_to_a_person() -> None:
    """After a bounded number of tries, each of which was proven absent; that is no cancellation."""
    story = Story(FaultSettings("order", {"symbol": SYMBOL, "count": 20, "swallow": True}))
    [record] = story.world.store.records.values()
    assert (record.outcome, record.reason_code) == (Outcome.NEEDS_REVIEW, "outcome_unknown")
    assert story.sent == SENDS_MAX
    assert story.world.problems() == []


@pytest.mark.parametrize("newer", [False, True])
def test_orders_that_the_journal_has_forgotten_are_not_planned_again(newer: bool) -> None:
    """The store fell back to before the plan, and a new process takes the event for untouched: what the broker has
    executed of it says otherwise, however late. Nor does a newer event make it one that has done nothing."""
    slow = Latency(positions_ms=3000, account_ms=3000, lookup_ms=3000)

    async def story() -> World:
        world = World(mixed(latency=slow), hold_seconds=10)

        def fall_back(process: Process, fact: Fact) -> None:
            if isinstance(fact, OrderDone) and not world.deaths and not process.killed:
                [record] = world.store.records.values()
                untouched = replace(record, stage=Stage.ACCEPTED, plan=None, intents=())
                world.store.records[record.key] = untouched
                process.kill()
                if newer:
                    world.publish(mixed_event().replace("2026-01-05-growth", "newer"))

        world.on_fact = fall_back
        world.start()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    first, *rest = world.store.records.values()
    assert (first.outcome, first.reason_code) == (Outcome.NEEDS_REVIEW, "journal_behind")
    assert len(rest) == newer
    assert all(len(perm_ids) == 1 for perm_ids in world.sim.ledger.orders_by_ref().values())
    assert len(world.sim.ledger.of("order_received")) == len(world.sim.ledger.orders_by_ref())


def test_a_process_suspects_what_it_has_sent_itself() -> None:
    """Whatever the journal says of it later."""

    async def story() -> tuple[bool, bool]:
        world = World(mixed())
        desk = world.start().desk
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        [record] = world.store.records.values()
        return suspected(desk, record), suspected(desk, accepted())

    assert run_virtual(story()) == (True, False)


@pytest.mark.parametrize(
    ("ending", "status", "left"),
    [
        (Ending.REFUSED, OrderStatus.INACTIVE, False),
        (Ending.REFUSED, OrderStatus.SUBMITTED, True),
        (Ending.CANCELLED, OrderStatus.INACTIVE, True),
    ],
)
async def test_what_the_broker_refused_is_no_stranger(ending: Ending, status: OrderStatus, left: bool) -> None:
    """It may go on listing it as inactive; an order it holds back is inactive, too, and was not refused."""
    record = planned(accepted())
    first = replace(record.intents[0], state=IntentState.DONE, ending=ending)

    class Journal:
        async def last_closed(self, account: AccountId, most: int) -> Sequence[EventRecord]:
            return [replace(record, intents=(first,))]

    desk = cast("Desk", SimpleNamespace(journal=Journal()))
    found = (report(status, first), report(OrderStatus.INACTIVE, order_ref="by hand"))
    assert await without_refused(desk, record.account, found) == (found if left else found[1:])


@pytest.mark.parametrize(
    ("ending", "status", "stands"),
    [
        (Ending.REFUSED, OrderStatus.SUBMITTED, False),
        (Ending.REFUSED, OrderStatus.INACTIVE, True),
        (Ending.CANCELLED, OrderStatus.INACTIVE, False),
    ],
)
def test_an_order_that_is_refused_may_stay_listed_as_inactive(
    ending: Ending, status: OrderStatus, stands: bool
) -> None:
    """What works after its end, or rests inactive without having been refused, may fill yet: a person looks."""
    doubts = Doubts(cast("Run", SimpleNamespace(desk=None, plan=plan_of([leg()]))))
    look = Look(evidence(open_orders=[report(status)]), {}, absence_counts=True, long_over=frozenset({1}))
    [judged] = doubts.judge([done(filled=0, ending=ending)], look)
    assert judged.ending is (ending if stands else Ending.UNRESOLVED)
