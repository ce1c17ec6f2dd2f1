"""Before an order is sent again its absence is proven; and whose an order at the broker is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.application.recovery import strangers
from event_processor.domain.facts import Fact, OrderOutcomeUnknown, OrderSubmitted, OrderTakenBack
from event_processor.domain.ids import AccountId, OrderRef
from event_processor.domain.intent import IntentState
from event_processor.domain.portfolio import AccountState
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote
from event_processor.domain.reports import OrderReport
from event_processor.ports import Lease
from gateway_simulator.settings import FaultSettings, Latency, Scenario
from tests.support.making import report
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
SLOW_SECONDS = 2.0
BACK_AFTER = SETTINGS.acknowledge_timeout + SETTINGS.visibility_delay
"""When an order that was never answered is sent again."""


class Story:
    """The mixed event, of which one order is not answered. `sent` counts how often it left; `fresh` says of each look
    at the positions, from the doubt to its end, whether they were asked for anew. With `slow` the store takes its time
    to answer that an order is about to be sent again, `slowed` times."""

    def __init__(self, *faults: FaultSettings, latency: Latency | None = None, slow: bool = False) -> None:
        self.sent, self.slowed, self.fresh = 0, 0, list[bool]()
        self._doubtful = False
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
        if getattr(fact, "symbol", "") != SYMBOL:
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
        ({"order_ref": "", "con_id": 1}, False),
    ],
    ids=["ours", "no reference", "by hand", "another event of ours", "another account", "another contract"],
)
def test_whose_an_open_order_is(changes: dict[str, object], strange: bool) -> None:
    """Any order on a contract of the plan that is not this event's is a stranger, were it of another event of ours."""
    record = planned(accepted())
    first = record.intents[0]
    found: OrderReport = replace(report(of=first), **changes)  # type: ignore[arg-type]
    assert bool(strangers([found], record, [first.leg.contract.con_id])) is strange
