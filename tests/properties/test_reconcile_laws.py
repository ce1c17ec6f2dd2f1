"""Every combination of what we know and what the broker may show, not a sample of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

from event_processor.domain.ids import ExecId, PermId
from event_processor.domain.intent import Ending, Fill, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus, Side
from event_processor.domain.reconcile import SENDS_MAX, Decision, Sight, Verdict, reconcile
from event_processor.domain.reports import Execution, OrderReport
from tests.support.making import PERM, execution, intent, leg, report, sight

QUANTITY, PART, HELD = 100, 40, 300
OTHER = PermId(9)
KNOWN: dict[str, dict[str, Any]] = {
    "never acknowledged": {},
    "acknowledged": {"perm_id": PERM},
    "partly filled": {
        "perm_id": PERM,
        "fills": (Fill(ExecId("0001.01.01"), Decimal(PART), Decimal(100), Decimal(PART)),),
    },
    "counted": {"perm_id": PERM, "reported_filled": Decimal(PART)},
}
OPEN: dict[str, list[OrderReport]] = {
    "not open": [],
    "open": [report()],
    "open without permId": [report(perm_id=PermId(0))],
    "open, held back": [report(OrderStatus.INACTIVE)],
    "open, status unheard of": [report(OrderStatus.UNKNOWN)],
    "another one open": [report(perm_id=OTHER)],
}
COMPLETED: dict[str, list[OrderReport]] = {
    "not completed": [],
    "filled": [report(OrderStatus.FILLED, filled=QUANTITY)],
    "cancelled": [report(OrderStatus.CANCELLED, filled=0)],
    "rejected": [report(OrderStatus.INACTIVE)],
    "another one cancelled": [report(OrderStatus.CANCELLED, perm_id=OTHER)],
}
EXECUTIONS: dict[str, list[Execution]] = {
    "no execution": [],
    "a part": [execution(PART, cumulative=PART)],
    "all": [execution(PART, cumulative=PART), execution(QUANTITY - PART, "0002.01.01", cumulative=QUANTITY)],
    "another one's": [execution(PART, perm_id=OTHER)],
}
POSITION = ("explained", "unchanged", "moved", "not known")


@dataclass(frozen=True)
class Case:
    """What we believe, what is shown, and the verdict on both."""

    believed: OrderIntent
    shown: Sight
    decision: Decision

    @property
    def seen(self) -> bool:
        """Whether the broker shows anything of the order, now or before."""
        now = self.shown.open_orders or self.shown.completed or self.shown.executions
        return bool(now or self.believed.perm_id or self.believed.fills or self.believed.reported_filled)

    @property
    def perm_ids(self) -> set[int]:
        shown: list[OrderReport | Execution] = [*self.shown.open_orders, *self.shown.completed, *self.shown.executions]
        return {perm_id for perm_id in (self.believed.perm_id, *(found.perm_id for found in shown)) if perm_id}


def _position(kind: str, believed: OrderIntent, executions: list[Execution]) -> int | None:
    sign = 1 if believed.leg.side is Side.BUY else -1
    filled = max(int(believed.filled), sum(int(trade.quantity) for trade in executions))
    return {"explained": HELD + sign * filled, "unchanged": HELD, "moved": HELD + 7, "not known": None}[kind]


def cases() -> Iterator[Case]:
    """All of them: some 90 000."""
    states = (IntentState.SUBMITTING, IntentState.WORKING, IntentState.UNKNOWN)
    for side, state, known, sent in product(Side, states, KNOWN.values(), (1, SENDS_MAX)):
        believed = intent(state, leg(1, side), sent=sent, **known)
        for opened, over, trades in product(OPEN.values(), COMPLETED.values(), EXECUTIONS.values()):
            for kind, counts, covers in product(POSITION, (True, False), (True, False)):
                shown = sight(
                    open_orders=opened,
                    completed=over,
                    executions=trades,
                    position=_position(kind, believed, trades),
                    held_before=HELD,
                    absence_counts=counts,
                    history_covers=covers,
                )
                yield Case(believed, shown, reconcile(believed, shown))


def check_resubmit(case: Case) -> None:
    """Sending again needs: nothing ever seen, absence that counts, a position that did not move, tries left."""
    shown = case.shown
    assert not case.seen, case
    assert shown.absence_counts, case
    assert shown.history_covers, case
    assert shown.position == shown.held_before, case
    assert case.believed.sent < SENDS_MAX, case
    assert case.decision.intent.state is IntentState.RECORDED, case
    assert case.decision.intent.order_id == 0, case


def check_verdict(case: Case) -> None:
    """What each verdict promises about the intent it comes with."""
    verdict, after = case.decision.verdict, case.decision.intent
    match verdict:
        case Verdict.RESUBMIT:
            check_resubmit(case)
        case Verdict.ADOPT:
            assert case.shown.open_orders, case
            assert after.state is IntentState.WORKING, case
        case Verdict.SETTLE:
            assert after.state is IntentState.DONE, case
            assert after.ending in {Ending.FILLED, Ending.CANCELLED}, case
            assert case.seen, case
        case Verdict.WAIT:
            assert not case.shown.absence_counts or case.shown.position is None, case
            assert after.state is not IntentState.DONE, case
        case Verdict.ESCALATE:
            assert after.state is not IntentState.DONE, case


def check_every_case(case: Case) -> None:
    """What holds whatever the verdict is."""
    verdict, after = case.decision.verdict, case.decision.intent
    if len(case.perm_ids) > 1:
        assert (verdict, after) == (Verdict.ESCALATE, case.believed), case
    else:
        assert after.filled >= case.believed.filled, case
        assert after.filled <= QUANTITY, case
        assert after.perm_id in {*case.perm_ids, 0}, case
    assert after.ref == case.believed.ref, case
    assert case.decision.reason, case


def test_every_combination_gets_a_verdict_that_keeps_its_promise() -> None:
    """Over all combinations: never a second order, never two permIds accepted, no fill forgotten or invented."""
    reached = set()
    for case in cases():
        check_verdict(case)
        check_every_case(case)
        reached.add(case.decision.verdict)
    assert reached == set(Verdict)


def test_looking_twice_at_the_same_sight_changes_nothing_more() -> None:
    """What the first look left open or unproven, an identical second look judges the same."""
    repeatable = {Verdict.ADOPT, Verdict.WAIT, Verdict.ESCALATE}
    for case in cases():
        if case.decision.verdict in repeatable:
            again = reconcile(case.decision.intent, case.shown)
            assert (again.verdict, again.intent) == (case.decision.verdict, case.decision.intent), case
