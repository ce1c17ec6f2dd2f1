"""The order book as look-ups see it, including what they do not see yet or no longer.

A look-up shows an order or a fill only after the scenario's `lookup_ms`, so that an accepted order
can for a moment be in neither the open orders nor the executions. While the link to IBKR is down
the gateway answers from what it knew when the link went.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from .clock import Scheduler, utc
from .model import Commission, Execution, OrderState, Position, Status
from .working import WorkingOrder

DAY_ZONE = ZoneInfo("America/New_York")

Fill = tuple[Execution, Commission]


@dataclass(slots=True)
class View:
    """What the gateway can show at one instant."""

    open_orders: list[WorkingOrder] = field(default_factory=list)
    completed: list[WorkingOrder] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    positions: dict[str, list[Position]] = field(default_factory=dict)


class OrderBook:
    """Every order and every fill of the run, oldest first."""

    def __init__(self, scheduler: Scheduler, lookup_ms: int) -> None:
        self._scheduler = scheduler
        self._lag = lookup_ms / 1000
        self.orders: list[WorkingOrder] = []
        self.executions: list[Fill] = []

    def working(self) -> Iterator[WorkingOrder]:
        """Orders that may still trade."""
        return (working for working in self.orders if not working.done)

    def open_orders(self) -> list[WorkingOrder]:
        """Working orders that look-ups show already."""
        seen = self._scheduler.now() - self._lag
        return [working for working in self.working() if working.accepted_at <= seen]

    def completed(self) -> list[WorkingOrder]:
        """Today's orders that are done."""
        seen = self._scheduler.now() - self._lag
        done = (working for working in self.orders if working.done and working.done_at <= seen)
        return [working for working in done if self._today(working.done_at)]

    def fills(self) -> list[Fill]:
        """Today's executions, with their commissions."""
        seen = self._scheduler.now() - self._lag
        return [fill for fill in self.executions if fill[0].time <= seen and self._today(fill[0].time)]

    def _today(self, moment: float) -> bool:
        return _day(moment) == _day(self._scheduler.now())


def _day(moment: float) -> date:
    return utc(moment).astimezone(DAY_ZONE).date()


def completed_state(working: WorkingOrder) -> OrderState:
    """The state that accompanies a completed order."""
    local = utc(working.done_at).astimezone(DAY_ZONE)
    if working.status is Status.FILLED:
        text = f"Filled Size: {working.filled:f}"
    else:
        text = f"{working.status} {working.reason}".strip()
    return OrderState(
        status=working.status, completed_time=f"{local:%Y%m%d %H:%M:%S} US/Eastern", completed_status=text
    )
