"""The trading floor: when an accepted order trades, at what price, and how it ends.

Everything here is driven by the scheduler, so that one seed and one series of calls give one ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from . import narration
from .accounts import Trade
from .bank import Bank
from .book import OrderBook
from .clock import Scheduler
from .ledger import Ledger
from .market import Market
from .matching import ADAPTIVE_PACE, AUCTIONS, auction_price, commission, fill_price, first_slice
from .model import Commission, Execution, Status
from .reporter import Reporter
from .settings import Latency
from .working import WorkingOrder

RESTING_LOOK_SECONDS = 1.0


class Floor:
    """Works orders until they are filled or ended, and tells everybody concerned."""

    def __init__(
        self,
        latency: Latency,
        *,
        book: OrderBook,
        scheduler: Scheduler,
        ledger: Ledger,
        market: Market,
        bank: Bank,
        reporter: Reporter,
        seed: int,
    ) -> None:
        self._latency = latency
        self._book = book
        self._scheduler = scheduler
        self._ledger = ledger
        self._market = market
        self._bank = bank
        self._reporter = reporter
        self._seed = seed
        self.on_execution: list[Callable[[Execution], None]] = []
        market.on_change.append(self._price_changed)

    # ending

    def set_status(self, working: WorkingOrder, status: Status) -> None:
        """Change the status and write it down."""
        working.status = status
        self._ledger.order(
            "order_state",
            working.order,
            working.contract,
            status=status,
            filled=working.filled,
            remaining=working.remaining,
            reason=working.reason,
        )

    def finish(self, working: WorkingOrder, status: Status) -> None:
        """`set_status` to a final one."""
        working.done_at = self._scheduler.now()
        self.set_status(working, status)

    def end(self, working: WorkingOrder, reason: str) -> None:
        """Cancel what is left of an order and say so; without effect when it is done."""
        if not working.done:
            working.reason = reason
            self.finish(working, Status.CANCELLED)
            self._reporter.report(working, narration.cancelled(working))

    def _fill(self, working: WorkingOrder, quantity: Decimal, price: Decimal) -> None:
        fee = commission(working.contract, quantity, price)
        working.filled += quantity
        working.spent += quantity * price
        working.last_price = price
        working.fills += 1
        execution = self._execution(working, quantity, price)
        trade = Trade(working.listing.contract, quantity * working.sign, price, fee)
        realized = self._bank.book(working.order.account, trade)
        currency = working.contract.currency
        report = Commission(execution.exec_id, fee, currency, realized)
        self._book.executions.append((execution, report))
        self._ledger.execution(execution, commission=fee, commissionCurrency=currency)
        if not working.remaining:
            self.finish(working, Status.FILLED)
        elif working.status is not Status.PENDING_CANCEL:
            self.set_status(working, Status.SUBMITTED)
        events = narration.filled(working, execution, report, status_first=self._status_first(execution))
        self._reporter.report(working, narration.bend(working, events))
        for callback in self.on_execution:
            callback(execution)

    def _execution(self, working: WorkingOrder, quantity: Decimal, price: Decimal) -> Execution:
        order = working.order
        serial = len(self._book.executions) + 1
        return Execution(
            exec_id=f"0000e0d5.{self._seed & 0xFFFFFFFF:08x}.{serial:06x}.01.01",
            time=self._scheduler.now(),
            account=order.account,
            exchange=working.listing.contract.primary_exchange or working.contract.exchange,
            side="BOT" if order.action == "BUY" else "SLD",
            shares=quantity,
            price=price,
            perm_id=order.perm_id,
            client_id=order.client_id,
            order_id=order.order_id,
            cumulative_quantity=working.filled,
            average_price=working.average_price,
            order_ref=order.order_ref,
            contract=working.contract,
        )

    def _status_first(self, execution: Execution) -> bool:
        """In one fill of four the status overtakes the execution."""
        return hashlib.blake2b(execution.exec_id.encode(), digest_size=1).digest()[0] % 4 == 0

    # working

    def waits(self, working: WorkingOrder) -> bool:
        return self.for_auction(working) or not self._is_open(working)

    def for_auction(self, working: WorkingOrder) -> bool:
        return working.order.order_type in AUCTIONS or working.order.tif == "OPG"

    def _is_open(self, working: WorkingOrder) -> bool:
        return self._market.is_open(working.listing, self._scheduler.now(), outside_rth=working.outside)

    def next_open(self, working: WorkingOrder) -> float:
        return self._market.hours.next_open(working.listing, self._scheduler.now(), outside_rth=working.outside)

    def plan(self, working: WorkingOrder) -> None:
        """Enter into the scheduler what will happen to the order next."""
        if not working.order.transmit:
            return
        turn, now = working.turn, self._scheduler.now()
        if working.order.tif == "OPG":
            self._plan_opening_auction(working)
            return
        close = self._market.hours.next_close(working.listing, now, outside_rth=working.outside)
        if close is not None:
            self._scheduler.at(close, lambda: self._close(working, turn))
        if self.for_auction(working):
            return
        if self._is_open(working):
            self._scheduler.at(self._earliest_fill(working), self._matcher(working))
        elif (opening := self.next_open(working)) > now:
            self._scheduler.at(opening, lambda: self._open(working, turn))

    def _plan_opening_auction(self, working: WorkingOrder) -> None:
        hours, turn = self._market.hours, working.turn
        close = hours.next_close(working.listing, self._scheduler.now())
        if close is not None:
            since = close if self._is_open(working) else self._scheduler.now()
            opening = hours.next_open(working.listing, since)
            self._scheduler.at(opening, lambda: self.auction(working, turn))

    def _close(self, working: WorkingOrder, turn: int) -> None:
        """The session ends: auction orders trade, day orders expire, the others wait for the next session."""
        if working.done or working.turn != turn:
            return
        if working.order.order_type in AUCTIONS:
            self.auction(working, turn)
        elif working.order.tif == "GTC":
            self.plan(working)
        else:
            self.end(working, "the day is over")

    def _earliest_fill(self, working: WorkingOrder) -> float:
        pace = 1.0
        if working.order.algo_strategy == "Adaptive":
            pace = ADAPTIVE_PACE.get(dict(working.order.algo_params).get("adaptivePriority", "Normal"), 3.0)
        wait = self._latency.fill_ms * pace + working.conduct.fill_delay_ms
        since = max(working.accepted_at, working.opening)
        return max(since + wait / 1000, self._scheduler.now())

    def _open(self, working: WorkingOrder, turn: int) -> None:
        """The market has opened for an order that waited."""
        if working.done or working.turn != turn or not self._is_open(working):
            return
        working.opening = self._scheduler.now()
        if working.status is Status.PRE_SUBMITTED:
            self.set_status(working, Status.SUBMITTED)
            self._reporter.report(working, narration.standing(working))
        self._scheduler.at(self._earliest_fill(working), lambda: self._match(working, turn))

    def _match(self, working: WorkingOrder, turn: int) -> None:
        if working.done or working.turn != turn or working.conduct.never_fill or not self._is_open(working):
            return
        now = self._scheduler.now()
        if now < working.rest_due:
            return
        price = fill_price(working.order, working.listing, self._market.quote(working.listing, now))
        if price is not None:
            quantity = working.remaining
            if not working.fills:
                quantity = first_slice(quantity, working.conduct.fill_fraction)
            self._fill(working, quantity, price)
            self._plan_rest(working)
        elif working.order.tif != "IOC" and self._market.wander_bps:
            self._scheduler.after(RESTING_LOOK_SECONDS, lambda: self._match(working, turn))
        if working.order.tif == "IOC" and not working.done:
            self.end(working, "immediate or cancel")

    def _plan_rest(self, working: WorkingOrder) -> None:
        if working.done or working.order.tif == "IOC":
            return
        if working.conduct.rest_after_ms is None:
            working.conduct = replace(working.conduct, never_fill=True)
            return
        working.rest_due = self._scheduler.now() + working.conduct.rest_after_ms / 1000
        turn = working.turn
        self._scheduler.at(working.rest_due, lambda: self._match(working, turn))

    def auction(self, working: WorkingOrder, turn: int | None = None) -> None:
        """Fill an auction order at the last price, or cancel it when its limit does not allow that."""
        if working.done or turn not in (None, working.turn) or working.conduct.never_fill:
            return
        price = auction_price(working.order, self._market.price(working.listing, self._scheduler.now()))
        if price is None:
            self.end(working, "the auction price was beyond the limit")
        else:
            self._fill(working, working.remaining, price)

    def _price_changed(self, con_id: int) -> None:
        for working in list(self._book.working()):
            if working.listing.contract.con_id != con_id or not working.order.transmit or self.waits(working):
                continue
            if working.status is Status.PRE_SUBMITTED:
                self._open(working, working.turn)
            else:
                self._scheduler.at(self._earliest_fill(working), self._matcher(working))

    def _matcher(self, working: WorkingOrder) -> Callable[[], None]:
        turn = working.turn
        return lambda: self._match(working, turn)

    def release(self, symbol: str = "") -> int:
        """Let never-filling orders fill from now on; returns how many there were."""
        held = [working for working in self._book.working() if working.conduct.never_fill]
        held = [working for working in held if symbol in ("", working.contract.symbol)]
        for working in held:
            working.conduct = replace(working.conduct, never_fill=False)
            self._matcher(working)()
        return len(held)
