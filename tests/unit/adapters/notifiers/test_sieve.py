from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from structlog.testing import capture_logs

from event_processor.adapters.notifiers.message import LINES_MAX, Message, Urgency
from event_processor.adapters.notifiers.pile import PILE_MAX
from event_processor.adapters.notifiers.quiet import QuietHours
from event_processor.adapters.notifiers.sieve import MARKS_MAX, RATE, SAME_SECONDS, URGENT_RATE, Sieve
from event_processor.domain.topics import Topic
from tests.support.notices import BERLIN, HandClock, Ledger, message

NIGHT = QuietHours(time(22), time(7), BERLIN)
MIDNIGHT = datetime(2026, 1, 5, 23, tzinfo=UTC)


class Bench:
    def __init__(self, quiet: QuietHours | None = None, at: datetime | None = None) -> None:
        self.clock, self.ledger = HandClock(), Ledger()
        if at:
            self.clock.at = at
        self.sieve = Sieve(self.clock, quiet, self.ledger)

    def titles(self, *messages: Message) -> list[str]:
        return [one.title for each in messages for one in self.sieve.admit(each)]


def test_the_same_is_told_once_in_its_time() -> None:
    """A repeat within ten minutes is counted and not told; after them it is told again."""
    bench = Bench()
    assert bench.titles(message("a"), message("a"), message("b")) == ["a", "b"]
    assert bench.ledger.of("repeated") == ["a"]
    bench.clock.move(SAME_SECONDS)
    assert bench.titles(message("a")) == ["a"]


def test_what_was_told_is_remembered_up_to_a_limit() -> None:
    """A flood of different messages costs bounded memory; the oldest is forgotten first."""
    bench = Bench()
    for number in range(MARKS_MAX):
        bench.titles(message(f"m{number}", Urgency.NEWS))
    bench.titles(message("one more"), message("m0"), message("m999"))
    assert bench.ledger.of("repeated") == ["m999"]


def test_a_mark_tells_what_is_the_same() -> None:
    """Two prompts of the gateway read alike and are two; two words on one thing are one."""
    bench = Bench()
    assert bench.titles(message("a", mark="1"), message("a", mark="2"), message("b", mark="2")) == ["a", "a"]


@pytest.mark.parametrize(("urgency", "rate"), [(Urgency.SOON, RATE), (Urgency.NOW, URGENT_RATE)])
def test_what_comes_too_fast_comes_as_one(urgency: Urgency, rate: tuple[int, float]) -> None:
    """Above the rate of a topic messages wait and are told together, none of them lost."""
    bench, (most, seconds) = Bench(), rate
    sent = bench.titles(*(message(f"m{number}", urgency) for number in range(most + 3)))
    assert sent == [f"m{number}" for number in range(most)]
    assert bench.sieve.wait_seconds() == seconds
    bench.clock.move(seconds - 1)
    assert bench.sieve.ripe() == []
    bench.clock.move(1)
    (one,) = bench.sieve.ripe()
    assert (one.title, one.urgency, one.topic) == ("3 messages in a short time", urgency, Topic.EVENTS)
    assert [f"m{most + number}" in one.text for number in range(3)] == [True] * 3
    assert bench.sieve.wait_seconds() is None


def test_urgent_messages_pass_a_topic_that_is_busy() -> None:
    """A flood of news does not hold up what is urgent, nor another topic."""
    bench = Bench()
    bench.titles(*(message(f"m{number}", Urgency.NEWS) for number in range(50)))
    assert bench.titles(message("u", Urgency.NOW), message("o", topic=Topic.STORE)) == ["u", "o"]


def test_the_night_is_quiet_but_for_what_is_urgent() -> None:
    """What is not urgent is held, and told as one when the quiet hours end, with its times."""
    bench = Bench(NIGHT, MIDNIGHT)
    assert bench.titles(message("a"), message("u", Urgency.NOW), message("b", Urgency.NEWS)) == ["u"]
    assert bench.ledger.of("held") == ["a", "b"]
    assert bench.sieve.wait_seconds() == 7 * 3600
    bench.clock.move(7 * 3600 - 1)
    assert bench.sieve.ripe() == []
    bench.clock.move(1)
    (one,) = bench.sieve.ripe()
    assert one.title == "2 messages from the quiet hours"
    assert one.text.splitlines() == ["00:00 a: t", "00:00 b: t"]
    assert bench.titles(message("c")) == ["c"]


def test_one_message_of_the_night_comes_as_it_is() -> None:
    """A single one needs no summary."""
    bench = Bench(NIGHT, MIDNIGHT)
    bench.titles(message("a"))
    bench.clock.move(8 * 3600)
    assert [one.title for one in bench.sieve.ripe()] == ["a"]


def test_the_night_keeps_so_many_and_counts_the_rest() -> None:
    """The oldest of the least urgent goes first, and the summary says how many are missing."""
    bench = Bench(NIGHT, MIDNIGHT)
    bench.titles(message("first"), message("news", Urgency.NEWS))
    bench.titles(*(message(f"m{number}") for number in range(PILE_MAX)))
    assert bench.ledger.of("dropped") == ["news", "first"]
    bench.clock.move(8 * 3600)
    (one,) = bench.sieve.ripe()
    assert one.title == f"{PILE_MAX + 2} messages from the quiet hours"
    assert one.text.startswith(f"({PILE_MAX + 2 - LINES_MAX} earlier ones are not shown.)")


def test_at_the_end_the_rates_let_go_and_the_night_does_not() -> None:
    """A stop tells what was bundled; what quiet hours hold makes no sound, and is counted."""
    bench = Bench(NIGHT, MIDNIGHT)
    bench.titles(message("a"), *(message(f"u{number}", Urgency.NOW) for number in range(7)))
    with capture_logs() as logs:
        assert [one.title for one in bench.sieve.leave()] == ["2 messages in a short time"]
    assert [(line["event"], line["held"]) for line in logs] == [("notifications.left", 1)]
    assert bench.ledger.of("dropped") == ["a"]


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 1, 5, 20, 59, tzinfo=UTC), None),
        (datetime(2026, 1, 5, 21, 0, tzinfo=UTC), 9),
        (datetime(2026, 1, 6, 5, 0, tzinfo=UTC), 1),
        (datetime(2026, 1, 6, 6, 0, tzinfo=UTC), None),
        (datetime(2026, 3, 28, 21, 0, tzinfo=UTC), 8),
        (datetime(2026, 10, 24, 20, 0, tzinfo=UTC), 10),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall(now: datetime, hours: int | None) -> None:
    """Over midnight, and over the nights in which the clocks change."""
    assert NIGHT.until(now) == (None if hours is None else now + timedelta(hours=hours))
