"""The journal beside the broker, line by line: what is known of every order, what is not, and what settles it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from event_processor.application.desk import Desk
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.intent import IntentState, OrderIntent
from event_processor.domain.portfolio import Position
from event_processor.domain.reconcile import Sight, reconcile, sight_of
from event_processor.domain.record import EventRecord
from event_processor.domain.reports import Evidence, OrderReport
from event_processor.domain.settlement import (
    Question,
    Settlement,
    possible,
    questions,
    shown,
    still_open,
    unsettled,
)
from event_processor.errors import BrokerUnavailable, PlanError
from event_processor.ports import Pause


@dataclass(frozen=True, slots=True)
class Held:
    """What keeps an account held (`pause`, None when nothing does): the events that the hold names, what a person
    has to settle of them, and all that people ever settled in the account."""

    pause: Pause | None
    events: tuple[EventRecord, ...]
    asked: tuple[Question, ...]
    settled: tuple[Settlement, ...]

    @property
    def unsettled(self) -> tuple[Question, ...]:
        """The questions nobody has answered yet."""
        return unsettled(self.asked, self.settled)

    def settlement(self, question: Question) -> Settlement | None:
        """What was said of a question; None when nothing was."""
        return next((one for one in self.settled if one.mark == question.mark), None)


@dataclass(frozen=True, slots=True)
class Account:
    """One account as journal and broker have it at one moment; `events` are its open ones.

    `absence_counts` says whether the session is old enough for the absence of an order to mean something.
    """

    account: AccountId
    evidence: Evidence
    positions: tuple[Position, ...]
    events: tuple[EventRecord, ...]
    held: Held
    absence_counts: bool

    def sight(self, record: EventRecord, intent: OrderIntent) -> Sight:
        """What the broker shows of one order."""
        con_id = intent.leg.contract.con_id
        return sight_of(
            intent, self.evidence, self.holds(con_id), held_before(record, con_id), absence_counts=self.absence_counts
        )

    def holds(self, con_id: ConId) -> Decimal:
        """What the account holds of a contract now, as the broker has it."""
        return next((p.quantity for p in self.positions if p.contract.con_id == con_id), Decimal(0))


async def ask(desk: Desk) -> Evidence:
    """What the broker shows of the login's orders now. Raises BrokerUnavailable."""
    if not desk.session.ready:
        raise BrokerUnavailable("the broker cannot be asked now")
    return await desk.session.evidence()


async def look(desk: Desk, account: AccountId, evidence: Evidence) -> Account:
    """One account beside this evidence; changes nothing. Raises PlanError, BrokerUnavailable, StoreUnavailable."""
    if account not in desk.session.accounts:
        await desk.logins.look()
        raise PlanError(desk.logins.of(account).reason, reason_code="account_unknown")
    quiet = desk.clock.monotonic() - desk.session.ready_since
    state = await desk.broker.account_state(account, fresh=True)
    return Account(
        account=account,
        evidence=evidence,
        positions=state.positions,
        events=tuple(await desk.journal.open_records(account)),
        held=await held(desk, account),
        absence_counts=quiet >= desk.settings.visibility_delay,
    )


async def held(desk: Desk, account: AccountId) -> Held:
    """What the journal knows of the account's hold. Raises StoreUnavailable."""
    settled = tuple(await desk.journal.settlements(account))
    pauses = await desk.journal.pauses()
    pause = next((one for one in pauses if one.held and one.scope == account), None)
    if pause is None:
        return Held(None, (), (), settled)
    found = [await desk.journal.find(key) for key in pause.events]
    events = tuple(record for record in found if record is not None)
    asked = tuple(question for record in events for question in questions(record, pause.at))
    return Held(pause, events, asked, settled)


def held_before(record: EventRecord, con_id: ConId) -> Decimal:
    """What the plan found held of a contract."""
    lines = record.plan.lines if record.plan else ()
    return next((line.held for line in lines if line.contract.con_id == con_id), Decimal(0))


def compared(seen: Account, pauses: Sequence[Pause]) -> dict[str, Any]:
    """The account as `rebalancer reconcile` shows it, in plain values."""
    both = {record.key: record for record in (*seen.held.events, *seen.events)}
    ours = {str(intent.ref) for record in both.values() for intent in record.intents}
    return {
        "account": seen.account,
        "lines": [_line(seen, record, intent) for record in both.values() for intent in record.intents],
        "unsettled": [_question(seen, question) for question in seen.held.unsettled],
        "strangers": [
            _report(report)
            for report in seen.evidence.open_orders
            if report.account == seen.account and report.order_ref not in ours
        ],
        "positions": [
            {"symbol": p.contract.symbol, "con_id": p.contract.con_id, "quantity": f"{p.quantity:f}"}
            for p in seen.positions
        ],
        "pauses": [
            {"scope": pause.scope, "reason": pause.reason, "held": pause.held}
            for pause in pauses
            if pause.scope in {"all", seen.account}
        ],
    }


def _line(seen: Account, record: EventRecord, intent: OrderIntent) -> dict[str, Any]:
    sight = seen.sight(record, intent)
    line = {
        "event_id": record.event.id,
        "order_ref": str(intent.ref),
        "symbol": intent.leg.contract.symbol,
        "side": str(intent.leg.side),
        "planned": f"{intent.quantity:f}",
        "filled": f"{intent.filled:f}",
        "state": str(intent.state),
        "broker": shown(sight) or "not shown",
    }
    question = next((q for q in seen.held.asked if q.intent is intent), None)
    if question is not None:
        return {**line, **_answered(seen.held.settlement(question), intent)}
    if intent.state is IntentState.DONE:
        return {**line, "decision": "done", "reason": intent.note or str(intent.ending)}
    decision = reconcile(intent, sight)
    return {**line, "decision": str(decision.verdict), "reason": decision.reason}


def _answered(settlement: Settlement | None, intent: OrderIntent) -> dict[str, str]:
    if settlement is None:
        return {"decision": "unsettled", "reason": intent.note or "not proven either way"}
    return {"decision": "settled", "reason": f"{settlement.resolution} by {settlement.by}"}


def _question(seen: Account, question: Question) -> dict[str, Any]:
    """What is known, what is not, and the commands that may settle it now."""
    record, intent = question.record, question.intent
    command = f"rebalancer reconcile {seen.account}"
    told: dict[str, Any] = {
        "event_id": record.event.id,
        "subject": question.subject,
        "reason": f"{intent.note or 'not proven either way'}" if intent else _why(seen, record),
    }
    if intent is None:
        alive = [report.order_ref for report in still_open(record, seen.evidence)]
        return {
            **told,
            "known": f"open at the broker: {', '.join(alive)}" if alive else "none of its orders is open at the broker",
            "commands": [] if alive else [f"{command} --accept {question.subject}"],
        }
    con_id, sight = intent.leg.contract.con_id, seen.sight(record, intent)
    before, now = held_before(record, con_id), seen.holds(con_id)
    known = [
        f"{intent.leg.side} {intent.quantity:f} {intent.leg.contract.symbol}, sent {intent.sent} times",
        f"the broker shows {shown(sight) or 'nothing of it'}",
        f"{before:f} held before, {now:f} now",
    ]
    return {
        **told,
        "known": "; ".join(known),
        "commands": [f"{command} --{one} {question.subject}" for one in possible(intent, sight)],
    }


def _why(seen: Account, record: EventRecord) -> str:
    return record.reason or (seen.held.pause.reason if seen.held.pause else "")


def _report(report: OrderReport) -> dict[str, Any]:
    return {
        "order_ref": report.order_ref,
        "perm_id": report.perm_id,
        "client_id": report.client_id,
        "side": str(report.side) if report.side else None,
        "symbol": report.symbol,
        "quantity": f"{report.quantity:f}" if report.quantity is not None else None,
        "status": str(report.status),
    }
