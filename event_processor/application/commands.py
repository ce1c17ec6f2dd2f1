"""What people may ask the running processor: today, the journal beside the broker (`rebalancer reconcile`).

Pausing and resuming need no processor: they are written straight into the store, and every send checks them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from event_processor.application.desk import Desk
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.intent import IntentState, OrderIntent
from event_processor.domain.reconcile import reconcile, sight_of
from event_processor.domain.record import EventRecord
from event_processor.domain.reports import Evidence, OrderReport
from event_processor.errors import ProcessorError, StoreUnavailable

_WAIT_SECONDS = 5.0


class Request(Protocol):
    """One request of a person."""

    @property
    def command_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...


class Requests(Protocol):
    """Where requests come from. Raises StoreUnavailable."""

    async def next(self, wait_seconds: float) -> Request | None:
        """The oldest request that still stands; None when there is none in time."""

    async def reply(self, command_id: str, document: Mapping[str, Any]) -> None:
        """Answer it."""


async def run_commands(requests: Requests, desk: Desk) -> None:
    """Answer requests until cancelled; what goes wrong with one is its answer."""
    while True:
        try:
            request = await requests.next(_WAIT_SECONDS)
            if request is not None:
                await requests.reply(request.command_id, await _answer(desk, request))
        except StoreUnavailable:
            await asyncio.sleep(1.0)


async def _answer(desk: Desk, request: Request) -> dict[str, Any]:
    if request.name != "reconcile":
        return {"ok": False, "message": f"unknown request {request.name!r}"}
    account = str(request.arguments.get("account") or "")
    try:
        return await beside_the_broker(desk, [AccountId(account)] if account else desk.session.accounts)
    except ProcessorError as error:
        return {"ok": False, "message": f"{error} ({desk.session.advice})", "reason_code": error.reason_code}


async def beside_the_broker(desk: Desk, accounts: Sequence[AccountId]) -> dict[str, Any]:
    """Every order of the accounts' open events, as the journal has it and as the broker shows it now.

    Changes nothing. Raises BrokerUnavailable, StoreUnavailable."""
    evidence = await desk.session.evidence()
    shown = [await _account(desk, account, evidence) for account in accounts]
    lines = [line for one in shown for line in one["lines"]]
    doubtful = sum(line["decision"] != "done" for line in lines)
    return {
        "ok": True,
        "message": f"{len(lines)} orders of open events, {doubtful} not done; nothing was changed",
        "taken_at": evidence.taken_at.isoformat(),
        "lines": lines,
        "accounts": shown,
    }


async def _account(desk: Desk, account: AccountId, evidence: Evidence) -> dict[str, Any]:
    records = await desk.journal.open_records(account)
    state = await desk.broker.account_state(account)
    positions = {p.contract.con_id: p.quantity for p in state.positions}
    ours = {str(intent.ref) for record in records for intent in record.intents}
    return {
        "account": account,
        "lines": [_line(record, intent, evidence, positions) for record in records for intent in record.intents],
        "strangers": [_report(r) for r in evidence.open_orders if r.account == account and r.order_ref not in ours],
        "positions": [
            {"symbol": p.contract.symbol, "con_id": p.contract.con_id, "quantity": f"{p.quantity:f}"}
            for p in state.positions
        ],
        "pauses": [
            {"scope": pause.scope, "reason": pause.reason, "held": pause.held}
            for pause in desk.pauses.current
            if pause.scope in {"all", account}
        ],
    }


def _line(
    record: EventRecord, intent: OrderIntent, evidence: Evidence, positions: Mapping[ConId, Decimal]
) -> dict[str, Any]:
    con_id = intent.leg.contract.con_id
    lines = record.plan.lines if record.plan else ()
    held = next((line.held for line in lines if line.contract.con_id == con_id), Decimal(0))
    sight = sight_of(intent, evidence, positions.get(con_id, Decimal(0)), held, absence_counts=False)
    line = {
        "event_id": record.event.id,
        "order_ref": str(intent.ref),
        "symbol": intent.leg.contract.symbol,
        "side": str(intent.leg.side),
        "planned": f"{intent.quantity:f}",
        "filled": f"{intent.filled:f}",
        "state": str(intent.state),
        "broker": _shown(sight.open_orders, sight.completed) or ("executed" if sight.executions else "not shown"),
    }
    if intent.state is IntentState.DONE:
        return {**line, "decision": "done", "reason": intent.note or str(intent.ending)}
    decision = reconcile(intent, sight)
    return {**line, "decision": str(decision.verdict), "reason": decision.reason}


def _shown(open_orders: Sequence[OrderReport], completed: Sequence[OrderReport]) -> str:
    return ", ".join([*(f"open ({r.status})" for r in open_orders), *(f"completed ({r.status})" for r in completed)])


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
