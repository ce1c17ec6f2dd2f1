from __future__ import annotations

from event_processor.application.drafts import ended, news
from event_processor.domain.closing import Conclusion
from event_processor.domain.record import Outcome
from tests.support.builders import AT
from tests.support.records import accepted


def test_neither_a_repeat_nor_a_refused_event_is_news() -> None:
    """Neither may supersede anything: the first of each event counts, unless the account's rules refuse it."""
    first, repeat, other = accepted("one", entry=1), accepted("one", entry=2), accepted("two", entry=3)
    refused = ended(accepted("three", entry=4), Conclusion(Outcome.REJECTED, "not_armed", "no"), AT)
    assert news([first, repeat, other, refused]) == [first, other]
