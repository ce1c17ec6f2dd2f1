"""The exchange's order desk: takes, changes and cancels the orders that the gateway passes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from . import narration
from .bank import Bank
from .book import OrderBook
from .checks import Refusal, buying_power, crowding, order_cost, permission, short_sale
from .clock import Action, Scheduler
from .events import ErrorNotice, Event
from .floor import Floor
from .ledger import Ledger
from .market import Market
from .model import ZERO, Order, Status
from .reporter import Reporter
from .settings import Scenario
from .working import WorkingOrder

FIRST_PERM_ID = 1_700_000_001
DROP_AFTER_ACK_SECONDS = 0.02


class Exchange:
    """Accepts, changes and cancels orders; what happens in between is the floor's."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        book: OrderBook,
        floor: Floor,
        scheduler: Scheduler,
        ledger: Ledger,
        market: Market,
        bank: Bank,
        reporter: Reporter,
    ) -> None:
        self._latency = scenario.latency
        self._gateway = scenario.gateway
        self._book = book
        self._floor = floor
        self._scheduler = scheduler
        self._ledger = ledger
        self._market = market
        self._bank = bank
        self._reporter = reporter
        self.on_accepted: list[Callable[[WorkingOrder], None]] = []

    def accept(self, working: WorkingOrder) -> None:
        """Take a new order: refuse it by the exchange's rules, or put it to work."""
        working.order.perm_id = FIRST_PERM_ID + len(self._book.orders)
        working.accepted_at = self._scheduler.now()
        self._book.orders.append(working)
        refusal = self._objection(working)
        if refusal is not None:
            self._reject(working, refusal)
            return
        working.status = Status.PRE_SUBMITTED
        self._ledger.order("order_accepted", working.order, working.contract)
        if working.conduct.drop == "accepted":
            working.conduct = replace(working.conduct, ack_lost=True)
            self._reporter.drop(working.order.client_id, "fault: dropped after the order was accepted")
        self._later(self._latency.ack_ms, lambda: self._acknowledge(working))
        for callback in self.on_accepted:
            callback(working)

    def _objection(self, working: WorkingOrder) -> Refusal | None:
        order, listing = working.order, working.listing
        conduct = working.conduct
        if conduct.reject_code:
            return Refusal(conduct.reject_code, conduct.reject_text, inactive=True)
        same_side = [other for other in self._same_side(order, listing.contract.con_id) if other is not working]
        selling = sum((other.remaining for other in same_side), ZERO)
        account = self._bank.accounts[order.account]
        return (
            permission(listing)
            or crowding(len(same_side), self._gateway.orders_per_side)
            or short_sale(account, order, listing.contract, selling)
            or self._too_dear(working, order)
        )

    def _same_side(self, order: Order, con_id: int) -> list[WorkingOrder]:
        return [
            other
            for other in self._book.working()
            if other.listing.contract.con_id == con_id
            and (other.order.action, other.order.account) == (order.action, order.account)
        ]

    def _too_dear(self, working: WorkingOrder, order: Order) -> Refusal | None:
        """The buying power rule; notes on the order what it may cost."""
        view = self._bank.truth(order.account)
        contract = working.contract
        cost = order_cost(order, contract, self._price_for(working, order)) * view.to_base(contract.currency)
        refusal = buying_power(view, cost, self._reserved(order.account, working))
        if refusal is None:
            working.cost = cost
        return refusal

    def _reserved(self, account: str, but: WorkingOrder) -> Decimal:
        """What other working buys of the account may still cost, in its base currency."""
        others = (other for other in self._book.working() if other is not but)
        return sum((other.reserved for other in others if other.order.account == account), ZERO)

    def _price_for(self, working: WorkingOrder, order: Order) -> Decimal:
        """The price at which an order is charged against buying power."""
        quote = self._market.quote(working.listing, self._scheduler.now())
        expected = quote.ask or quote.last
        return min(order.lmt_price, expected) if order.lmt_price and order.order_type == "LMT" else expected

    def _reject(self, working: WorkingOrder, refusal: Refusal) -> None:
        working.reason = refusal.text
        self._floor.finish(working, Status.INACTIVE)
        self._ledger.order("order_refused", working.order, working.contract, code=refusal.code, reason=refusal.text)
        events = narration.rejected(working, refusal.code, refusal.text)
        self._later(self._latency.ack_ms, lambda: self._reporter.report(working, events))

    def _acknowledge(self, working: WorkingOrder) -> None:
        if working.done:
            return
        reaches = working.order.transmit and not self._floor.waits(working)
        if reaches and working.status is Status.PRE_SUBMITTED:
            self._floor.set_status(working, Status.SUBMITTED)
        events = narration.acknowledged(working)
        opening = self._floor.next_open(working)
        if opening > self._scheduler.now() and not self._floor.for_auction(working):
            events += narration.out_of_hours(working, opening)
        conduct = working.conduct
        if conduct.ack_twice:
            events = events * 2
        if not conduct.ack_lost:
            late = self._latency.fill_ms + conduct.fill_delay_ms + 20 if conduct.executions_first else 0
            self._reporter.report(working, events, delay=late / 1000)
        if conduct.drop == "acknowledged":
            reason = "fault: dropped after the acknowledgement"
            self._scheduler.after(DROP_AFTER_ACK_SECONDS, lambda: self._reporter.drop(working.order.client_id, reason))
        self._floor.plan(working)

    def modify(self, working: WorkingOrder, changed: Order) -> None:
        """Change price, quantity, type or tif of a working order; the exchange may refuse."""
        refusal = self._too_dear(working, changed)
        if refusal is not None:
            self._ledger.order("change_refused", changed, working.contract, code=refusal.code, reason=refusal.text)
            self._say_later(working, ErrorNotice(changed.order_id, refusal.code, refusal.text))
            return
        changed.perm_id = working.order.perm_id
        working.order = changed
        working.turn += 1
        self._ledger.order("order_changed", changed, working.contract)
        if not working.remaining:
            self._floor.finish(working, Status.FILLED)
        self._later(self._latency.ack_ms, lambda: self._acknowledge_change(working))

    def _acknowledge_change(self, working: WorkingOrder) -> None:
        sent = working.order.transmit and not self._floor.waits(working)
        if sent and working.status is Status.PRE_SUBMITTED:
            self._floor.set_status(working, Status.SUBMITTED)
        self._reporter.report(working, narration.standing(working))
        if not working.done:
            self._floor.plan(working)

    def cancel(self, working: WorkingOrder, reason: str = "") -> None:
        """Begin to cancel a working order; a fill can still win the race."""
        self._floor.set_status(working, Status.PENDING_CANCEL)
        self._reporter.report(working, [narration.status(working)])
        self._later(self._latency.ack_ms, lambda: self._floor.end(working, reason))

    def _say_later(self, working: WorkingOrder, event: Event) -> None:
        self._later(self._latency.ack_ms, lambda: self._reporter.report(working, [event]))

    def _later(self, milliseconds: int, action: Action) -> None:
        self._scheduler.after(milliseconds / 1000, action)
