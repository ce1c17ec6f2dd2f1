from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from event_processor.application.accounts import AccountRules
from event_processor.application.drafts import Drafts, ended, first_notes, news
from event_processor.domain.closing import Conclusion
from event_processor.domain.ids import EntryId
from event_processor.domain.policy import AccountRule
from event_processor.domain.record import Outcome, Stage
from event_processor.errors import EventMalformed
from event_processor.ports import InboxEntry
from tests.support.builders import AT, event_text
from tests.support.notices import HandClock
from tests.support.records import accepted

RULES = (AccountRule("growth", "DU1234567", armed=True), AccountRule("asleep", "DU7654321", armed=False))


def drafts(rules: Sequence[AccountRule] = RULES) -> Drafts:
    """At `AT`, for events that live an hour unless they say otherwise."""
    return Drafts(AccountRules("paper", rules), HandClock(AT), 3600)


def entry(number: int = 1, deliveries: int = 1, **data: Any) -> InboxEntry:  # noqa: ANN401 - any JSON
    body = event_text(**data)
    return InboxEntry(EntryId(f"{number}-0"), body, {"event": body}, deliveries)


@pytest.mark.parametrize(
    ("said", "expires"),
    [(None, AT + timedelta(hours=1)), ("2026-01-05T15:00:10Z", AT + timedelta(seconds=10))],
)
def test_an_event_lives_as_long_as_it_says(said: str | None, expires: datetime) -> None:
    """Its own word counts, earlier or later; only without one the settings do."""
    assert drafts().of(entry(expires_at=said)).expires_at == expires


def test_an_alias_becomes_the_account_it_stands_for() -> None:
    """Lease, hold and orders are the account's, whatever name the producer used for it."""
    assert drafts().of(entry(account="growth")).account == "DU1234567"
    assert drafts().of(entry(account="DU1234567")).account == "DU1234567"


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_account_that_is_not_armed_gets_dry_runs_only(*, dry_run: bool) -> None:
    """A real event for it is closed before anything is done, and only that is told."""
    record = drafts().of(entry(account="asleep", dry_run=dry_run))
    assert (record.stage is not Stage.CLOSED) is dry_run
    told = [(note.kind, note.at) for note in first_notes(record)]
    assert told == [(Outcome.ACCEPTED if dry_run else Outcome.REJECTED, AT)]


def test_what_ends_as_it_is_accepted_is_told_of_twice_each_at_its_time() -> None:
    """Accepted, and superseded a second later."""
    later = AT + timedelta(seconds=1)
    notes = first_notes(ended(accepted("one", entry=1), Conclusion(Outcome.SUPERSEDED, "superseded", "newer"), later))
    assert [note.kind for note in notes] == [Outcome.ACCEPTED, Outcome.SUPERSEDED]
    assert notes[1].at == later


async def test_beside_what_was_handed_out_before_nothing_is_looked_at() -> None:
    """It may be what broke the process; one such entry is enough to take each by itself."""
    fresh = [entry(1), entry(2, account="asleep", dry_run=True)]
    assert list(await drafts().together(fresh)) == ["1-0", "2-0"]
    assert await drafts().together([*fresh, entry(3, deliveries=2)]) == {}


def test_what_breaks_the_reader_is_said_to_be_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours on the way is no reason to stop at the entry for ever."""

    def broken(_: str) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("event_processor.application.drafts.parse_event", broken)
    with pytest.raises(EventMalformed, match="a bug") as caught:
        drafts().of(entry())
    assert caught.value.reason_code == "unreadable"


def test_neither_a_repeat_nor_a_refused_event_is_news() -> None:
    """Neither may supersede anything: the first of each event counts, unless the account's rules refuse it."""
    first, repeat, other = accepted("one", entry=1), accepted("one", entry=2), accepted("two", entry=3)
    refused = ended(accepted("three", entry=4), Conclusion(Outcome.REJECTED, "not_armed", "no"), AT)
    assert news([first, repeat, other, refused]) == [first, other]
