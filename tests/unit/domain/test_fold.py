from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

from event_processor.domain.fold import fold_commission, fold_execution, fold_notice, fold_order
from event_processor.domain.ids import PermId
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus
from event_processor.domain.reports import NoticeKind, OrderReport
from tests.support.making import CLIENT_ID, ORDER_ID, PERM, commission, done, execution, intent, notice, report

R, S, W, U, D = IntentState
DEAD = {OrderStatus.CANCELLED, OrderStatus.API_CANCELLED, OrderStatus.FILLED}


@pytest.mark.parametrize(("state", "status"), list(product((R, S, W, U), OrderStatus)))
def test_every_status_moves_every_open_intent_as_written(state: IntentState, status: OrderStatus) -> None:
    """Dead statuses end it, a status we never heard of changes nothing, every other one proves that it works."""
    folded = fold_order(intent(state), report(status))
    if status is OrderStatus.FILLED:
        expected, ending = D, Ending.FILLED
    elif status in DEAD:
        expected, ending = D, Ending.CANCELLED
    else:
        expected, ending = (state if status is OrderStatus.UNKNOWN else W), None
    assert (folded.state, folded.ending) == (expected, ending)
    assert folded.perm_id == PERM


@pytest.mark.parametrize(("ending", "status"), list(product(Ending, OrderStatus)))
def test_done_never_moves_again(ending: Ending, status: OrderStatus) -> None:
    """Whatever status comes late, an intent that is over stays over."""
    over = done(filled=0, ending=ending)
    assert fold_order(over, report(status)).state is D


@pytest.mark.parametrize(
    ("ending", "becomes"),
    [
        (Ending.CANCELLED, Ending.FILLED),
        (Ending.REFUSED, Ending.FILLED),
        (Ending.LEFT_OPEN, Ending.FILLED),
        (Ending.SKIPPED, Ending.SKIPPED),
        (Ending.UNRESOLVED, Ending.UNRESOLVED),
        (Ending.FILLED, Ending.FILLED),
    ],
)
def test_a_fill_that_wins_the_race_decides_the_ending(ending: Ending, becomes: Ending) -> None:
    """A full fill after a cancel, a refusal or leaving it open counts; what a person has to look at stays so."""
    over = done(filled=0, ending=ending)
    assert fold_order(over, report(OrderStatus.FILLED)).ending is becomes
    assert fold_execution(over, execution()).ending is becomes


def test_a_late_partial_fill_is_added_and_ends_nothing_anew() -> None:
    """Executions that come after the cancel are facts: they count, and the order stays cancelled."""
    late = fold_execution(done(filled=0, ending=Ending.CANCELLED), execution(40))
    assert (late.state, late.ending) == (D, Ending.CANCELLED)
    assert late.executed == 40


def test_a_late_submitted_does_not_revive_a_cancelled_order() -> None:
    """Reports repeat and overtake each other: Submitted after Cancelled is an echo."""
    over = fold_order(intent(W), report(OrderStatus.CANCELLED))
    assert fold_order(over, report(OrderStatus.SUBMITTED)) == over


def test_filled_twice_is_filled_once() -> None:
    """IBKR may send Filled twice; the second changes nothing."""
    once = fold_order(intent(W), report(OrderStatus.FILLED, filled=100))
    assert fold_order(once, report(OrderStatus.FILLED, filled=100)) == once
    assert once.filled == 100


def test_a_cancel_of_a_filled_order_is_filled() -> None:
    """Cancelled with everything filled is a fill: the cancel came too late."""
    assert fold_order(intent(W), report(OrderStatus.CANCELLED, filled=100)).ending is Ending.FILLED


def test_the_brokers_count_never_shrinks() -> None:
    """A status that was overtaken says fewer shares than we know of."""
    seen = fold_order(intent(W), report(filled=60))
    assert fold_order(seen, report(filled=20)).reported_filled == 60


def test_identifiers_are_taken_once() -> None:
    """An intent adopted from the broker takes its ids; known ids are never replaced."""
    adopted = fold_order(intent(R), report())
    assert (adopted.perm_id, adopted.order_id, adopted.client_id) == (PERM, ORDER_ID, CLIENT_ID)
    assert fold_order(adopted, report(order_id=99, client_id=9)) == adopted
    assert fold_order(adopted, report(perm_id=PermId(0), order_id=0, client_id=0)) == adopted


@pytest.mark.parametrize("status", OrderStatus)
def test_another_order_under_our_reference_does_not_move_ours(status: OrderStatus) -> None:
    """IBKR does not de-duplicate orderRef: a report with another permId says nothing about our order."""
    ours = intent(W, perm_id=PERM)
    assert fold_order(ours, report(status, perm_id=PermId(9))) == ours


def test_an_adopted_execution_brings_the_ids_needed_to_cancel_the_rest() -> None:
    """An order first seen through an execution can be cancelled: its order id and client id come with it."""
    adopted = fold_execution(intent(R), execution(40, order_id=ORDER_ID, client_id=CLIENT_ID))
    assert (adopted.perm_id, adopted.order_id, adopted.client_id) == (PERM, ORDER_ID, CLIENT_ID)


@pytest.mark.parametrize("state", [R, S, W, U])
def test_an_execution_proves_that_the_order_lives(state: IntentState) -> None:
    """From every open state a part makes it working, the whole makes it filled."""
    assert fold_execution(intent(state), execution(40)).state is W
    whole = fold_execution(intent(state), execution(100))
    assert (whole.state, whole.ending, whole.perm_id) == (D, Ending.FILLED, PERM)


def test_the_same_execution_counts_once() -> None:
    """Executions are told again by every look-up."""
    once = fold_execution(intent(W), execution(40))
    assert fold_execution(once, execution(40)) == once


def test_executions_with_different_ids_add_up() -> None:
    """Two trades of equal size and price are two trades."""
    both = fold_execution(fold_execution(intent(W), execution(50, "0001.01.01")), execution(50, "0002.01.01"))
    assert both.executed == 100
    assert both.ending is Ending.FILLED


def test_a_correction_replaces_what_it_corrects() -> None:
    """Same id but for the digits after the last period: the trade as it really was, counted once."""
    wrong = fold_execution(intent(W), execution(40, "0001.01.01", cumulative=40))
    right = fold_execution(wrong, execution(40, "0001.01.02", cumulative=40, price=Decimal("99.50")))
    assert [(fill.exec_id, fill.price) for fill in right.fills] == [("0001.01.02", Decimal("99.50"))]


def test_a_correction_to_fewer_shares_counts_the_fewer() -> None:
    """A correction downwards takes shares away again."""
    wrong = fold_execution(intent(W), execution(40, "0001.01.01", cumulative=40))
    assert fold_execution(wrong, execution(30, "0001.01.02", cumulative=30)).executed == 30


def test_a_corrected_execution_told_again_changes_nothing() -> None:
    """A look-up repeats the original after its correction; the correction stands."""
    original = execution(40, "0001.01.01", cumulative=40)
    correction = execution(30, "0001.01.02", cumulative=30)
    corrected = fold_execution(fold_execution(intent(W), original), correction)
    assert fold_execution(corrected, original) == corrected


def test_a_correction_heard_before_the_original_stands() -> None:
    """Order of arrival does not decide which of both is the correction."""
    original = execution(40, "0001.01.01", cumulative=40)
    correction = execution(40, "0001.01.02", cumulative=40, price=Decimal("99.50"))
    seen = fold_execution(fold_execution(intent(W), correction), original)
    assert [fill.exec_id for fill in seen.fills] == ["0001.01.02"]


def test_a_correction_to_more_shares_replaces_too() -> None:
    """A restated trade is not a second one, even if it grew."""
    wrong = fold_execution(intent(W), execution(40, "0001.01.01", cumulative=40))
    assert fold_execution(wrong, execution(50, "0001.01.02", cumulative=50)).executed == 50


@pytest.mark.parametrize(
    ("first", "second", "cumulative", "first_cumulative"),
    [
        ("0001.01.01", "0001.01.02", 80, 40),
        ("0001.01.01", "0001.02.01", 40, 40),
        ("plain", "other", 40, 40),
        ("0001.01.a", "0001.01.b", 40, 40),
        ("0001.01.01", "0001.01.02", None, 40),
        ("0001.01.01", "0001.01.02", 40, None),
    ],
)
def test_what_is_not_known_to_be_a_correction_is_a_trade(
    first: str, second: str, cumulative: int | None, first_cumulative: int | None
) -> None:
    """A count that adds up, another trade's id, an id without number or a missing count: both are counted."""
    seen = fold_execution(intent(W), execution(40, first, cumulative=first_cumulative))
    assert fold_execution(seen, execution(40, second, cumulative=cumulative)).executed == 80


def test_a_commission_finds_its_execution() -> None:
    """What an execution cost is noted with it; that of somebody else's execution changes nothing."""
    seen = fold_execution(intent(W), execution(40))
    paid = fold_commission(seen, commission(amount="1.25"))
    assert (paid.fills[0].commission, paid.fills[0].commission_currency) == (Decimal("1.25"), "USD")
    assert fold_commission(paid, commission(amount="1.25")) == paid
    assert fold_commission(seen, commission("unknown.01")) is seen


NOTICES = {
    NoticeKind.WARNING: {S: S, W: W, U: U},
    NoticeKind.REFUSED: {S: D, W: D, U: D},
    NoticeKind.CANCELLED: {S: D, W: D, U: D},
    NoticeKind.READ_ONLY: {S: R, W: U, U: U},
    NoticeKind.CANCEL_REFUSED: {S: U, W: U, U: U},
    NoticeKind.NOT_TAKEN: {S: U, W: U, U: U},
    NoticeKind.AMBIGUOUS: {S: U, W: U, U: U},
}


@pytest.mark.parametrize(("kind", "state"), list(product(NoticeKind, (S, W, U))))
def test_every_notice_moves_every_sent_intent_as_written(kind: NoticeKind, state: IntentState) -> None:
    """Only a definite code ends an order or takes it back; a code that proves nothing makes it unknown."""
    folded = fold_notice(intent(state), notice(kind))
    assert folded.state is NOTICES[kind][state]
    assert folded.note == "201: so it is"


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_notice_changes_nothing_before_sending_and_after_a_fill(kind: NoticeKind) -> None:
    """A code for an order that never left, or that filled, moves nothing and explains nothing."""
    for before in (intent(R), done(), done(filled=0, ending=Ending.SKIPPED), done(filled=0, ending=Ending.UNRESOLVED)):
        assert fold_notice(before, notice(kind)) == before


def test_a_refusal_for_a_read_only_api_was_not_taken() -> None:
    """321: the order did not leave, so it is as if it had never been sent."""
    back = fold_notice(intent(S), notice(NoticeKind.READ_ONLY))
    assert replace(back, note="") == intent(R)


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_notice_of_an_earlier_try_says_nothing_about_this_one(kind: NoticeKind) -> None:
    """The order went out again under a new id; what is late about the old id must not end it or take it back."""
    again = intent(S, order_id=ORDER_ID + 1, sent=2)
    assert fold_notice(again, notice(kind)) == again


def test_a_status_of_an_earlier_try_says_nothing_about_this_one() -> None:
    """Cancelled under the old order id is not the end of the order that went out under the new one."""
    again = intent(S, order_id=ORDER_ID + 1, sent=2)
    assert fold_order(again, report(OrderStatus.CANCELLED, perm_id=PermId(0))).state is S


@pytest.mark.parametrize(
    ("kind", "filled", "note", "expected"),
    [
        (NoticeKind.REFUSED, 0, "", (Ending.REFUSED, "201: so it is")),
        (NoticeKind.REFUSED, 40, "", (Ending.CANCELLED, "201: so it is")),
        (NoticeKind.CANCELLED, 0, "", (Ending.CANCELLED, "201: so it is")),
        (NoticeKind.REFUSED, 0, "its own", (Ending.CANCELLED, "its own")),
        (NoticeKind.WARNING, 0, "", (Ending.CANCELLED, "")),
        (NoticeKind.AMBIGUOUS, 0, "", (Ending.CANCELLED, "")),
    ],
)
def test_the_reason_may_come_after_the_end(
    kind: NoticeKind, filled: int, note: str, expected: tuple[Ending, str]
) -> None:
    """A definite code explains an end that came without words; the first words stay, other codes explain nothing."""
    over = replace(done(filled=filled, ending=Ending.CANCELLED), note=note)
    told = fold_notice(over, notice(kind))
    assert (told.ending, told.note) == expected


def test_the_reason_of_a_refusal_survives_the_status_before_it() -> None:
    """The status of a refused order may come before the code that says why; people are told why either way."""
    refused = notice(NoticeKind.REFUSED)
    status_first = fold_notice(fold_order(intent(S), report(OrderStatus.CANCELLED)), refused)
    code_first = fold_order(fold_notice(intent(S), refused), report(OrderStatus.CANCELLED))
    assert code_first.note == status_first.note == "201: so it is"
    assert code_first.ending is status_first.ending


@pytest.mark.parametrize("kind", [NoticeKind.REFUSED, NoticeKind.CANCELLED])
def test_what_had_filled_before_the_end_is_kept(kind: NoticeKind) -> None:
    """An order that ends after a partial fill is cancelled, not refused, and its fills stay."""
    part = fold_execution(intent(W), execution(40))
    over = fold_notice(part, notice(kind))
    assert over.ending is Ending.CANCELLED
    assert over.executed == 40


def test_only_a_refusal_without_fills_is_a_refusal() -> None:
    """Nothing filled and refused is refused; nothing filled and cancelled is cancelled."""
    assert fold_notice(intent(S), notice(NoticeKind.REFUSED)).ending is Ending.REFUSED
    assert fold_notice(intent(S), notice(NoticeKind.CANCELLED)).ending is Ending.CANCELLED


def test_the_fill_decides_over_the_refusal_in_either_order() -> None:
    """A partial fill next to a refusal code means cancelled with a part filled, whichever comes first."""
    before: OrderIntent = fold_notice(fold_execution(intent(W), execution(40)), notice(NoticeKind.REFUSED))
    after: OrderIntent = fold_execution(fold_notice(intent(W), notice(NoticeKind.REFUSED)), execution(40))
    assert (after.ending, after.executed) == (before.ending, before.executed)


def test_inactive_alone_ends_nothing() -> None:
    """IBKR also calls orders Inactive that it holds back: only a refusal with it ends the order."""
    held: OrderReport = report(OrderStatus.INACTIVE)
    assert fold_order(intent(S), held).state is W
    assert fold_notice(fold_order(intent(S), held), notice(NoticeKind.REFUSED)).ending is Ending.REFUSED
