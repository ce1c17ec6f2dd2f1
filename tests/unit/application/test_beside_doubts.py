"""What was never sent need not wait for what is in doubt."""

from __future__ import annotations

import asyncio
from itertools import groupby

import pytest

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import Fact, OrderSubmitted, OrderSubmitting, SessionChanged
from event_processor.domain.intent import Ending
from event_processor.domain.record import Outcome
from event_processor.domain.session import SessionState
from gateway_simulator.settings import FaultSettings
from tests.support.process import Process
from tests.support.stories import BUYING, SELLING, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

DELAY = TradingSettings().visibility_delay
FIRST = "SPY"
BATCH = 2
DARK = {"request": "all_open_orders", "code": 322, "text": "Error"}


class Story:
    """The mixed event; right after its first order left, and before that arrives, the connection goes, or with `die`
    the process. `sent` is when each order left last, in seconds after the last return of the session."""

    def __init__(
        self, *faults: FaultSettings, die: bool = False, cut: bool = True, dark: int = 0, slow: int = 0
    ) -> None:
        """`dark`: how many look-ups fail from the session's return on; `slow`: how many milliseconds the broker takes
        to answer the one after which it counts as back."""
        self.sent: dict[str, float] = {}
        self._ready, self._die, self._cut, self._dark, self._slow = 0.0, die, cut, dark, slow
        run_virtual(self._run(*faults))

    async def _run(self, *faults: FaultSettings) -> None:
        self.world = World(mixed(*faults), trading=TradingSettings(batch=BATCH))
        self.world.on_fact = self._heard
        self.world.start()
        self.world.publish(mixed_event())
        await self.world.settle()
        await self.world.close()

    def _heard(self, process: Process, fact: Fact) -> None:
        now = asyncio.get_running_loop().time()
        if isinstance(fact, SessionChanged) and fact.after is SessionState.READY:
            self._ready = now
            if self.sent and self._dark:
                self.world.sim.actions.run("lookup", {**DARK, "count": self._dark})
        elif isinstance(fact, SessionChanged) and fact.after is SessionState.SYNCING and self.sent and self._slow:
            self.world.sim.actions.run("lookup", {"request": "completed_orders", "count": 1, "delay_ms": self._slow})
        elif isinstance(fact, OrderSubmitted):
            first = not self.sent
            self.sent[fact.symbol] = now - self._ready
            if first and self._cut:
                self.world.sim.actions.run("drop", {})
            if first and self._die:
                process.kill()

    @property
    def done_once(self) -> bool:
        """Whether, whatever was sent when, everything was done, once."""
        [record] = self.world.store.records.values()
        return record.outcome is Outcome.COMPLETED and not self.world.problems()


@pytest.mark.parametrize("slow", [0, 3000])
def test_what_never_left_goes_while_another_is_in_doubt(slow: int) -> None:
    """Within two seconds of the session's return; the doubtful sell after the visibility delay, and the buys that need
    its cash after that. It has returned when everything was read, and not when the socket was there."""
    story = Story(slow=slow)
    assert story.done_once
    others = [story.sent[symbol] for symbol in SELLING if symbol != FIRST]
    assert max(others) < 2
    assert DELAY <= story.sent[FIRST] < DELAY + 2
    assert max(story.sent[symbol] for symbol in BUYING) > story.sent[FIRST]


def test_nothing_leaves_before_a_first_look_has_succeeded() -> None:
    """Two looks fail, so that the third, two seconds after the session's return, is the first to show anything."""
    story = Story(dark=2)
    assert story.done_once
    assert min(story.sent.values()) >= 2


def test_a_run_that_was_taken_up_again_waits() -> None:
    """A new process has only the journal's word for what never left, and a store may have forgotten a write: nothing
    goes before the broker has had time to show everything."""
    story = Story(die=True)
    assert story.done_once
    assert min(story.sent.values()) >= DELAY


@pytest.mark.parametrize("symbol", ["SPY", "AAPL", "TLT", "KO"])
@pytest.mark.parametrize("fault", [{"drop": "received"}, {"drop": "accepted"}, {"swallow": True}])
def test_whichever_is_in_doubt_everything_is_done_once(symbol: str, fault: dict[str, object]) -> None:
    """A sell or a buy, lost with the connection or silently, or adopted after it."""
    assert Story(FaultSettings("order", {"symbol": symbol, "count": 1, **fault}), cut=False).done_once


def test_an_order_that_breaks_the_connection_each_time_costs_no_other_its_tries() -> None:
    """After some tries each goes alone: that one is left to a person, all others are done."""
    story = Story(FaultSettings("order", {"symbol": FIRST, "count": 99, "drop": "received"}), cut=False)
    [record] = story.world.store.records.values()
    unresolved = [i.leg.contract.symbol for i in record.intents if i.ending is Ending.UNRESOLVED]
    assert (record.outcome, unresolved) == (Outcome.NEEDS_REVIEW, [FIRST])
    assert story.world.problems() == []


def test_no_more_is_marked_at_once_than_a_batch() -> None:
    """Whatever is lost with a connection, or with the process, is no more than that."""
    story = Story(cut=False)
    marks = [
        isinstance(f, OrderSubmitting) for f in story.world.facts if isinstance(f, OrderSubmitting | OrderSubmitted)
    ]
    together = [len(list(run)) for marked, run in groupby(marks) if marked]
    assert sum(together) == len(SELLING) + len(BUYING)
    assert max(together) == BATCH


def test_buys_whose_cash_never_comes_are_given_up() -> None:
    """All that should have paid for them was refused: nothing of them is sent, not even an order of no shares."""
    refused = FaultSettings("order", {"side": "SELL", "reject_code": 201, "reject_text": "no"})
    story = Story(refused, cut=False)
    [record] = story.world.store.records.values()

    sent = [entry for entry in story.world.sim.ledger.of("order_received") if float(str(entry["quantity"])) < 1]
    assert (sent, story.world.problems()) == ([], [])
    assert Ending.SKIPPED in {i.ending for i in record.intents}
