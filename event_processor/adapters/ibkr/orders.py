"""Which order is which, and the next order id.

orderStatus names an order only by client id, order id and permId. What openOrder said before, or what we
placed, fills in the rest. An order id can be reused after nextValidId moved back; a permId never is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from event_processor.domain.ids import OrderRef, PermId
from event_processor.domain.order import Order, OrderStatus
from event_processor.domain.reports import Execution, OrderReport

_Key = TypeVar("_Key")

_ORDERS_MAX = 20_000
"""How many orders are remembered; the oldest are forgotten first. IBKR shows one day of them."""
_ORDER_ID_LIMIT = 2**31 - 1
_ACCEPTED = frozenset({OrderStatus.PRE_SUBMITTED, OrderStatus.SUBMITTED, OrderStatus.FILLED})


class OrderBook:
    """The orders heard of, over all connections, and the order ids that are spent."""

    def __init__(self, client_id: int) -> None:
        self._client_id = client_id
        self._by_id: dict[tuple[int, int], OrderReport] = {}
        self._by_perm_id: dict[PermId, OrderReport] = {}
        self._highest = 0

    def next_order_id(self) -> int:
        """Reserve the next id."""
        self._highest += 1
        return self._highest

    def raise_above(self, order_id: int) -> None:
        """Never reserve this id or a lower one. The largest integer means "no id" and is passed over."""
        if order_id < _ORDER_ID_LIMIT:
            self._highest = max(self._highest, order_id)

    def placed(self, order: Order, order_id: int) -> None:
        """We hand this order to the broker under this id: whatever had the id before is history."""
        self._by_id.pop((self._client_id, order_id), None)
        self._keep(
            OrderReport(
                account=order.account,
                order_ref=str(order.ref),
                status=OrderStatus.UNKNOWN,
                order_id=order_id,
                client_id=self._client_id,
                con_id=order.contract.con_id,
                symbol=order.contract.symbol,
                side=order.side,
                quantity=order.quantity,
            )
        )

    def complete(self, report: OrderReport) -> OrderReport:
        """The report with what never changes about the same order filled in; remembered.

        `filled` is not filled in: an openOrder that says Filled comes before the orderStatus that says how much.
        """
        self.raise_above(report.order_id)
        known = self._find(report.perm_id, report.client_id, report.order_id)
        if known is not None:
            report = replace(
                report,
                account=report.account or known.account,
                order_ref=_ours(report.order_ref, known.order_ref),
                perm_id=report.perm_id or known.perm_id,
                order_id=report.order_id or known.order_id,
                client_id=report.client_id or known.client_id,
                con_id=report.con_id or known.con_id,
                symbol=report.symbol or known.symbol,
                side=report.side or known.side,
                quantity=known.quantity if report.quantity is None else report.quantity,
            )
        self._keep(report)
        return report

    def named(self, execution: Execution) -> Execution:
        """The execution under the reference that its order was placed with."""
        known = self._find(execution.perm_id, execution.client_id, execution.order_id)
        return replace(execution, order_ref=_ours(execution.order_ref, known.order_ref)) if known else execution

    def ref_of(self, order_id: int) -> str:
        """The orderRef of our client's order with this id; "" when it is not known."""
        known = self._by_id.get((self._client_id, order_id))
        return known.order_ref if known else ""

    def accepted(self, order_id: int) -> bool:
        """Whether the broker has shown our client's order with this id as held or working."""
        known = self._by_id.get((self._client_id, order_id))
        return known is not None and known.status in _ACCEPTED

    def _find(self, perm_id: PermId, client_id: int, order_id: int) -> OrderReport | None:
        if perm_id in self._by_perm_id and perm_id:
            return self._by_perm_id[perm_id]
        known = self._by_id.get((client_id, order_id)) if order_id else None
        if known is None or (known.perm_id and perm_id and known.perm_id != perm_id):
            return None
        return known

    def _keep(self, report: OrderReport) -> None:
        if report.order_id:
            self._by_id[report.client_id, report.order_id] = report
        if report.perm_id:
            self._by_perm_id[report.perm_id] = report
        _forget_oldest(self._by_id)
        _forget_oldest(self._by_perm_id)


def _ours(told: str, known: str) -> str:
    """The reference of an order that is known under one. What the gateway says is that, unless it says only a part of
    what it was handed, or says it in capitals."""
    ref = OrderRef.parse(known)
    return known if ref is not None and ref.left_of(told) else told or known


def key_of(report: OrderReport) -> tuple[int, int]:
    """What tells one order from another in an answer: the permId, or client and order id before there is one."""
    return (-1, report.perm_id) if report.perm_id else (report.client_id, report.order_id)


def _forget_oldest(orders: dict[_Key, OrderReport]) -> None:
    if len(orders) > _ORDERS_MAX:
        del orders[next(iter(orders))]
