"""The gateway's side of orders: ids, validation, and what happens to orders while the link is down."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from . import whatif
from .bank import Bank
from .book import OrderBook
from .checks import Asked, Refusal, refused_by_gateway
from .clock import Action, Scheduler
from .events import ErrorNotice, OrderBound, OrderOpened
from .exchange import Exchange
from .faults import Conduct, FaultBook
from .ledger import Ledger
from .market import Market
from .model import Contract, Order, Status
from .reporter import Reporter
from .session import Orders, Session
from .settings import GatewaySettings
from .working import WorkingOrder

MANUAL_CLIENT = 0


class OrderIds:
    """The next valid order id of each client."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}

    def next(self, client_id: int) -> int:
        return self._next.get(client_id, 1)

    def use(self, client_id: int, order_id: int) -> None:
        self._next[client_id] = max(self.next(client_id), order_id + 1)

    def move_back(self, count: int) -> None:
        """Forget the newest `count` ids of every client, as a gateway restart can."""
        self._next = {client_id: max(1, value - count) for client_id, value in self._next.items()}


class OrderDesk:
    """Takes order messages from clients."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        exchange: Exchange,
        book: OrderBook,
        market: Market,
        bank: Bank,
        faults: FaultBook,
        session: Session,
        scheduler: Scheduler,
        ledger: Ledger,
        reporter: Reporter,
    ) -> None:
        self._settings = settings
        self._exchange = exchange
        self._book = book
        self._market = market
        self._bank = bank
        self._faults = faults
        self._session = session
        self._scheduler = scheduler
        self._ledger = ledger
        self._reporter = reporter
        self._held: list[Action] = []
        self._index: dict[tuple[int, int], WorkingOrder] = {}
        self._auto_bind = False
        self.ids = OrderIds()
        self.read_only = settings.read_only

    def place(self, client_id: int, order_id: int, contract: Contract, order: Order) -> None:
        """A `placeOrder` message: a new order, or a change of one this client has working."""
        order = replace(order, client_id=client_id, order_id=order_id)
        self._fill_in(order)
        listings = self._market.universe.match(contract)
        named = replace(listings[0].contract, exchange=contract.exchange) if len(listings) == 1 else contract
        self._ledger.order("order_received", order, named, whatIf=order.what_if)
        asked = Asked(order, contract, listings, self._bank.accounts, self._settings, self.read_only)
        existing = self._index.get((client_id, order_id))
        conduct = self._faults.conduct(order, named) if existing is None and not order.what_if else Conduct()
        if conduct.drop == "received":
            self._lose(order, named, "the connection was dropped before the order was read")
            self._reporter.drop(client_id, "fault: dropped before the order was read")
        elif existing is not None:
            self._change(existing, asked)
        else:
            self._take(asked, named, conduct)

    def _fill_in(self, order: Order) -> None:
        if not order.tif:
            order.tif = "DAY"
            if self._settings.tif_preset:
                text = "Order TIF was set to DAY based on order preset."
                self._reporter.say(order.client_id, ErrorNotice(order.order_id, 10349, text))
        if not order.account and len(self._bank.accounts) == 1:
            order.account = next(iter(self._bank.accounts))

    def _take(self, asked: Asked, named: Contract, conduct: Conduct) -> None:
        order = asked.order
        if order.order_id < self.ids.next(order.client_id):
            self._refuse(order, named, Refusal(103, "Duplicate order id"))
            return
        self.ids.use(order.client_id, order.order_id)
        refusal = refused_by_gateway(asked)
        if refusal is not None:
            self._refuse(order, named, refusal)
        elif order.what_if:
            self._answer_what_if(order, named)
        elif conduct.swallow:
            self._lose(order, named, "the order was swallowed")
        else:
            self._warn(order)
            working = WorkingOrder(order, named, asked.listing, conduct)
            self._send(order, named, lambda: self._accept(working))

    def _warn(self, order: Order) -> None:
        if order.outside_rth and order.order_type != "LMT":
            text = (
                "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the order "
                "type and destination. PlaceOrder is now being processed."
            )
            self._reporter.say(order.client_id, ErrorNotice(order.order_id, 2109, text))

    def _accept(self, working: WorkingOrder) -> None:
        self._index[working.key] = working
        self._exchange.accept(working)

    def _change(self, existing: WorkingOrder, asked: Asked) -> None:
        order = asked.order
        refusal = self._objection(existing, order) or refused_by_gateway(asked)
        if refusal is not None:
            self._ledger.order("change_refused", order, existing.contract, code=refusal.code, reason=refusal.text)
            self._reporter.say(order.client_id, ErrorNotice(order.order_id, refusal.code, refusal.text))
        else:
            self._send(order, existing.contract, lambda: self._exchange.modify(existing, order))

    def _objection(self, existing: WorkingOrder, order: Order) -> Refusal | None:
        old = existing.order
        if existing.status is Status.FILLED:
            return Refusal(104, "Cannot modify a filled order.")
        if existing.done:
            return Refusal(103, "Duplicate order id")
        if (old.action, old.account) != (order.action, order.account):
            return Refusal(105, "Order being modified does not match original order")
        if old.order_type != order.order_type:
            return Refusal(329, f"Order modify failed. Cannot change to the new order type: {order.order_type}.")
        if order.total_quantity < existing.filled:
            return Refusal(201, "Order rejected - reason:The quantity is below what has been filled")
        return None

    def _send(self, order: Order, contract: Contract, action: Action) -> None:
        """Pass something on to IBKR, as far as the link allows."""
        if self._session.linked:
            action()
        elif self._session.orders is Orders.HOLD:
            self._ledger.order("order_held", order, contract)
            self._held.append(action)
        elif self._session.orders is Orders.LOSE:
            self._lose(order, contract, "sent while the link to IBKR was down")
        else:
            self._refuse(order, contract, Refusal(504, "Not connected"))

    def _lose(self, order: Order, contract: Contract, reason: str) -> None:
        self._ledger.order("order_lost", order, contract, reason=reason)

    def _refuse(self, order: Order, contract: Contract, refusal: Refusal) -> None:
        self._ledger.order("order_refused", order, contract, code=refusal.code, reason=refusal.text)
        self._reporter.say(order.client_id, ErrorNotice(order.order_id, refusal.code, refusal.text))

    def _answer_what_if(self, order: Order, contract: Contract) -> None:
        listing = self._market.universe.by_con_id(contract.con_id)
        quote = self._market.quote(listing, self._scheduler.now())
        state = whatif.state(order, contract, quote.ask or quote.last, self._bank.truth(order.account))
        self._reporter.say(order.client_id, OrderOpened.of(order, contract, state))

    def cancel(self, client_id: int, order_id: int) -> None:
        """A `cancelOrder` message."""
        self._ledger.write("cancel_received", clientId=client_id, orderId=order_id)
        working = self._index.get((client_id, order_id))
        refusal = self._cancel_objection(working, order_id)
        if refusal is not None:
            self._ledger.write("cancel_refused", clientId=client_id, orderId=order_id, code=refusal.code)
            self._reporter.say(client_id, ErrorNotice(order_id, refusal.code, refusal.text))
        elif working is not None:
            self._send(working.order, working.contract, lambda: self._begin_cancel(working))

    def _cancel_objection(self, working: WorkingOrder | None, order_id: int) -> Refusal | None:
        if self.read_only:
            return Refusal(
                321,
                "Error validating request.-'bQ' : cause - The API interface is currently in Read-Only mode.",
            )
        if working is None:
            return Refusal(10147, f"OrderId {order_id} that needs to be cancelled is not found.")
        if working.done:
            text = f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {working.status}."
            return Refusal(10148, text)
        if working.status is Status.PENDING_CANCEL:
            text = "Cancel attempted when order is not in a cancellable state. Order permId = "
            return Refusal(161, f"{text}{working.order.perm_id}")
        return None

    def _begin_cancel(self, working: WorkingOrder) -> None:
        if not working.done and working.status is not Status.PENDING_CANCEL:
            self._exchange.cancel(working)

    def global_cancel(self, client_id: int) -> None:
        """A `reqGlobalCancel` message: every working order of every client."""
        self._ledger.write("global_cancel_received", clientId=client_id)
        for working in list(self._book.working()):
            if not self.read_only:
                self._send(working.order, working.contract, self._canceller(working))

    def _canceller(self, working: WorkingOrder) -> Action:
        return lambda: self._begin_cancel(working)

    def link_restored(self) -> None:
        """Pass on what was held."""
        held, self._held = self._held, []
        for action in held:
            action()

    def forget_held(self) -> None:
        """The gateway process ended: what it held is gone."""
        if self._held:
            self._ledger.write("held_messages_lost", count=len(self._held))
        self._held = []

    def move_ids_back(self, count: int) -> None:
        """`nextValidId` moves back; ids of orders that are done can be used again."""
        self.ids.move_back(count)
        self._index = {
            key: working for key, working in self._index.items() if not working.done or key[1] < self.ids.next(key[0])
        }

    def adopt(self, working: WorkingOrder) -> None:
        """Know an order of an earlier run of the gateway: it can be cancelled, and its id is used up."""
        if working.order.order_id:
            self._index[working.key] = working
            self.ids.use(*working.key)

    def place_manually(
        self, contract: Contract, action: str, quantity: Decimal, limit: Decimal | None, account: str
    ) -> int:
        """An order that a person enters in the gateway's own window; returns its permId."""
        order = Order(
            action=action,
            total_quantity=quantity,
            order_type="LMT" if limit else "MKT",
            lmt_price=limit,
            tif="DAY",
            account=account,
        )
        self._fill_in(order)
        listing = self._market.universe.match(contract)[0]
        working = WorkingOrder(order, listing.contract, listing)
        self._exchange.accept(working)
        if self._auto_bind:
            self._bind(working)
        return order.perm_id

    def auto_bind(self, *, on: bool) -> None:
        """Whether client 0 takes over manual orders as they are placed; those that are there it takes over now."""
        self._auto_bind = on
        if on:
            self.bind_manual_orders(MANUAL_CLIENT)

    def client_gone(self, client_id: int) -> None:
        """A client has left; its auto-bind ends."""
        if client_id == MANUAL_CLIENT:
            self._auto_bind = False

    def bind_manual_orders(self, client_id: int) -> None:
        """Client 0 takes over manual orders: each gets an order id and can be changed and cancelled."""
        for working in self._book.working():
            if client_id == MANUAL_CLIENT and working.order.order_id == 0:
                self._bind(working)

    def _bind(self, working: WorkingOrder) -> None:
        order = working.order
        order.order_id = self.ids.next(MANUAL_CLIENT)
        self.ids.use(MANUAL_CLIENT, order.order_id)
        self._index[working.key] = working
        self._reporter.say(MANUAL_CLIENT, OrderBound(order.perm_id, MANUAL_CLIENT, order.order_id))
