from __future__ import annotations

from event_processor.adapters.notifiers.reader import SESSION_TROUBLES
from event_processor.adapters.notifiers.wording_events import TITLES
from event_processor.domain.record import FINAL
from event_processor.domain.topics import ABOUT, Topic
from tests.support.notices import EXAMPLES, told
from tests.tidy.notices import PAGE, page_as_it_should_be


def test_the_page_of_notifications_is_in_step_with_the_code() -> None:
    """`python -m tests.tidy.notices` has been run since the last change of a message."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_as_it_should_be(page)


def test_every_topic_has_a_message_in_the_page() -> None:
    """No topic is without an example, and each says what it is about."""
    assert {told(story).topic for _, story in EXAMPLES} == set(Topic) == set(ABOUT)


def test_every_final_outcome_has_a_title() -> None:
    """No ending of an event finds the notifier without words."""
    assert set(TITLES) == FINAL


def test_every_trouble_of_the_session_is_in_the_page() -> None:
    """Each state that is worth telling has its row."""
    page = PAGE.read_text(encoding="utf-8")
    assert [title for _, title in SESSION_TROUBLES.values() if f"**{title}**" not in page] == []
