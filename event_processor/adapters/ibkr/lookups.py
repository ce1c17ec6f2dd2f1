"""Open orders, completed orders, executions: all of them, or an error.

The order of the look-ups matters: an order only ever moves from open to completed, so one that left the open
ones before they were listed is found among the completed ones, which are listed after.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

import ib_async as ib

from event_processor.adapters.ibkr import codes
from event_processor.adapters.ibkr.orders import key_of
from event_processor.domain.ids import ExecId
from event_processor.domain.reports import Commission, Evidence, Execution, OrderReport
from event_processor.errors import GatewayDisconnected, ReadOnlyApi

_T = TypeVar("_T")


class Asker(Protocol):
    """The connection, as far as look-ups need it."""

    @property
    def facade(self) -> ib.IB: ...
    @property
    def interruptions(self) -> int:
        """How often the gateway's link to IBKR was lost."""

    async def ask(self, what: str, send: Callable[[], Awaitable[_T]], *, has_id: bool = True) -> _T: ...


class Lookups:
    """Gathers what the messages say while a look-up runs; one at a time, the caller sees to that.

    Live messages that arrive meanwhile count too: the last word on an order is the one that stays.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], OrderReport] = {}
        self._completed: list[OrderReport] = []
        self._executions: dict[ExecId, Execution] = {}
        self._commissions: dict[ExecId, Commission] = {}

    def open_order(self, report: OrderReport) -> None:
        """An openOrder or orderStatus message, completed by the order book. The first ones on an order may come
        without a permId, and are no order of their own."""
        if report.perm_id:
            self._open.pop((report.client_id, report.order_id), None)
        self._open[key_of(report)] = report

    def completed_order(self, report: OrderReport) -> None:
        """A completedOrder message."""
        self._completed.append(report)

    def execution(self, execution: Execution) -> None:
        """An execDetails message."""
        self._executions[execution.exec_id] = execution

    def commission(self, commission: Commission) -> None:
        """A commissionReport message."""
        self._commissions[commission.exec_id] = commission

    async def open_orders(self, asker: Asker) -> tuple[OrderReport, ...]:
        """The open orders of all clients. Errors as `run`."""
        await self._whole(asker, self._ask_open(asker))
        return self._listed(over=False)

    async def run(self, asker: Asker, now: Callable[[], datetime]) -> Evidence:
        """Ask for all three. Raises ReadOnlyApi when the API refuses look-ups, else GatewayDisconnected."""
        await self._whole(asker, self._ask_all(asker))
        return Evidence(
            taken_at=now(),
            open_orders=self._listed(over=False),
            completed=(*self._completed, *self._listed(over=True)),
            executions=tuple(self._executions.values()),
            commissions=tuple(self._commissions.values()),
        )

    def _listed(self, *, over: bool) -> tuple[OrderReport, ...]:
        """What was listed as open, or heard of meanwhile, and by its own word is over, or is not."""
        return tuple(report for report in self._open.values() if report.status.dead is over)

    async def _ask_open(self, asker: Asker) -> None:
        self._open = {}
        await asker.ask("open orders", asker.facade.reqAllOpenOrdersAsync, has_id=False)

    async def _ask_all(self, asker: Asker) -> None:
        facade = asker.facade
        await self._ask_open(asker)
        self._completed = []
        await asker.ask("completed orders", lambda: facade.reqCompletedOrdersAsync(apiOnly=False), has_id=False)
        self._executions = {}
        await asker.ask("executions", facade.reqExecutionsAsync)

    async def _whole(self, asker: Asker, asking: Awaitable[None]) -> None:
        """An answer counts only if nothing was refused and the link held all the while."""
        interruptions = asker.interruptions
        try:
            await asking
        except ib.RequestError as error:
            if codes.is_read_only(error.code, error.message):
                raise ReadOnlyApi(f"the gateway refuses look-ups of orders: {error.message}") from error
            raise GatewayDisconnected(
                f"the gateway refused a look-up: {error.code}: {error.message}", reason_code="request_refused"
            ) from error
        if asker.interruptions != interruptions:
            raise GatewayDisconnected("the gateway lost its link to IBKR during the look-up", reason_code="link_lost")
