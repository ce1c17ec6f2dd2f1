"""The whole simulated world behind the gateway's door, wired once; without sockets and without waiting.

The server puts it on the network. Tests can drive it directly: give it a `ManualClock`, `connect`
an object with `client_id`, `deliver` and `drop`, call `desk.place(...)`, and `advance(to)`. The same
seed and the same calls give the same ledger, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TextIO

from .accounts import Rates
from .actions import Actions
from .bank import Bank
from .book import OrderBook, View
from .clock import Clock, Scheduler
from .desk import OrderDesk
from .events import Client
from .exchange import Exchange
from .faults import FaultBook
from .floor import Floor
from .hours import Hours
from .ledger import Entry, Ledger
from .market import Market
from .reporter import ClientIdInUse, Reporter
from .session import Door, Hooks, Session
from .settings import Scenario
from .triggers import Triggers
from .universe import build_universe

DoorListener = Callable[[Door], None]


class Simulator:
    """One run: a scenario, a clock and a seed, and everything that follows from them."""

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        *,
        seed: int = 1,
        ledger_file: TextIO | None = None,
        earlier: Iterable[Entry] = (),
    ) -> None:
        start = clock.now()
        settings = scenario.market
        self.scenario = scenario
        self.clock = clock
        self.scheduler = Scheduler(clock)
        self.ledger = Ledger(clock, ledger_file, earlier)
        self.ledger.write("started", scenario=scenario.name, seed=seed)
        self.reporter = Reporter(self.scheduler)
        self.universe = build_universe()
        hours = Hours(settings.hours, start, settings.closed_until_s)
        self.market = Market(self.universe, hours, seed=seed, start=start, wander_bps=settings.wander_bps)
        for symbol, price in settings.prices.items():
            self.market.set_price(self.universe.by_symbol(symbol, sec_type="STK").contract.con_id, price)
        self.faults = FaultBook()
        self.bank = Bank(
            scenario.accounts,
            rates=Rates(dict(scenario.rates)),
            market=self.market,
            scheduler=self.scheduler,
            ledger=self.ledger,
            reporter=self.reporter,
            latency=scenario.latency,
        )
        self.data_permission = settings.data
        self._door_listeners: list[DoorListener] = []
        self._known: View | None = None
        self._wire_trading(seed)
        self.actions = Actions(self)
        self.triggers = Triggers(self, scenario.faults)

    def _wire_trading(self, seed: int) -> None:
        scenario = self.scenario
        self.book = OrderBook(self.scheduler, scenario.latency.lookup_ms)
        hooks = Hooks(
            notify=self.reporter.notify,
            drop_all=self._drop_all,
            door_changed=self._door_changed,
            link_lost=self._link_lost,
            link_restored=self._link_restored,
        )
        self.session = Session(self.scheduler, self.ledger, hooks)
        self.floor = Floor(
            scenario.latency,
            book=self.book,
            scheduler=self.scheduler,
            ledger=self.ledger,
            market=self.market,
            bank=self.bank,
            reporter=self.reporter,
            seed=seed,
        )
        self.exchange = Exchange(
            scenario,
            book=self.book,
            floor=self.floor,
            scheduler=self.scheduler,
            ledger=self.ledger,
            market=self.market,
            bank=self.bank,
            reporter=self.reporter,
        )
        self.desk = OrderDesk(
            scenario.gateway,
            exchange=self.exchange,
            book=self.book,
            market=self.market,
            bank=self.bank,
            faults=self.faults,
            session=self.session,
            scheduler=self.scheduler,
            ledger=self.ledger,
            reporter=self.reporter,
        )

    # clients

    def connect(self, client: Client) -> int:
        """Let a client in; returns its next valid order id. Raises ClientIdInUse (error 326)."""
        try:
            self.reporter.attach(client)
        except ClientIdInUse:
            self.ledger.write("client_id_in_use", clientId=client.client_id)
            raise
        self.ledger.write("client_connected", clientId=client.client_id)
        return self.desk.ids.next(client.client_id)

    def disconnect(self, client: Client, reason: str = "") -> None:
        """A client is gone; its orders stay."""
        if self.reporter.find(client.client_id) is client:
            self.reporter.detach(client)
            self.desk.client_gone(client.client_id)
            self.ledger.write("client_disconnected", clientId=client.client_id, reason=reason)

    # look-ups

    def view(self) -> View:
        """Open orders, completed orders, executions and positions as the gateway can show them now."""
        return self._known if self._known is not None else self._look()

    def _look(self) -> View:
        return View(
            open_orders=[working.copy() for working in self.book.open_orders()],
            completed=[working.copy() for working in self.book.completed()],
            fills=self.book.fills(),
            positions={number: self.bank.positions(number) for number in self.bank.accounts},
        )

    # time

    def next_due(self) -> float | None:
        """When the next thing happens by itself, in seconds since the epoch; None when nothing is planned."""
        return self.scheduler.next_due()

    def advance(self, to: float) -> int:
        """Move a manual clock to `to` and let everything happen on the way; returns how many things did."""
        return self.scheduler.advance(to)

    # session

    def on_door(self, listener: DoorListener) -> None:
        """Be told when what happens to new connections changes."""
        self._door_listeners.append(listener)

    def _door_changed(self, door: Door) -> None:
        for listener in self._door_listeners:
            listener(door)

    def _drop_all(self, reason: str) -> None:
        self.desk.forget_held()
        self.reporter.drop_all(reason)

    def _link_lost(self) -> None:
        self._known = self._look()
        self.reporter.linked = False

    def _link_restored(self) -> None:
        self._known = None
        self.reporter.linked = True
        self.bank.link_restored()
        self.desk.link_restored()
