from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from event_processor.domain.ids import ExecId, PermId
from event_processor.domain.intent import Ending, Fill, IntentState
from event_processor.domain.order import OrderStatus, Side
from event_processor.domain.reconcile import HISTORY, SENDS_MAX, Verdict, doubled, reconcile, sight_of
from tests.support.builders import AT
from tests.support.making import CLIENT_ID, ORDER_ID, PERM, commission, evidence, execution, intent, leg, report, sight

R, S, W, U, D = IntentState
SELL = leg(1, Side.SELL)


def test_an_open_order_is_adopted() -> None:
    """Found among the open orders: it is ours, with its permId, and it works."""
    decision = reconcile(intent(U), sight(open_orders=[report()]))
    assert (decision.verdict, decision.intent.state, decision.intent.perm_id) == (Verdict.ADOPT, W, PERM)
    assert "Submitted" in decision.reason


@pytest.mark.parametrize("state", [R, S, W, U])
@pytest.mark.parametrize("status", [s for s in OrderStatus if not s.dead])
def test_whatever_is_open_works(state: IntentState, status: OrderStatus) -> None:
    """Being listed as open is what counts: even under a status we never heard of the order is adopted."""
    decision = reconcile(intent(state), sight(open_orders=[report(status)]))
    assert (decision.verdict, decision.intent.state) == (Verdict.ADOPT, W)


@pytest.mark.parametrize(
    ("status", "filled", "ending"),
    [
        (OrderStatus.FILLED, 100, Ending.FILLED),
        (OrderStatus.FILLED, None, Ending.FILLED),
        (OrderStatus.CANCELLED, 40, Ending.CANCELLED),
        (OrderStatus.INACTIVE, 0, Ending.CANCELLED),
        (OrderStatus.UNKNOWN, 0, Ending.CANCELLED),
    ],
)
def test_a_completed_order_is_over_whatever_its_status_says(
    status: OrderStatus, filled: int | None, ending: Ending
) -> None:
    """IBKR lists rejected orders as Inactive among the completed ones: they are over all the same."""
    decision = reconcile(intent(U), sight(completed=[report(status, filled=filled)]))
    assert (decision.verdict, decision.intent.state, decision.intent.ending) == (Verdict.SETTLE, D, ending)


def test_a_full_execution_settles_without_any_order_in_sight() -> None:
    """Executions outlive orders in the broker's lists; they prove everything, the commission comes along."""
    decision = reconcile(intent(U), sight(executions=[execution()], commissions=[commission()], absence_counts=False))
    assert (decision.verdict, decision.intent.ending) == (Verdict.SETTLE, Ending.FILLED)
    assert decision.intent.fills[0].commission == Decimal("1.25")


def test_partial_executions_of_an_open_order_are_counted() -> None:
    """What traded while we were away is folded in before the order is adopted."""
    decision = reconcile(intent(U), sight(open_orders=[report(filled=40)], executions=[execution(40)]))
    assert decision.verdict is Verdict.ADOPT
    assert decision.intent.executed == 40


def test_absence_waits_for_the_visibility_delay() -> None:
    """Seen nowhere, but too early to conclude anything: look again."""
    decision = reconcile(intent(U), sight(absence_counts=False))
    assert (decision.verdict, decision.intent) == (Verdict.WAIT, intent(U))


def test_absence_waits_for_the_position() -> None:
    """Without the position nothing is proven."""
    assert reconcile(intent(U), sight(position=None)).verdict is Verdict.WAIT


@pytest.mark.parametrize(("side", "position"), [(Side.BUY, 110), (Side.BUY, 9), (Side.SELL, 9), (Side.SELL, -90)])
def test_a_position_that_moved_is_for_a_person(side: Side, position: int) -> None:
    """Not among the orders, yet the holding changed: nobody may guess that."""
    decision = reconcile(intent(U, leg(1, side)), sight(position=position, held_before=10))
    assert decision.verdict is Verdict.ESCALATE
    assert str(position) in decision.reason
    assert decision.intent.state is U


@pytest.mark.parametrize("state", [S, U, W])
def test_proven_absence_sends_again_under_the_same_reference(state: IntentState) -> None:
    """Never seen, nothing executed, position unchanged: back to recorded, without the old order id."""
    decision = reconcile(intent(state), sight(position=10, held_before=10))
    assert (decision.verdict, decision.intent.state) == (Verdict.RESUBMIT, R)
    assert decision.intent.ref == intent(state).ref
    assert (decision.intent.order_id, decision.intent.client_id) == (0, 0)
    assert decision.intent.sent == 1


def test_what_was_never_sent_may_be_sent() -> None:
    """A recorded intent that the broker does not know simply goes on."""
    decision = reconcile(intent(R), sight())
    assert (decision.verdict, decision.intent) == (Verdict.RESUBMIT, intent(R))


@pytest.mark.parametrize(
    "acknowledged",
    [
        {"perm_id": PERM},
        {"fills": (Fill(ExecId("0001.01.01"), Decimal(40), Decimal(100)),)},
        {"reported_filled": Decimal(40)},
    ],
)
@pytest.mark.parametrize("side", Side)
def test_an_acknowledged_order_is_never_sent_again(acknowledged: dict[str, object], side: Side) -> None:
    """Once the broker has shown it, its disappearance means that it is over; the position confirms what filled."""
    known = intent(U, leg(1, side), **acknowledged)
    held = 200 + int(known.filled) * (1 if side is Side.BUY else -1)
    decision = reconcile(known, sight(position=held, held_before=200))
    assert (decision.verdict, decision.intent.ending) == (Verdict.SETTLE, Ending.CANCELLED)
    assert decision.intent.filled == known.filled


def test_a_repeatedly_lost_order_is_for_a_person() -> None:
    """An order that vanished as often as we may send it is not sent once more."""
    assert reconcile(intent(U, sent=SENDS_MAX - 1), sight()).verdict is Verdict.RESUBMIT
    assert reconcile(intent(U, sent=SENDS_MAX), sight()).verdict is Verdict.ESCALATE


def test_absence_proves_nothing_beyond_the_brokers_history() -> None:
    """Yesterday's orders and executions are no longer shown: not seeing one of them is no proof."""
    assert reconcile(intent(U), sight(history_covers=False)).verdict is Verdict.ESCALATE


@pytest.mark.parametrize("place", ["open_orders", "completed", "executions"])
@pytest.mark.parametrize("known", [PERM, 0])
def test_two_orders_under_one_reference_are_for_a_person(place: str, known: int) -> None:
    """Ours by permId and another by orderRef, wherever they show: nothing is folded, nothing is sent."""
    other = {
        "open_orders": report(perm_id=PermId(9)),
        "completed": report(perm_id=PermId(9)),
        "executions": execution(40, perm_id=PermId(9)),
    }
    shown = {name: [found] for name, found in other.items() if name == place}
    if not known:
        shown["open_orders"] = [*shown.get("open_orders", []), report()]
    ours = intent(U, perm_id=PermId(known))
    decision = reconcile(ours, sight(**shown))  # type: ignore[arg-type]
    assert (decision.verdict, decision.intent) == (Verdict.ESCALATE, ours)


def test_one_order_shown_everywhere_is_one_order() -> None:
    """Open, completed and executed under one permId, or under none yet, is not doubled."""
    seen = sight(open_orders=[report(), report(perm_id=PermId(0))], completed=[report()], executions=[execution()])
    assert not doubled(intent(U, perm_id=PERM), seen)
    assert not doubled(intent(U), seen)


def test_sight_holds_what_carries_our_reference_or_perm_id() -> None:
    """Everything of ours is picked out of the login's orders, and nothing of anybody else."""
    ours = intent(U, perm_id=PERM)
    foreign: dict[str, Any] = {"order_ref": "somebody", "perm_id": PermId(5)}
    by_perm: dict[str, Any] = {"order_ref": ""}
    found = sight_of(
        ours,
        evidence(
            open_orders=[report(**foreign), report(), report(**by_perm)],
            completed=[report(**foreign), report(perm_id=PermId(0))],
            executions=[execution(**foreign), execution(**by_perm)],
            commissions=[commission()],
        ),
        Decimal(3),
        Decimal(2),
        absence_counts=True,
    )
    assert found.open_orders == (report(), report(**by_perm))
    assert found.completed == (report(perm_id=PermId(0)),)
    assert found.executions == (execution(**by_perm),)
    assert found.commissions == (commission(),)
    assert found.position == 3
    assert found.held_before == 2
    assert found.absence_counts


@pytest.mark.parametrize("told", ["", str(intent().ref).upper(), str(intent().ref)[:20]])
def test_an_order_without_our_reference_is_found_by_its_ids(told: str) -> None:
    """A gateway that does not give the reference back as it was must not make us order twice."""
    ours = intent(IntentState.UNKNOWN)
    opened = report(of=ours, order_ref=told)
    traded = execution(40, order_ref=told, order_id=ORDER_ID, client_id=CLIENT_ID)
    over = report(OrderStatus.FILLED, ours, order_ref=told, order_id=0, client_id=0)
    shown = sight_of(
        ours, evidence(open_orders=[opened], completed=[over], executions=[traded]), Decimal(0), Decimal(0),
        absence_counts=True,
    )  # fmt: skip
    assert (shown.open_orders, shown.completed, shown.executions) == ((opened,), (over,), (traded,))


@pytest.mark.parametrize(
    "differs",
    [
        {"order_ref": str(intent(of=leg(2)).ref)},
        {"order_ref": "theirs"},
        {"order_id": ORDER_ID + 1},
        {"order_id": 0, "client_id": 0},
        {"client_id": CLIENT_ID + 1},
        {"con_id": leg(2).contract.con_id},
        {"quantity": Decimal(7)},
        {"side": Side.SELL},
    ],
)
def test_an_order_that_only_looks_a_little_like_ours_is_not(differs: dict[str, Any]) -> None:
    """An order id may be used again by another program under our client id; then something else tells."""
    ours = intent(IntentState.UNKNOWN)
    opened = replace(report(of=ours, order_ref=""), **differs)
    shown = sight_of(ours, evidence(open_orders=[opened]), Decimal(0), Decimal(0), absence_counts=True)
    assert shown.open_orders == ()


def test_orders_without_perm_id_are_not_all_ours() -> None:
    """Not knowing our permId must not match everybody whose permId is not known."""
    stranger = report(order_ref="somebody", perm_id=PermId(0))
    found = sight_of(intent(U), evidence(open_orders=[stranger]), Decimal(0), Decimal(0), absence_counts=True)
    assert found.open_orders == ()


@pytest.mark.parametrize(
    ("age", "covers"),
    [(timedelta(0), True), (HISTORY - timedelta(seconds=1), True), (HISTORY, False), (timedelta(hours=13), False)],
)
def test_the_history_covers_what_was_sent_lately(age: timedelta, covers: bool) -> None:
    """The broker shows its current day only, so an order of long ago may be hidden; one never sent is not."""
    sent = intent(U, sent_at=AT - age)
    assert sight_of(sent, evidence(), Decimal(0), Decimal(0), absence_counts=True).history_covers is covers
    never = replace(sent, sent_at=None)
    assert sight_of(never, evidence(), Decimal(0), Decimal(0), absence_counts=True).history_covers
