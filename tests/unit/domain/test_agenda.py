from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_processor.domain.agenda import FOLLOW_UP_SOURCE, Agenda, agenda, arrival, overtaken
from event_processor.domain.ids import AccountId, EntryId
from event_processor.domain.record import EventRecord
from tests.support.builders import AT
from tests.support.records import accepted, filled, planned, submitting


def fresh(number: int, **data: Any) -> EventRecord:  # noqa: ANN401 - any field
    return accepted(f"event-{number}", entry=number, **data)


def touched(number: int) -> EventRecord:
    return submitting(planned(fresh(number)))


def agenda_now(records: Sequence[EventRecord]) -> Agenda:
    return agenda(records, AT)


def names(todo: Agenda) -> tuple[list[tuple[str, str]], list[str]]:
    return [(old.event.id, new.event.id) for old, new in todo.superseded], [r.event.id for r in todo.order]


def test_nothing_open_means_nothing_to_do() -> None:
    """An empty account has an empty agenda."""
    assert agenda_now([]) == Agenda((), ())


def test_the_newest_event_supersedes_the_others() -> None:
    """Of several untouched events only the last to arrive is worth trading; each older one names it."""
    expected = [("event-1", "event-3"), ("event-2", "event-3")], ["event-3"]
    assert names(agenda_now([fresh(2), fresh(3), fresh(1)])) == expected


def test_a_planned_event_that_sent_nothing_is_superseded_too() -> None:
    """A plan alone has changed nothing in the market."""
    assert names(agenda_now([planned(fresh(1)), fresh(2)])) == ([("event-1", "event-2")], ["event-2"])


@pytest.mark.parametrize("begun", [touched(1), filled(submitting(planned(fresh(1))))])
def test_what_has_touched_the_market_is_finished_first(begun: EventRecord) -> None:
    """While orders of an event may be out nothing else is superseded, planned or even looked at."""
    assert names(agenda_now([fresh(2), begun, fresh(3, dry_run=True)])) == ([], ["event-1"])


def test_several_touched_events_finish_in_order_of_arrival() -> None:
    """It takes a crash to have two; both are finished, the older one first."""
    assert names(agenda_now([touched(2), touched(1)])) == ([], ["event-1", "event-2"])


def test_dry_runs_neither_supersede_nor_are_superseded() -> None:
    """They change nothing, so they all go, first, and the newest real event with them."""
    todo = agenda_now([fresh(1), fresh(2, dry_run=True), fresh(3), fresh(4, dry_run=True)])
    assert names(todo) == ([("event-1", "event-3")], ["event-2", "event-4", "event-3"])


def test_an_event_that_is_over_before_it_begins_supersedes_nothing() -> None:
    """A newest event that came too late to be traded does not take the older, valid one with it."""
    late = replace(fresh(2), expires_at=AT)
    assert names(agenda_now([fresh(1), late])) == ([], ["event-1", "event-2"])


def test_an_event_of_tomorrow_leaves_that_of_today_alone() -> None:
    """A newer event supersedes only once its own time has come."""
    tomorrow = fresh(2, not_before="2026-01-06T15:00:00Z")
    assert names(agenda_now([fresh(1), tomorrow])) == ([], ["event-1", "event-2"])
    lasting = [replace(event, expires_at=AT + timedelta(days=2)) for event in (fresh(1), tomorrow)]
    on_time = agenda(lasting, AT + timedelta(days=1))
    assert names(on_time) == ([("event-1", "event-2")], ["event-2"])


def test_an_event_of_today_supersedes_an_older_one_of_tomorrow() -> None:
    """What the producer said last holds, even against what was to start later."""
    waiting = fresh(1, not_before="2026-01-06T15:00:00Z")
    assert names(agenda_now([waiting, fresh(2)])) == ([("event-1", "event-2")], ["event-2"])


@pytest.mark.parametrize(
    ("entry_id", "place"), [("5-1", (5, 1)), ("5-10", (5, 10)), ("7", (7, 0)), ("", (0, 0)), ("10-0", (10, 0))]
)
def test_arrival_is_the_streams_order_by_number(entry_id: str, place: tuple[int, int]) -> None:
    """Entry ids are two numbers, not text: 5-10 comes after 5-2."""
    assert arrival(replace(fresh(1), entry_id=EntryId(entry_id))) == place


@given(st.permutations([fresh(1), fresh(2), fresh(3, dry_run=True), fresh(10)]))
def test_the_agenda_does_not_depend_on_the_order_of_the_records(records: Sequence[EventRecord]) -> None:
    """Whatever order the store lists them in, the verdict is the same and every record is in it once."""
    todo = agenda_now(records)
    assert names(todo) == ([("event-1", "event-10"), ("event-2", "event-10")], ["event-3", "event-10"])


def test_an_event_that_resubmits_one_order_supersedes_nothing() -> None:
    """It speaks of one contract only: two of them both run, older ordinary events too; a newer one replaces them."""
    follow = [_resubmits(fresh(number)) for number in (2, 3)]
    assert names(agenda_now([fresh(1), *follow])) == ([], ["event-1", "event-2", "event-3"])
    expected = [("event-1", "event-4"), ("event-2", "event-4"), ("event-3", "event-4")], ["event-4"]
    assert names(agenda_now([fresh(1), *follow, fresh(4)])) == expected


def _resubmits(record: EventRecord) -> EventRecord:
    return replace(record, event=record.event.model_copy(update={"source": FOLLOW_UP_SOURCE}))


def test_an_event_overtakes_those_of_its_own_account_only() -> None:
    """Of events that come in together each account's newest stays, however many newer ones other accounts have."""
    old, newer = fresh(1), fresh(2)
    other = replace(fresh(3), account=AccountId("DU7654321"))
    assert overtaken([old, newer, other], AT) == {old.entry_id: newer}
