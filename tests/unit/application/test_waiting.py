from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from event_processor.application.desk import Desk, TradingSettings
from event_processor.application.waiting import Wait, Waiting
from event_processor.domain.facts import EventWaiting, Fact
from event_processor.domain.ids import EventKey
from event_processor.errors import MarketClosed, PlanError, ProcessorError, TradingPaused
from tests.support.notices import HandClock
from tests.support.records import accepted, planned, submitting

RECORD = accepted()
OPENS_IN = timedelta(hours=3)


class Bench:
    """The waits of one account, on a clock moved by hand."""

    def __init__(self) -> None:
        self.clock, self.told = HandClock(), list[Fact]()
        desk = SimpleNamespace(clock=self.clock, settings=TradingSettings(retry=30.0), observer=self)
        self.waiting = Waiting(cast("Desk", desk))

    def observe(self, fact: Fact) -> None:
        self.told.append(fact)


def test_a_closed_market_is_waited_for_until_it_opens() -> None:
    """Its end is known: nothing is tried before, at that very moment it is, and the producer hears of it at once."""
    bench = Bench()
    opens = bench.clock.now() + OPENS_IN
    bench.waiting.after(RECORD, MarketClosed("closed", until=opens))
    assert bench.waiting.worth_telling(RECORD)
    assert bench.waiting.seconds_to_next(24 * 3600) == OPENS_IN.total_seconds()
    assert bench.waiting.still(RECORD.key, opens - timedelta(seconds=1)) == Wait("market_closed", "closed", opens)
    assert bench.waiting.still(RECORD.key, opens) is None


@pytest.mark.parametrize(("error", "seconds"), [(TradingPaused("paused"), 0.5), (PlanError("odd"), 30.0)])
def test_what_shows_by_itself_is_tried_again_sooner(error: ProcessorError, seconds: float) -> None:
    """A pause is looked at anyway; what may last is given the time of the settings."""
    bench = Bench()
    bench.waiting.after(RECORD, error)
    assert bench.waiting.seconds_to_next(3600) == seconds
    bench.clock.move(seconds)
    assert bench.waiting.still(RECORD.key, bench.clock.now()) is None
    assert bench.waiting.seconds_to_next(3600) == 3600


def test_a_wait_without_known_end_is_worth_telling_once_it_lasts() -> None:
    """People hear of it at once and once; the producer after ten seconds, and not of an event that has traded."""
    bench = Bench()
    for _ in range(10):
        bench.waiting.note(RECORD, Wait("paused", "by hand"))
        assert not bench.waiting.worth_telling(RECORD)
        bench.clock.move(1)
    assert bench.waiting.worth_telling(RECORD)
    assert not bench.waiting.worth_telling(submitting(planned(RECORD)))
    assert [type(fact) for fact in bench.told] == [EventWaiting]


def test_a_wait_whose_reason_changes_goes_on() -> None:
    """A gateway that refuses and is silent by turns is away all the same."""
    bench = Bench()
    for second in range(10):
        bench.waiting.note(RECORD, Wait(("session_down", "session_awaiting_login")[second % 2], "away"))
        assert not bench.waiting.worth_telling(RECORD)
        bench.clock.move(1)
    assert bench.waiting.worth_telling(RECORD)


def test_what_is_no_longer_open_is_forgotten() -> None:
    """Another processor has closed it: it is neither shown as waiting nor a reason to wake up."""
    bench = Bench()
    bench.waiting.after(RECORD, MarketClosed("closed", until=bench.clock.now() + OPENS_IN))
    bench.waiting.keep_only([EventKey("another")])
    assert bench.waiting.waits == {}
    assert bench.waiting.seconds_to_next(24 * 3600) == 24 * 3600
