from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from event_processor.domain import facts
from event_processor.domain.facts import EventFact, Fact, OrderFact
from event_processor.domain.ids import EventKey
from event_processor.domain.record import EventRecord, Outcome
from event_processor.domain.settlement import Question, Resolution, Settlement
from event_processor.entrypoints.cli import event_page
from event_processor.entrypoints.cli.event_story import Story, executions, sentence, states, waits
from tests.support import records
from tests.support.builders import AT


def line(name: str, second: float = 0, **fields: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any field
    """A fact as the timeline has it."""
    return {"at": (AT + timedelta(seconds=second)).isoformat(), "name": name, "level": "info", **fields}


def order_line(name: str, second: float, record: EventRecord, **fields: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """A fact about the record's first order."""
    intent = record.intents[0]
    told = {"order_ref": str(intent.ref), "side": "BUY", "quantity": "60", "symbol": "SPY"}
    return line(name, second, **told, **fields)


def after(second: float) -> datetime:
    return AT + timedelta(seconds=second)


TOLD = sorted(
    (
        found
        for found in vars(facts).values()
        if isinstance(found, type) and issubclass(found, EventFact) and found not in {EventFact, OrderFact}
    ),
    key=lambda fact: fact.name,
)
WAITED = [
    line("event.waiting", 0, reason_code="market_closed", reason="closed", until="2026-01-05T16:00:00+00:00"),
    line("event.waiting", 2, reason_code="session_down", reason="no gateway", until=None),
    line("event.claimed", 5, resumed=False),
]


def test_a_wait_lasts_until_whatever_happened_next() -> None:
    """Each reason with its own stretch; the last one of an event that still waits has no end."""
    assert [(wait.start, wait.end, wait.reason_code) for wait in waits(WAITED)] == [
        (after(0), after(2), "market_closed"),
        (after(2), after(5), "session_down"),
    ]
    [wait] = waits(WAITED[:1])
    assert (wait.end, wait.seconds) == (None, None)
    assert waits(WAITED)[1].seconds == 3


def test_an_orders_states_and_executions_have_their_times() -> None:
    """States come from the timeline, executions from the journal; one whose fact was lost has no time."""
    record = records.filled(records.submitting(records.planned(records.accepted())))
    intent = record.intents[0]
    timeline = [
        order_line("order.submitting", 1, record),
        order_line("order.noticed", 2, record, code=399, message="waits"),
        order_line("order.executed", 3, record, exec_id="0001.1", shares="60", price="99.95"),
        order_line("order.done", 4, record, ending="filled", filled="60", note=""),
        line("order.done", 9, order_ref="another"),
    ]
    assert states(timeline, intent) == [(after(1), "submitting"), (after(4), "done")]
    assert [(one["at"], one["quantity"]) for one in executions(timeline, intent)] == [(after(3), 60)]
    assert [one["at"] for one in executions([], intent)] == [None]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (line("event.claimed", resumed=True), "taken up again where it stood"),
        (WAITED[0], "waits, until 2026-01-05T16:00:00 UTC: closed"),
        (line("plan.recorded", plan_id="p1", sells=1, buys=2), "plan p1 written down: 1 sells, 2 buys"),
        (line("event.something", new="field"), "new=field"),
        (
            line("order.done", side="BUY", quantity="1", symbol="SPY", ending="filled", filled="1", note=""),
            "BUY 1 SPY: done, filled, 1 filled",
        ),
        (
            line("order.taken_back", side="BUY", quantity="1", symbol="SPY", note=""),
            "BUY 1 SPY: did not reach the broker, will be sent again",
        ),
        (line("order.invented", side="BUY", quantity="1", symbol="SPY"), "BUY 1 SPY: order.invented"),
    ],
)
def test_facts_are_told_in_words(told: Mapping[str, Any], words: str) -> None:
    """Also one that this version does not know."""
    assert sentence(told) == words


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.name)
def test_every_fact_of_an_event_has_its_sentence(kind: type[Fact]) -> None:
    """None is shown as a bare list of fields."""
    blank = dict.fromkeys((field.name for field in fields(kind)), "x")
    assert "=x" not in sentence({"at": AT.isoformat(), "name": kind.name, **blank})


def test_the_page_tells_it_all(capsys: pytest.CaptureFixture[str]) -> None:
    """What was asked, why it waited, how it ended, what was settled and what is not, each order, each fact."""
    whole = records.filled(records.submitting(records.planned(records.accepted(reason="monthly"))))
    record = replace(records.closed(whole, Outcome.NEEDS_REVIEW), reason="nobody knows", reason_code="overfilled")
    settled = Settlement("m", record.key, "rb-1", Resolution.ADOPT, "ann", AT, "open (Submitted)")
    story = Story(record, WAITED, (settled,), (Question(record, f"event:{record.key}"),))
    event_page.show(story)
    page = capsys.readouterr().out
    for words in (
        *("needs review", "nobody knows", "SPY 60%", "monthly", "no gateway", "adopt by ann", "unsettled"),
        *(f"rebalancer reconcile {record.account}", "BUY 60 SPY", "commission 1.00 USD", "taken up"),
    ):
        assert words in page, page


def test_the_page_of_an_event_that_has_just_come(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is known of it yet, and nothing has to be."""
    record = records.accepted(untargeted="liquidate", dry_run=True)
    event_page.show(Story(replace(record, key=EventKey("k")), []))
    page = capsys.readouterr().out
    for words in ("not over yet", "expires", "everything else sold", "dry run"):
        assert words in page, page
