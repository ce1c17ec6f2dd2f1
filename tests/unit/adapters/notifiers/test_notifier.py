from __future__ import annotations

import asyncio
from datetime import UTC, time
from typing import Any

import pytest
from structlog.testing import capture_logs

from event_processor.adapters.notifiers.notifier import STOP_SECONDS, Notifier
from event_processor.adapters.notifiers.quiet import QuietHours
from event_processor.domain import facts
from event_processor.domain.record import Outcome
from event_processor.domain.session import SessionState
from event_processor.domain.topics import Topic
from tests.support.making import LoopClock
from tests.support.notices import ACCOUNT, WORDS, Ledger, Listener, closed, session, waiting
from tests.support.virtual_time import run_virtual


def notifier(*listeners: Listener, ledger: Ledger | None = None, **more: Any) -> Notifier:  # noqa: ANN401
    return Notifier(listeners, WORDS, LoopClock(), ledger or Ledger(), **more)


def test_each_receiver_is_told_what_the_topics_choose() -> None:
    """Two receivers get the same; a topic that was not chosen reaches neither."""

    async def story() -> list[list[str]]:
        listeners = Listener(), Listener()
        telling = notifier(*listeners, topics=[Topic.EVENTS])
        telling.observe(facts.StoreUnsafe(findings=("x",)))
        telling.observe(closed(event_id="e7"))
        await telling.close()
        return [listener.titles for listener in listeners]

    assert run_virtual(story()) == [["Event e7: done"]] * 2


def test_a_receiver_that_hangs_holds_up_neither_the_other_nor_the_stop() -> None:
    """The other gets everything at once; the stop takes its few seconds and no more, and says what is left."""

    async def story() -> tuple[list[str], float]:
        good, bad = Listener(), Listener(hanging=True)
        telling = notifier(good, bad)
        telling.observe(closed(event_id="e1"))
        telling.observe(closed(event_id="e2"))
        await asyncio.sleep(0.1)
        heard, loop = list(good.titles), asyncio.get_running_loop()
        before = loop.time()
        await telling.close()
        return heard, loop.time() - before

    with capture_logs() as logs:
        heard, seconds = run_virtual(story())
    assert heard == ["Event e1: done", "Event e2: done"]
    assert seconds == pytest.approx(STOP_SECONDS)
    assert [(line["event"], line["messages"]) for line in logs] == [("notifications.left", 2)]


def test_what_is_urgent_goes_first_at_the_end() -> None:
    """The last thing said before the end is said in the order of its urgency."""

    async def story() -> list[str]:
        listener = Listener()
        telling = notifier(listener)
        telling.observe(closed())
        telling.observe(facts.ProcessorStopped(reason="RuntimeError()"))
        await telling.close()
        return listener.titles

    assert run_virtual(story()) == ["The processor crashed", "Event e1: done"]


def test_a_link_that_stays_away_is_told_by_itself() -> None:
    """No further fact is needed for the five minutes to pass."""

    async def story() -> tuple[list[str], list[str]]:
        listener = Listener()
        telling = notifier(listener)
        telling.observe(session(SessionState.LINK_LOST))
        await asyncio.sleep(299)
        early = listener.titles
        await asyncio.sleep(2)
        late = listener.titles
        await telling.close()
        return early, late

    assert run_virtual(story()) == ([], ["The gateway has no link to IBKR"])


def test_quiet_hours_end_with_one_summary() -> None:
    """Through a night of virtual time: the review is told at once, the rest as one message at its end."""
    quiet = QuietHours(time(14), time(23), UTC)

    async def story() -> list[list[str]]:
        listener, heard = Listener(), list[list[str]]()
        telling = notifier(listener, quiet=quiet)
        for number in range(3):
            telling.observe(closed(event_id=f"e{number}"))
        telling.observe(closed(Outcome.NEEDS_REVIEW, event_id="e9"))
        for hours in (7.5, 1.0):
            await asyncio.sleep(hours * 3600)
            heard.append(listener.titles)
        await telling.close()
        return heard

    assert run_virtual(story()) == [
        ["Event e9: needs review"],
        ["Event e9: needs review", "3 messages from the quiet hours"],
    ]


def test_what_the_rates_kept_back_is_told_before_the_end() -> None:
    """Nobody would tell it afterwards."""

    async def story() -> list[str]:
        listener = Listener()
        telling = notifier(listener)
        for number in range(15):
            telling.observe(closed(event_id=f"e{number}"))
        await telling.close()
        return listener.titles

    assert run_virtual(story())[-1] == "5 messages in a short time"


def test_an_event_that_waited_and_is_over_is_not_told_as_stuck() -> None:
    """While it lasts it is, after a quarter of an hour."""

    async def story(*, ends: bool) -> list[str]:
        listener = Listener()
        telling = notifier(listener)
        telling.observe(waiting("quotes_unavailable", "no price for SPY"))
        await asyncio.sleep(600)
        if ends:
            telling.observe(closed())
        await asyncio.sleep(600)
        await telling.close()
        return listener.titles

    assert run_virtual(story(ends=True)) == ["Event e1: done"]
    assert len(run_virtual(story(ends=False))) == 1


def test_a_defect_in_it_is_logged_and_reaches_nobody_else() -> None:
    """A task that dies of a bug says so once; whoever observes is not told."""

    class Broken(Listener):
        async def send(self, message: object) -> None:
            raise ZeroDivisionError

    async def story() -> None:
        telling = notifier(Broken())
        telling.observe(closed())
        await asyncio.sleep(1)
        telling.observe(facts.AccountHeld(account=ACCOUNT, reason="x"))
        await telling.close()

    with capture_logs() as logs:
        run_virtual(story())
    assert [line["event"] for line in logs] == ["notifications.crashed", "notifications.left"]


def test_after_the_end_nothing_is_told() -> None:
    """What is observed while other things stop starts nothing anew."""

    async def story() -> tuple[list[str], int]:
        listener = Listener()
        telling = notifier(listener)
        telling.observe(closed(event_id="e1"))
        await telling.close()
        telling.observe(closed(event_id="e2"))
        await asyncio.sleep(1)
        return listener.titles, len(asyncio.all_tasks())

    assert run_virtual(story()) == (["Event e1: done"], 1)


def test_closing_before_anything_was_told_is_harmless() -> None:
    """A processor that stops at once has nothing to wait for."""
    ledger = Ledger()

    async def story() -> None:
        await notifier(Listener(), ledger=ledger).close()

    run_virtual(story())
    assert ledger.lines == []
