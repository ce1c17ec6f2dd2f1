"""What is told of an event: each change once, and every figure under its own name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from event_processor.application import telling
from event_processor.application.bell import Bell
from event_processor.application.desk import Desk, StoreWatch
from event_processor.domain import facts
from event_processor.domain.ids import ExecId, PermId
from event_processor.domain.intent import Ending, Fill, IntentState, OrderIntent
from event_processor.domain.order import OrderType, Side
from event_processor.domain.reconcile import Decision, Verdict
from event_processor.domain.record import EventRecord, Outcome
from event_processor.domain.reports import NoticeKind
from event_processor.errors import StoreUnavailable
from tests.support import records
from tests.support.builders import AT
from tests.support.making import FactBook, done, intent, leg, line, notice, plan_of

S = IntentState
SELL = leg(1, Side.SELL, 30)
FIRST = Fill(ExecId("1"), Decimal(10), Decimal("99.5"))
SECOND = Fill(ExecId("2"), Decimal(5), Decimal("99.4"))


class Later:
    """A clock that shows two minutes after the event was accepted."""

    def now(self) -> object:
        return AT + timedelta(minutes=2)


class Ear:
    """The desk as far as telling may use it."""

    def __init__(self) -> None:
        self.observer, self.bell, self.clock, self.store = FactBook(), Bell(), Later(), StoreWatch()

    @property
    def desk(self) -> Desk:
        return cast("Desk", self)

    @property
    def heard(self) -> list[facts.Fact]:
        return self.observer.facts


def record(*intents: OrderIntent) -> EventRecord:
    """An event with these orders."""
    return replace(records.accepted(), intents=intents)


def told(before: OrderIntent, after: OrderIntent) -> list[tuple[Outcome, str]]:
    """The notes for the outcome stream when an order changes so: kind, and how much of it had filled."""
    notes = telling.order_notes(record(before), record(after), AT)
    assert {note.mark for note in notes} <= {str(after.ref)}
    return [(note.kind, note.data["filled"]) for note in notes]


def order(state: IntentState, *fills: Fill, **changes: object) -> OrderIntent:
    """The sale in this state."""
    return replace(intent(state, SELL), fills=fills, **changes)  # type: ignore[arg-type]


SHOWN = (Outcome.ORDER_SUBMITTED, "0")


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        (order(S.SUBMITTING), order(S.WORKING), [SHOWN]),
        (order(S.SUBMITTING), order(S.UNKNOWN, perm_id=PermId(7)), [SHOWN]),
        (order(S.SUBMITTING), order(S.UNKNOWN, FIRST), [(Outcome.ORDER_SUBMITTED, "10")]),
        (order(S.WORKING), order(S.WORKING, FIRST, perm_id=PermId(7)), []),
        (order(S.UNKNOWN, FIRST), order(S.WORKING, FIRST), []),
        (order(S.RECORDED), order(S.SUBMITTING), []),
        (order(S.SUBMITTING), order(S.UNKNOWN), []),
        (order(S.WORKING, FIRST), order(S.DONE, FIRST, SECOND), [(Outcome.ORDER_FILLED, "15")]),
        (order(S.WORKING), order(S.DONE, ending=Ending.CANCELLED), []),
        (order(S.DONE, FIRST), order(S.DONE, FIRST, SECOND), []),
        (order(S.SUBMITTING), done(SELL), [(Outcome.ORDER_SUBMITTED, "30"), (Outcome.ORDER_FILLED, "30")]),
    ],
)
def test_an_order_is_told_when_it_is_first_shown_and_when_it_is_over_with_fills(
    before: OrderIntent, after: OrderIntent, notes: list[tuple[Outcome, str]]
) -> None:
    """Once each, however the broker showed it: as working, by its permId or by an execution."""
    assert told(before, after) == notes


def test_a_note_names_its_order_with_side_and_quantity() -> None:
    """What was ordered and what of it filled are two figures."""
    after = order(S.WORKING, FIRST, perm_id=PermId(7))
    [note] = telling.order_notes(record(order(S.SUBMITTING)), record(after), AT)
    assert (note.mark, note.at) == (str(after.ref), AT)
    assert note.data == {
        "order_ref": str(after.ref),
        "perm_id": 7,
        "side": "SELL",
        "symbol": "SPY",
        "quantity": "30",
        "filled": "10",
    }


def test_each_execution_is_told_once_with_its_own_figures() -> None:
    """Those known before are not told again."""
    ear = Ear()
    telling.moves(ear.desk, record(order(S.WORKING, FIRST)), record(order(S.WORKING, FIRST, SECOND)))
    [fact] = ear.heard
    assert isinstance(fact, facts.OrderExecuted)
    assert (fact.exec_id, fact.shares, fact.price, fact.quantity) == ("2", Decimal(5), Decimal("99.4"), Decimal(30))


@pytest.mark.parametrize(
    ("before", "after", "kind", "words"),
    [
        (order(S.RECORDED), order(S.SUBMITTING), facts.OrderSubmitting, {}),
        (order(S.SUBMITTING), order(S.WORKING, perm_id=PermId(7)), facts.OrderWorking, {"perm_id": 7}),
        (order(S.SUBMITTING), order(S.UNKNOWN, note="why"), facts.OrderOutcomeUnknown, {"reason": "why"}),
        (order(S.UNKNOWN), order(S.RECORDED, note="why"), facts.OrderTakenBack, {"note": "why"}),
        (
            order(S.WORKING, FIRST),
            order(S.DONE, FIRST, ending=Ending.CANCELLED, note="why"),
            facts.OrderDone,
            {"ending": "cancelled", "filled": Decimal(10), "note": "why"},
        ),
        (order(S.WORKING), order(S.WORKING, note="why"), None, {}),
    ],
)
def test_each_move_of_an_order_is_one_fact(
    before: OrderIntent, after: OrderIntent, kind: type[facts.OrderFact] | None, words: dict[str, object]
) -> None:
    """With the order it is about, and what is known of it then."""
    ear = Ear()
    telling.moves(ear.desk, record(before), record(after))
    assert [type(fact) for fact in ear.heard] == ([kind] if kind else [])
    named = {"order_ref": str(after.ref), "symbol": "SPY", "side": Side.SELL, "quantity": Decimal(30), **words}
    for fact in ear.heard:
        assert {name: getattr(fact, name) for name in named} == named


def test_what_is_done_with_an_order_is_told_in_its_own_words() -> None:
    """Handed over, asked to be cancelled, spoken of by the broker, settled by a look."""
    ear, of, sent = Ear(), record(order(S.WORKING)), order(S.WORKING, order_id=11)
    telling.submitted(ear.desk, of, sent)
    telling.cancel_requested(ear.desk, of, sent, "too slow")
    telling.noticed(ear.desk, of, sent, notice(NoticeKind.WARNING, 399, "held until the open"))
    telling.reconciled(ear.desk, of, Decision(Verdict.ADOPT, replace(sent, note="another"), "open at the broker"))
    named = ("order_id", "reason", "code", "message", "decision")
    assert [{name: getattr(fact, name) for name in named if hasattr(fact, name)} for fact in ear.heard] == [
        {"order_id": 11},
        {"reason": "too slow"},
        {"code": 399, "message": "held until the open"},
        {"decision": "adopt", "reason": "open at the broker"},
    ]


def test_an_event_is_told_with_its_reason_and_its_times() -> None:
    """Until when it waits, and how long it took."""
    ear, of = Ear(), replace(records.closed(records.accepted()), reason_code="code", reason="why")
    until = AT + timedelta(hours=1)
    telling.waiting(ear.desk, of, "restart_soon", "soon", until)
    telling.closed(ear.desk, of, Outcome.PARTIAL)
    whose = {"key": of.key, "event_id": "event-1", "account": of.account}
    assert ear.heard == [
        facts.EventWaiting(**whose, reason_code="restart_soon", reason="soon", until=until),  # type: ignore[arg-type]
        facts.EventClosed(
            **whose,  # type: ignore[arg-type]
            outcome=Outcome.PARTIAL,
            reason_code="code",
            reason="why",
            seconds=120.0,
            summary=of.summary,
        ),
    ]


async def test_a_store_that_fails_and_one_that_works_again_wake_whoever_waits() -> None:
    """Once each: what is not news wakes nobody."""
    ear = Ear()
    woken = []
    for tell in (
        lambda: telling.store_failed(ear.desk, StoreUnavailable("full")),
        lambda: telling.store_works(ear.desk),
    ):
        for _ in range(2):
            tell()
            woken.append(await ear.bell.heard(0))
    assert woken == [True, False, True, False]


def test_a_plan_is_told_with_each_figure_under_its_own_name() -> None:
    """Nothing is taken from its neighbour: a person decides by these."""
    buy = leg(2, Side.BUY, 3, order_type=OrderType.LIMIT, limit_price=Decimal("101.5"), unit_value=Decimal(102))
    shares = {"weight_before": "0.1", "weight_target": "0.2", "weight_after": "0.19"}
    figures: dict[str, Any] = {name: Decimal(share) for name, share in shares.items()}
    lines = (replace(line(9, 4, 7, price="100"), **figures),)
    plan = plan_of([SELL, buy], cash="50", reserve="60", lines=lines, notes=("scaled",))
    plan = replace(plan, net_liquidation=Decimal(90), kept=Decimal(20), basis=Decimal(70))
    data = telling.plan_data(plan)
    money = ("net_liquidation", "basis", "kept", "cash", "reserve")
    assert [data[name] for name in money] == ["90.00", "70.00", "20.00", "50.00", "60.00"]
    assert (data["plan_id"], data["base_currency"], data["notes"]) == ("plan-1", "USD", ["scaled"])
    assert data["lines"] == [
        {
            "symbol": "SPY",
            "con_id": 9,
            "currency": "USD",
            "held": "4",
            "target": "7",
            "price": "100",
            **{name: f"{Decimal(share):.6f}" for name, share in shares.items()},
        }
    ]
    assert [_order(one) for one in data["orders"]] == [
        ["1", "SELL", "SPY", "30", "MKT", "None", "3000.00"],
        ["2", "BUY", "SPY", "3", "LMT", "101.5", "306.00"],
    ]
    ear = Ear()
    telling.plan_recorded(ear.desk, records.accepted(), replace(plan, legs=(SELL, buy, replace(buy, number=3))))
    [fact] = ear.observer.of(facts.PlanRecorded)
    assert (fact.plan_id, fact.sells, fact.buys, fact.notes) == ("plan-1", 1, 2, ("scaled",))


def _order(one: dict[str, object]) -> Sequence[str]:
    names = ("leg", "side", "symbol", "quantity", "order_type", "limit_price", "value")
    assert set(one) == set(names)
    return [str(one[name]) for name in names]
