"""Hears the broker's reports for one run and folds them into its intents, in order, in one durable write."""

from __future__ import annotations

from collections import deque

from event_processor.application import telling
from event_processor.application.recovery import Doubts
from event_processor.application.run import Run
from event_processor.domain.fold import fold_commission, fold_execution, fold_notice, fold_order
from event_processor.domain.ids import OrderRef
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import OrderStatus
from event_processor.domain.reconcile import belongs
from event_processor.domain.reports import Commission, Execution, NoticeKind, OrderNotice, OrderReport, Report

_ORDER_ID_LEAP = 1000
"""How far we leap ahead when the broker says an id is taken (103): ids of a past we cannot see."""


class Hearing:
    """A queue fed by the broker; `fold` empties it."""

    def __init__(self, run: Run, doubts: Doubts) -> None:
        self._run, self._doubts = run, doubts
        self._reports: deque[Report] = deque()
        self._commissions: dict[str, Commission] = {}

    def hear(self, report: Report) -> None:
        """The broker's sink: only enqueues."""
        self._reports.append(report)
        self._run.bell.ring()

    @property
    def unheard(self) -> bool:
        """Whether reports wait to be folded."""
        return bool(self._reports)

    async def fold(self) -> None:
        """Everything heard so far becomes durable."""
        if not self._reports:
            return
        intents = list(self._run.intents)
        index = {key: place for place, intent in enumerate(intents) for key in (*_keys(intent), *_trades(intent))}
        while self._reports:
            report = self._reports.popleft()
            place = next((index[key] for key in _report_keys(report) if key in index), None)
            if place is not None and isinstance(report, OrderReport | Execution):
                place = place if belongs(intents[place], report) else None
            if isinstance(report, Commission):
                self._commissions[report.exec_id] = report
            elif isinstance(report, Execution) and place is not None:
                index["execution", report.exec_id] = place
            if place is not None:
                intents[place] = self._folded(intents[place], report)
                index |= dict.fromkeys(_keys(intents[place]), place)
        await self._run.save(intents)

    def _folded(self, intent: OrderIntent, report: Report) -> OrderIntent:
        if isinstance(report, Commission):
            return fold_commission(intent, report)
        if isinstance(report, Execution):
            grown = fold_execution(intent, report)
            early = self._commissions.get(report.exec_id)
            return fold_commission(grown, early) if early else grown
        if isinstance(report, OrderReport):
            if _contradicts(intent, report):
                self._doubts.contradicted()
            return fold_order(intent, report)
        if isinstance(report, OrderNotice):
            telling.noticed(self._run.desk, self._run.record, intent, report)
            if report.kind is NoticeKind.NOT_TAKEN:
                self._run.desk.broker.raise_order_ids(report.order_id + _ORDER_ID_LEAP)
            folded = fold_notice(intent, report)
            if folded.state is IntentState.UNKNOWN and intent.state is not IntentState.UNKNOWN:
                self._doubts.begin()
            return folded
        return intent


def _contradicts(intent: OrderIntent, report: OrderReport) -> bool:
    """Alive by the broker, over by our books: a late repetition or a mistake. Or another order under the same
    orderRef. A look tells, but for what is left to a person already: each look repeats its reports."""
    if intent.ending is Ending.UNRESOLVED:
        return False
    if intent.perm_id and report.perm_id and intent.perm_id != report.perm_id:
        return True
    over = intent.state is IntentState.DONE and intent.ending in {Ending.CANCELLED, Ending.REFUSED}
    alive = {OrderStatus.SUBMITTED, OrderStatus.PRE_SUBMITTED}
    return over and report.status in alive


def _keys(intent: OrderIntent) -> list[object]:
    keys: list[object] = [str(intent.ref)]
    if intent.perm_id:
        keys.append(("perm", intent.perm_id))
    if intent.order_id:
        keys.append((intent.client_id, intent.order_id))
    return keys


def _trades(intent: OrderIntent) -> list[object]:
    return [("execution", fill.exec_id) for fill in intent.fills]


def _report_keys(report: Report) -> list[object]:
    """How a report names its order. A whole reference of ours decides whenever it is there."""
    if isinstance(report, OrderReport | Execution):
        if OrderRef.parse(report.order_ref):
            return [report.order_ref]
        keys: list[object] = [("perm", report.perm_id)] if report.perm_id else []
        return [*keys, (report.client_id, report.order_id)] if report.order_id else keys
    if isinstance(report, Commission):
        return [("execution", report.exec_id)]
    if isinstance(report, OrderNotice) and report.order_ref:
        return [report.order_ref]
    return []
