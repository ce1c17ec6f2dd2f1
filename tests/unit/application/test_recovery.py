"""An order that is done by our books, and what a look at the broker may make of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from event_processor.application.desk import Desk, TradingSettings
from event_processor.application.recovery import TWICE, Doubts, Look, glance
from event_processor.application.run import Run
from event_processor.domain.ids import PermId
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus
from event_processor.domain.policy import TradingPolicy
from event_processor.domain.reports import Evidence
from event_processor.ports import Lease
from tests.support.builders import ACCOUNT, AT
from tests.support.making import done, execution, intent, report
from tests.support.records import accepted, planned
from tests.support.stories import mixed
from tests.support.virtual_time import run_virtual
from tests.support.world import World

T = TypeVar("T")
DELAY = TradingSettings().visibility_delay
CUT = done(filled=40, ending=Ending.CANCELLED)
FIRST = CUT.leg.number


def _asked(story: Callable[[Desk, Doubts], Awaitable[T]], *intents: OrderIntent) -> T:
    """What becomes of the doubts of a run with these intents, session ready."""

    async def run() -> T:
        world = World(mixed())
        desk = world.start().desk
        await world.settle()
        record = replace(planned(accepted()), intents=intents)
        found = await story(desk, Doubts(Run(desk, Lease(ACCOUNT, "us", 1, 30.0), record, TradingPolicy())))
        await world.close()
        return found

    return run_virtual(run())


def _judged(before: OrderIntent, evidence: Evidence, *long_over: int) -> tuple[OrderIntent, bool]:
    """The intent after a look, and whether another look is due."""

    async def story(_: Desk, doubts: Doubts) -> tuple[OrderIntent, bool]:
        [after] = doubts.judge([before], Look(evidence, {}, absence_counts=False, long_over=frozenset(long_over)))
        return after, doubts.first_look_due

    return _asked(story, before)


def _shown(*orders: OrderIntent, status: OrderStatus = OrderStatus.SUBMITTED) -> Evidence:
    return Evidence(AT, tuple(report(status, of=order, perm_id=order.perm_id) for order in orders), (), ())


def test_an_order_that_has_just_ended_may_still_be_shown_open() -> None:
    """A look that began too soon after the end proves nothing, but another one is due."""
    assert _judged(CUT, _shown(CUT)) == (CUT, True)


def test_an_order_that_is_shown_open_long_after_its_end_is_left_to_a_person() -> None:
    """It may fill yet, so nobody may be told that it was cancelled."""
    after, again = _judged(CUT, _shown(CUT), FIRST)
    assert (after.ending, again) == (Ending.UNRESOLVED, False)
    assert "still shows it open" in after.note


@pytest.mark.parametrize(
    "before", [done(), replace(CUT, ending=Ending.LEFT_OPEN), replace(CUT, ending=Ending.UNRESOLVED, note="why")]
)
def test_nothing_can_come_of_an_order_that_filled_or_is_known_to_be_open(before: OrderIntent) -> None:
    """Executions prove that all of it traded; what was left open, or to a person, is meant to be there."""
    assert _judged(before, _shown(before), FIRST) == (before, False)


@pytest.mark.parametrize("before", [CUT, intent(IntentState.WORKING, perm_id=CUT.perm_id)])
def test_a_second_order_under_one_reference_is_told_at_once(before: OrderIntent) -> None:
    """Whether the first is over or works: that is certain, and no time makes it better."""
    second = replace(before, perm_id=PermId(before.perm_id + 1))
    after, _ = _judged(before, _shown(before, second))
    assert (after.state, after.ending) == (IntentState.DONE, Ending.UNRESOLVED)
    assert TWICE in after.note


def test_a_glance_proves_no_absence() -> None:
    """It is there to find fills: what it does not show may be at the broker all the same, and stays in doubt."""
    lost = intent(IntentState.UNKNOWN)

    async def story(_: Desk, doubts: Doubts) -> list[OrderIntent]:
        return doubts.judge([lost], glance(_shown()))

    assert _asked(story, lost) == [lost]


def test_a_trade_that_was_missed_is_added_to_what_is_done() -> None:
    """The look shows it, and the end stays what it was."""
    told = execution(of=CUT, exec_id="late.01", quantity=10, cumulative=50)
    after, _ = _judged(CUT, Evidence(AT, (), (), (told,)))
    assert after.ending is Ending.CANCELLED
    assert after.executed == 50


def test_an_order_is_long_over_by_when_a_look_began() -> None:
    """What the broker was asked before the delay had passed may come from before the end, however late it answers."""

    async def story(desk: Desk, doubts: Doubts) -> list[frozenset[int]]:
        async def slow(age_seconds_max: float = 0.0) -> Evidence:
            await asyncio.sleep(1)
            return Evidence(AT, (), (), ())

        desk.session.evidence = slow  # type: ignore[method-assign]
        found: list[frozenset[int]] = []
        for pause in (0.0, DELAY - 1.5, 1.0):
            await asyncio.sleep(pause)
            doubts.begin()
            look = await doubts.look()
            assert look is not None
            found.append(look.long_over)
        return found

    assert _asked(story, CUT) == [frozenset(), frozenset(), frozenset({FIRST})]


def test_what_contradicts_our_books_is_looked_into_when_the_next_look_is_due() -> None:
    """Each look shows it again: looking at once would be looking for ever."""

    async def story(_: Desk, doubts: Doubts) -> tuple[float, bool]:
        doubts.begin()
        await doubts.look()
        doubts.contradicted()
        return doubts.next_look_in(), doubts.first_look_due

    seconds, due = _asked(story, CUT)
    assert due
    assert 0.5 < seconds <= 1
