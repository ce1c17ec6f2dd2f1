from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from event_processor.domain.contract import Contract
from event_processor.domain.event import body_digest
from event_processor.domain.ids import AccountId, ConId, EntryId
from event_processor.domain.plan import Plan, PlanLine
from event_processor.domain.record import EventRecord, Outcome
from event_processor.entrypoints.demo.ledger import Ledger, read_ledger
from event_processor.entrypoints.demo.scene import Scene, news
from event_processor.entrypoints.demo.show import demo_event
from event_processor.entrypoints.demo.verdict import judge

ACCOUNT = AccountId("DU1234567")
SPY = Contract(ConId(756733), "SPY")
REF = "rb0123456789abcdef-001-1"
OPENED = {"kind": "cash", "account": ACCOUNT, "currency": "USD", "amount": "1000"}
NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)


def accepted(ref: str = REF, quantity: str = "10") -> dict[str, Any]:
    return {"kind": "order_accepted", "orderRef": ref, "quantity": quantity}


def executed(shares: str = "10", ref: str = REF) -> dict[str, Any]:
    return {"kind": "execution", "orderRef": ref, "shares": shares}


def position(quantity: str, con_id: int = 756733) -> dict[str, Any]:
    return {"kind": "position", "account": ACCOUNT, "conId": con_id, "symbol": "SPY", "quantity": quantity}


def record(outcome: Outcome | None, ideal: str = "10.4") -> EventRecord:
    event = demo_event(Ledger((OPENED,)))
    nil = Decimal(0)
    line = PlanLine(SPY, nil, Decimal(ideal), Decimal(10), Decimal(100), Decimal(1), nil, nil, nil)
    plan = Plan(
        event.key, ACCOUNT, "p", NOW, "USD", Decimal(1000), nil, Decimal(1000), nil, nil, nil, lines=(line,), legs=()
    )
    return EventRecord(
        event.key,
        event,
        body_digest(event),
        EntryId("1-0"),
        ACCOUNT,
        NOW,
        NOW,
        plan=plan,
        outcome=outcome,
        reason="why",
    )


def scene(
    outcome: Outcome | None, entries: Sequence[dict[str, Any]], waits_for: str = "", session: str = "ready"
) -> Scene:
    known = record(outcome)
    waiting = [{"key": known.key, "reason": waits_for}] if waits_for else []
    return Scene(
        status={"waiting": waiting, "session": {"state": session, "advice": "Do this."}},
        record=known,
        finals={"one": outcome} if outcome else {},
        ledger=Ledger((OPENED, *entries)),
    )


def right(seen: Scene, *, must_complete: bool = False) -> bool:
    return all(finding.ok for finding in judge(seen, must_complete=must_complete))


DONE = (accepted(), executed(), position("10"))


def test_a_completed_rebalance_is_right() -> None:
    """Placed once, one final state, within one share."""
    assert right(scene(Outcome.COMPLETED, DONE), must_complete=True)


def test_the_same_order_twice_is_wrong() -> None:
    """One orderRef accepted twice can never be right, whatever the processor says."""
    assert not right(scene(Outcome.COMPLETED, (accepted(), *DONE)))


def test_orders_of_other_people_are_not_ours_to_count() -> None:
    """Manual orders carry no reference of ours and may repeat."""
    assert right(scene(Outcome.COMPLETED, (accepted(""), executed(ref=""), accepted(""), *DONE)))


@pytest.mark.parametrize(("held", "ok"), [("9", False), ("10", True), ("11", True), ("12", False)])
def test_the_exchange_says_how_far_from_target_we_are(held: str, ok: bool) -> None:
    """Within one share of the unrounded 10.4, and not further."""
    assert right(scene(Outcome.COMPLETED, (accepted(), executed(), position(held)))) is ok


def test_options_on_the_same_symbol_are_another_contract() -> None:
    """Positions are told apart by contract, not by symbol."""
    assert right(scene(Outcome.COMPLETED, (*DONE, position("2", 700000001))))


def test_two_final_states_are_wrong() -> None:
    """An event ends once."""
    seen = scene(Outcome.COMPLETED, DONE)
    assert not right(replace(seen, finals={"one": Outcome.COMPLETED, "two": Outcome.FAILED}))


def test_waiting_for_a_reason_with_nothing_placed_is_right_unless_it_must_complete() -> None:
    """No market data, no orders: the end that scenario asks for."""
    seen = scene(None, (), waits_for="no subscription")
    assert right(seen)
    assert not right(seen, must_complete=True)


@pytest.mark.parametrize(("entries", "reason"), [(DONE, "no subscription"), ((), "")])
def test_waiting_with_orders_out_or_without_a_reason_is_wrong(entries: Sequence[dict[str, Any]], reason: str) -> None:
    """Then the event is stuck, not waiting."""
    assert not right(scene(None, entries, waits_for=reason))


def test_a_session_that_cannot_trade_or_refused_orders_are_reasons_to_wait() -> None:
    """Read-only: the session's advice, or the exchange's own refusals, explain why nothing was placed."""
    assert right(scene(None, (), session="read_only"))
    assert not right(scene(None, (), session="ready"))
    assert right(scene(None, ({"kind": "order_refused", "orderRef": REF, "code": 321},)))


@pytest.mark.parametrize("session", ["", "down", "syncing", "restarting"])
def test_a_session_that_never_came_up_is_wrong(session: str) -> None:
    """It should have left that state by itself, whatever the event says it waits for."""
    assert not right(scene(None, (), waits_for="the session", session=session))


@pytest.mark.parametrize("outcome", [Outcome.PARTIAL, Outcome.FAILED])
def test_falling_short_needs_a_cause_at_the_exchange(outcome: Outcome) -> None:
    """An order that never filled explains it; a filled one does not."""
    assert right(scene(outcome, (accepted(), executed("4"))))
    assert not right(scene(outcome, DONE))


def test_a_rejection_with_an_order_out_is_wrong() -> None:
    """Refusing comes before placing."""
    assert right(scene(Outcome.REJECTED, ()))
    assert not right(scene(Outcome.REJECTED, DONE))


def test_a_need_for_review_is_never_what_a_scenario_asks_for() -> None:
    """The demo has no person to ask."""
    assert not right(scene(Outcome.NEEDS_REVIEW, (accepted(), executed("4"))))


def test_an_event_nobody_accepted_is_wrong() -> None:
    """A processor that does nothing must not pass."""
    assert not right(Scene(ledger=Ledger((OPENED,))))


def test_a_line_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    """The ledger is read while the simulator writes it."""
    file = tmp_path / "ledger.jsonl"
    assert read_ledger(file) == Ledger()
    file.write_text('{"kind": "cash", "account": "DU1"}\n{"kind": "ca')
    assert read_ledger(file).account == "DU1"
    assert len(read_ledger(file).entries) == 1


def test_news_is_told_in_the_order_in_which_it_happened() -> None:
    """The simulator's and the processor's lines are merged by their instants, each told once."""
    action = {"kind": "action", "action": "compete", "time": "2026-01-05T15:00:02.000Z"}
    done = {
        "at": "2026-01-05T15:00:01+00:00",
        "name": "order.done",
        "side": "BUY",
        "quantity": "5",
        "symbol": "SPY",
        "ending": "filled",
        "note": "",
    }
    after = Scene(timeline=[done], ledger=Ledger((action,)))
    assert [line.split()[0] for line in news(Scene(), after)] == ["order", "simulator"]
    assert list(news(after, after)) == []
