from __future__ import annotations

from collections.abc import Sequence

import pytest

from event_processor.adapters.notifiers.message import Message, Urgency
from event_processor.adapters.notifiers.reader import Reader
from event_processor.adapters.notifiers.wording import message_of
from event_processor.adapters.notifiers.words import TEXT_LENGTH_MAX
from event_processor.domain import facts
from event_processor.domain.facts import Fact
from event_processor.domain.record import Outcome
from event_processor.domain.session import SessionState
from event_processor.domain.topics import Topic
from tests.support.notices import ACCOUNT, EXAMPLES, ORDERS, SECRET, WORDS, closed, session, told, waiting

TITLE_LENGTH_MAX = 50


def only(fact: Fact) -> Message:
    found = message_of(fact, WORDS)
    assert found is not None
    return found


@pytest.mark.parametrize("story", [story for _, story in EXAMPLES], ids=[when for when, _ in EXAMPLES])
def test_messages_are_short_plain_and_masked(story: Sequence[Fact]) -> None:
    """Each has a short title and a text, and neither names an account number."""
    message = told(story)
    assert 0 < len(message.title) <= TITLE_LENGTH_MAX
    assert message.text
    assert ACCOUNT not in f"{message.title} {message.body}"


@pytest.mark.parametrize("story", [story for _, story in EXAMPLES], ids=[when for when, _ in EXAMPLES])
def test_whatever_is_wrong_comes_with_advice(story: Sequence[Fact]) -> None:
    """Everything above mere news says what to do."""
    message = told(story)
    assert message.urgency is Urgency.NEWS or message.advice


def test_what_is_urgent() -> None:
    """Review, hold, halt, crash and a login that is overdue, and nothing else, break through quiet hours."""
    urgent = {when for when, story in EXAMPLES if told(story).urgency is Urgency.NOW}
    assert urgent == {
        "an event ends as `needs_review`",
        "an account is held",
        "a defect stops an account",
        "the processor crashes",
        "the market opens soon and nobody is logged in",
        "the market is open and nobody is logged in",
    }


def test_an_ended_event_tells_its_orders() -> None:
    """How many orders, how many filled, which target was not reached and why."""
    text = only(closed(Outcome.PARTIAL, reason="Not filled as planned.", orders=ORDERS)).text
    assert "2 orders, 1 filled as planned." in text
    assert "Not reached: BUY SPY 3 of 10, cancelled (not filled within 120 s)" in text
    assert "TLT" not in text


def test_many_orders_are_cut_short() -> None:
    """A long list ends with how many more there are."""
    assert "… and 4 more." in only(closed(Outcome.FAILED, orders=ORDERS[1:] * 12)).text


@pytest.mark.parametrize(
    ("outcome", "topic", "urgency"),
    [
        (Outcome.COMPLETED, Topic.EVENTS, Urgency.NEWS),
        (Outcome.FAILED, Topic.EVENTS, Urgency.SOON),
        (Outcome.REJECTED, Topic.EVENTS, Urgency.SOON),
        (Outcome.NEEDS_REVIEW, Topic.REVIEW, Urgency.NOW),
    ],
)
def test_topic_and_urgency_follow_the_outcome(outcome: Outcome, topic: Topic, urgency: Urgency) -> None:
    """What needs a person is under review and urgent; the rest is about events."""
    message = only(closed(outcome))
    assert (message.topic, message.urgency) == (topic, urgency)


def test_secrets_never_leave() -> None:
    """A secret in a reason is masked as it is in the log."""
    fact = facts.ProcessorHalted(reason=f"cannot open redis://:{SECRET}@host")
    assert SECRET not in only(fact).body
    assert "***" in only(fact).body


def test_texts_have_an_end() -> None:
    """A reason of any length makes a message that a phone can show."""
    assert len(only(facts.ProcessorStopped(reason="x" * 10_000)).text) == TEXT_LENGTH_MAX


def test_most_facts_are_not_told() -> None:
    """A lease that moves is for the log alone."""
    assert message_of(facts.LeaseChanged(account=ACCOUNT, held=True, token=1), WORDS) is None


def test_a_short_loss_of_the_link_is_not_told() -> None:
    """Lost and back within its patience: neither loss nor return is told."""
    reader = Reader(WORDS)
    assert reader.read(session(SessionState.LINK_LOST), 0) == []
    assert reader.read(session(SessionState.SYNCING), 200) == []
    assert reader.read(session(SessionState.READY), 201) == []
    assert (reader.due(10_000), reader.next_due()) == ([], None)


def test_a_long_loss_of_the_link_is_told_once_and_so_is_its_end() -> None:
    """After five minutes, whatever happens meanwhile short of being ready."""
    reader = Reader(WORDS)
    reader.read(session(SessionState.LINK_LOST, "1100"), 0)
    assert reader.due(299) == []
    assert [one.title for one in reader.due(300)] == ["The gateway has no link to IBKR"]
    assert reader.read(session(SessionState.SYNCING), 400) == []
    assert reader.read(session(SessionState.LINK_LOST), 500) == []
    assert reader.due(5_000) == []
    assert [one.title for one in reader.read(session(SessionState.READY), 5_001)] == ["Ready again"]


def test_a_link_that_turns_out_to_be_contended_is_told_as_that() -> None:
    """The competing login is told at once, and the lost link behind it not any more."""
    reader = Reader(WORDS)
    reader.read(session(SessionState.LINK_LOST), 0)
    assert [one.title for one in reader.read(session(SessionState.CONTENDED), 20)] == ["Somebody else is logged in"]
    assert reader.due(10_000) == []


def test_a_gateway_that_is_down_from_the_start_is_told() -> None:
    """No change of state says so: the start itself begins the wait."""
    reader = Reader(WORDS)
    reader.read(facts.ProcessorStarted(version="1", trading_mode="paper"), 0)
    assert [one.title for one in reader.due(300)] == ["The gateway does not answer"]


def test_a_short_loss_of_redis_is_not_told() -> None:
    """Back within its patience, nobody hears of it; a longer one is told with its end."""
    reader = Reader(WORDS)
    reader.read(facts.StoreLost(reason="x"), 0)
    assert reader.read(facts.StoreRestored(), 10) == []
    reader.read(facts.StoreLost(reason="x"), 20)
    assert [one.title for one in reader.due(40)] == ["Redis does not answer"]
    assert [one.title for one in reader.read(facts.StoreRestored(), 50)] == ["Redis is back"]


def test_an_event_that_waits_is_told_when_it_lasts() -> None:
    """A wait for prices of fifteen minutes is told; one that ends in time, or is told elsewhere, is not."""
    reader = Reader(WORDS)
    for number, code in enumerate(["quotes_unavailable", "session_down", "held", "paused"]):
        assert reader.read(waiting(code, "because", event_id=f"e{number}"), 0) == []
    reader.read(waiting("quotes_unavailable", "because", event_id="e9"), 0)
    reader.read(closed(event_id="e9"), 800)
    assert [one.title for one in reader.due(900)] == ["Event e0 still waits"]
