"""Fold what the broker says into an intent. Idempotent: the same report twice changes nothing the second time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from event_processor.domain.intent import Ending, Fill, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus
from event_processor.domain.reports import Commission, Execution, NoticeKind, OrderNotice, OrderReport

_ALIVE_FROM = frozenset({IntentState.RECORDED, IntentState.SUBMITTING, IntentState.UNKNOWN})


def fold_execution(intent: OrderIntent, execution: Execution) -> OrderIntent:
    """Add one execution. A correction replaces the one it corrects, whichever comes first; see `_corrects`."""
    fill = Fill(execution.exec_id, execution.quantity, execution.price, execution.cumulative)
    if any(known.exec_id == fill.exec_id or _corrects(known, fill) for known in intent.fills):
        return intent
    kept = tuple(known for known in intent.fills if not _corrects(fill, known))
    grown = replace(
        intent,
        fills=(*kept, fill),
        perm_id=intent.perm_id or execution.perm_id,
        client_id=intent.client_id or execution.client_id,
        order_id=intent.order_id or execution.order_id,
        seen=True,
    )
    if grown.state in _ALIVE_FROM:
        grown = grown.to(IntentState.WORKING)
    return _finish_if_full(grown)


def _corrects(later: Fill, earlier: Fill) -> bool:
    """Whether one report restates the other: the ids differ only in the number after the last period, and
    the higher one does not come on top (TWS API, Execution.execId). A gateway that numbers separate fills that
    way is told apart by the cumulative quantity, which a separate fill adds to."""
    stem, _, number = later.exec_id.rpartition(".")
    other_stem, _, other_number = earlier.exec_id.rpartition(".")
    if not stem or stem != other_stem or not (number.isdigit() and other_number.isdigit()):
        return False
    if int(number) <= int(other_number) or later.cumulative is None or earlier.cumulative is None:
        return False
    return later.cumulative - later.quantity < earlier.cumulative


def fold_commission(intent: OrderIntent, commission: Commission) -> OrderIntent:
    """Note what an execution cost; an execution that is not ours changes nothing."""
    fills = tuple(
        replace(fill, commission=commission.amount, commission_currency=commission.currency)
        if fill.exec_id == commission.exec_id
        else fill
        for fill in intent.fills
    )
    return replace(intent, fills=fills) if fills != intent.fills else intent


def fold_order(intent: OrderIntent, report: OrderReport) -> OrderIntent:
    """Move the intent as the broker's status says. A report of another order (another permId) under the same
    orderRef does not move it: whoever folds looks into that."""
    other = intent.perm_id and report.perm_id and intent.perm_id != report.perm_id
    if other or (not intent.perm_id and _earlier_try(intent, report)):
        return intent
    known = replace(
        intent,
        perm_id=intent.perm_id or report.perm_id,
        client_id=intent.client_id or report.client_id,
        order_id=intent.order_id or report.order_id,
        reported_filled=max(intent.reported_filled, _filled(intent, report)),
        seen=True,
    )
    if report.status.dead:
        filled = known.filled >= known.quantity
        ending = Ending.FILLED if filled else Ending.CANCELLED
        if known.state is IntentState.DONE:
            return replace(known, ending=Ending.FILLED) if filled and _ended_short(known) else known
        return known.to(IntentState.DONE, ending=ending, note=report.reason)
    if report.status is not OrderStatus.UNKNOWN and known.state in _ALIVE_FROM:
        return known.to(IntentState.WORKING)
    return known


def _earlier_try(intent: OrderIntent, report: OrderReport) -> bool:
    """An order that ended under another id of the same client: a try before this one, and not its end."""
    same_client = intent.client_id == report.client_id and intent.order_id and report.order_id
    return bool(same_client and intent.order_id != report.order_id and report.status.dead and not report.filled)


def _filled(intent: OrderIntent, report: OrderReport) -> Decimal:
    if report.filled is not None:
        return report.filled
    return intent.quantity if report.status is OrderStatus.FILLED else Decimal(0)


def fold_notice(intent: OrderIntent, notice: OrderNotice) -> OrderIntent:
    """Move the intent as an error code says. Only a definite refusal or cancellation ends it; a code that
    proves nothing makes it unknown, so that the broker is asked."""
    if notice.order_id and intent.order_id and notice.order_id != intent.order_id:
        return intent  # about an earlier try
    note = f"{notice.code}: {notice.message}"
    if intent.state is IntentState.DONE:
        return _explained(intent, notice.kind, note)
    if intent.state is IntentState.RECORDED:
        return intent
    match notice.kind:
        case NoticeKind.WARNING:
            return replace(intent, note=note)
        case NoticeKind.REFUSED:
            ending = Ending.CANCELLED if intent.filled else Ending.REFUSED
            return intent.to(IntentState.DONE, ending=ending, note=note)
        case NoticeKind.CANCELLED:
            return intent.to(IntentState.DONE, ending=Ending.CANCELLED, note=note)
        case NoticeKind.READ_ONLY if intent.state is IntentState.SUBMITTING:
            return replace(
                intent.to(IntentState.RECORDED, note=note), order_id=0, client_id=0, sent=intent.sent - 1, sent_at=None
            )
        case _:
            return intent.to(IntentState.UNKNOWN, note=note)


def _explained(intent: OrderIntent, kind: NoticeKind, note: str) -> OrderIntent:
    """The reason of an end may come after the end itself (201 after Cancelled)."""
    if intent.note or intent.ending not in {Ending.CANCELLED, Ending.REFUSED}:
        return intent
    if kind is NoticeKind.REFUSED:
        return replace(intent, note=note, ending=Ending.CANCELLED if intent.filled else Ending.REFUSED)
    return replace(intent, note=note) if kind is NoticeKind.CANCELLED else intent


def _finish_if_full(intent: OrderIntent) -> OrderIntent:
    if intent.executed < intent.quantity:
        return replace(intent, ending=Ending.CANCELLED) if intent.ending is Ending.REFUSED else intent
    if intent.state is IntentState.DONE:
        return replace(intent, ending=Ending.FILLED) if _ended_short(intent) else intent
    return intent.to(IntentState.DONE, ending=Ending.FILLED)


def _ended_short(intent: OrderIntent) -> bool:
    """A fill can win the race against a cancel: what counts in the end is what was executed."""
    return intent.ending in {Ending.CANCELLED, Ending.REFUSED, Ending.LEFT_OPEN}
