from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from event_processor.domain.event import event_json, parse_event
from event_processor.domain.ids import EventKey, OrderRef, PermId, run_digest
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus
from event_processor.domain.reconcile import Sight
from event_processor.domain.record import EventRecord, Outcome
from event_processor.domain.settlement import (
    Resolution,
    Settlement,
    executed,
    follow_up,
    in_doubt,
    objection,
    overtaken_by,
    possible,
    questions,
    shown,
    still_open,
    unsettled,
)
from event_processor.errors import InvariantViolated
from tests.support import records
from tests.support.builders import ACCOUNT, AT
from tests.support.making import evidence, execution, intent, report, sight

DOUBT = intent(IntentState.DONE, ending=Ending.UNRESOLVED, note="nobody knows")
OPEN = sight(open_orders=[report()])
CANCELLED = sight(completed=[report(OrderStatus.CANCELLED, filled=0)])
BOTH = sight(open_orders=[report()], completed=[report(OrderStatus.CANCELLED, filled=0)])
FILLED = sight(completed=[report(OrderStatus.FILLED, filled=100)], executions=[execution(100)])
TRADED = sight(executions=[execution(30)])
NOTHING = sight()
YOUNG = sight(absence_counts=False)


def reviewed(*intents: OrderIntent, reason_code: str = "outcome_unknown") -> EventRecord:
    """An event that ended as `needs_review`."""
    closed = records.closed(records.planned(records.accepted()), Outcome.NEEDS_REVIEW)
    return replace(closed, intents=intents, reason_code=reason_code)


def said(mark: str, resolution: Resolution = Resolution.ADOPT) -> Settlement:
    return Settlement(mark, EventKey("k"), "subject", resolution, "ann", AT, "open")


@pytest.mark.parametrize(
    ("seen", "allowed"),
    [
        (OPEN, "adopt"),
        (CANCELLED, "adopt resubmit"),
        (FILLED, "adopt resubmit"),
        (TRADED, "adopt"),
        (BOTH, "adopt"),
        (NOTHING, "abandon resubmit"),
        (YOUNG, ""),
    ],
    ids=["open", "cancelled", "filled", "traded only", "open and completed", "nothing", "nothing yet"],
)
def test_the_evidence_says_which_resolutions_are_possible(seen: Sight, allowed: str) -> None:
    """Something shown is adopted; only what is not shown is abandoned; only what cannot trade is ordered anew."""
    assert " ".join(possible(DOUBT, seen)) == allowed


def test_an_order_is_never_accepted_as_an_event() -> None:
    """`accept` speaks of positions, not of one order."""
    assert "--adopt" in objection(Resolution.ACCEPT, DOUBT, OPEN)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (OPEN, "open (Submitted, permId 700001)"),
        (sight(open_orders=[report(perm_id=PermId(0))]), "open (Submitted)"),
        (FILLED, "completed (Filled, permId 700001), 100 executed"),
        (NOTHING, ""),
    ],
)
def test_what_the_broker_shows_is_said_in_words(seen: Sight, words: str) -> None:
    """Open, completed and executed, each with what identifies it."""
    assert shown(seen) == words


def test_executed_shares_count_once_and_by_the_larger_figure() -> None:
    """An execution told twice is one; the broker's own count wins when executions are missing."""
    assert executed(sight(executions=[execution(30), execution(30)])) == 30
    assert executed(sight(executions=[execution(30)], completed=[report(OrderStatus.CANCELLED, filled=40)])) == 40
    assert executed(NOTHING) == 0


@pytest.mark.parametrize(
    ("found", "doubt"),
    [
        (DOUBT, True),
        (intent(IntentState.UNKNOWN), True),
        (intent(IntentState.SUBMITTING), True),
        (intent(IntentState.RECORDED), False),
        (intent(IntentState.RECORDED, sent=1), True),
        (intent(IntentState.DONE, ending=Ending.SKIPPED), False),
        (intent(IntentState.DONE, ending=Ending.FILLED), False),
    ],
    ids=["unresolved", "unknown", "submitting", "recorded", "taken back", "skipped", "filled"],
)
def test_only_orders_whose_fate_is_open_are_in_doubt(found: OrderIntent, doubt: bool) -> None:
    """Whatever may have left and has no proven end; what never left is no question."""
    assert in_doubt(found) is doubt


def test_an_unknown_outcome_asks_for_its_orders_only() -> None:
    """Once they are settled nothing of the event is left open."""
    asked = questions(reviewed(DOUBT, intent(IntentState.DONE, ending=Ending.FILLED)), AT)
    assert [question.subject for question in asked] == [str(DOUBT.ref)]
    assert unsettled(asked, [said(str(DOUBT.ref))]) == ()


@pytest.mark.parametrize("code", ["position_mismatch", "overfilled", "journal_behind", "outcome_unknown"])
def test_what_is_wrong_beyond_orders_asks_for_the_event(code: str) -> None:
    """Also an unknown outcome without a doubtful order: somebody must have looked."""
    record = reviewed(reason_code=code)
    [question] = questions(record, AT)
    assert (question.subject, question.mark) == (record.event.id, f"event:{record.key}")


def test_doubtful_orders_do_not_hide_what_else_is_wrong() -> None:
    """Settling each order says nothing of positions that nothing explains."""
    record = reviewed(DOUBT, reason_code="position_mismatch")
    assert [question.subject for question in questions(record, AT)] == [str(DOUBT.ref), record.event.id]


def test_a_halt_is_a_question_of_its_own_instant() -> None:
    """The same event halted later is asked about anew."""
    open_record = records.planned(records.accepted())
    [first], [second] = (questions(open_record, AT + timedelta(hours=hour)) for hour in (0, 1))
    assert unsettled([first, second], [said(first.mark, Resolution.ACCEPT)]) == (second,)


def test_orders_of_the_event_that_still_work_are_found_without_the_journal() -> None:
    """By the part of the orderRef that names the event; those of others are not."""
    record = reviewed()
    forgotten = OrderRef(run_digest(record.key, ACCOUNT), 9)
    alive = [report(order_ref=str(forgotten)), report(order_ref="somebody")]
    assert [r.order_ref for r in still_open(record, evidence(open_orders=alive))] == [str(forgotten)]


def test_a_follow_up_is_the_same_each_time_and_asks_for_the_plans_target() -> None:
    """One contract by its id, its quantity absolute, the event's own limits; a valid event of the contract."""
    planned = records.planned(records.accepted(limits={"max_orders": 3}))
    assert planned.plan is not None
    lines = tuple(replace(line, held=line.held + 5, target=line.target + 5) for line in planned.plan.lines)
    planned = replace(planned, plan=replace(planned.plan, lines=lines))
    record = replace(planned, outcome=Outcome.NEEDS_REVIEW, closed_at=AT)
    first = record.intents[0]
    event = follow_up(record, first)
    assert event_json(event) == event_json(follow_up(record, first))
    assert parse_event(event_json(event)) == event
    [target] = event.data.targets
    wanted = next(line for line in lines if line.contract.con_id == first.leg.contract.con_id)
    assert wanted.target != first.quantity
    assert (target.con_id, target.quantity) == (wanted.contract.con_id, wanted.target)
    assert (event.data.limits.max_orders, event.data.completeness.value) == (3, "partial")
    assert (event.id, event.data.account) == (f"resubmit-{first.ref}", ACCOUNT)


def test_an_order_without_a_plan_line_cannot_be_resubmitted() -> None:
    """There would be no target to name."""
    with pytest.raises(InvariantViolated, match="no line"):
        follow_up(replace(records.accepted(), intents=(DOUBT,)), DOUBT)


def test_only_an_ordinary_event_that_may_start_overtakes_a_resubmission() -> None:
    """Dry runs, resubmissions, what is at work and what starts later do not; of several the newest does."""
    follow = replace(records.accepted("follow", entry=9), event=follow_up(_planned(), _planned().intents[0]))
    dry = records.accepted("dry", entry=8, dry_run=True)
    later = records.accepted("later", entry=7, not_before="2026-01-06T14:30:00Z")
    busy = records.submitting(records.planned(records.accepted("busy", entry=6)))
    assert overtaken_by([follow, dry, later, busy], AT) is None
    older, newer = records.accepted("older", entry=2), records.accepted("newer", entry=3)
    assert overtaken_by([newer, older, follow], AT) is newer


def test_two_words_are_the_same_whoever_said_them_when() -> None:
    """The question and the answer count."""
    assert said("a").same_as(replace(said("a"), by="bob", at=AT + timedelta(1), filled=Decimal(1)))
    assert not said("a").same_as(said("a", Resolution.ABANDON))
    assert not said("a").same_as(said("b"))


def _planned() -> EventRecord:
    return records.planned(records.accepted())
