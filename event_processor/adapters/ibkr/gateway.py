"""The port `Broker` over ib_async: what outlives a connection, and the one connection there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from event_processor.adapters.ibkr.behind import listens
from event_processor.adapters.ibkr.contracts import ContractBook, ContractStore
from event_processor.adapters.ibkr.link import Link, Surroundings
from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.adapters.ibkr.orders import OrderBook
from event_processor.adapters.ibkr.pacing import Pacer
from event_processor.adapters.ibkr.sharing import Shared
from event_processor.adapters.ibkr.warmth import Warmth, named
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.order import Order
from event_processor.domain.portfolio import AccountState, Quote
from event_processor.domain.reports import Evidence, OrderReport, Report
from event_processor.domain.session import SessionInput
from event_processor.errors import GatewayDisconnected, LoginRequired
from event_processor.ports import Clock

_PATIENT_EVERY, _MOST_PATIENT_EVERY = 5, 20
_IMPATIENT_SECONDS = 1.0

__all__ = ["IbkrBroker", "IbkrSettings"]


class IbkrBroker:
    """Implements `Broker`. Made in and used from one event loop."""

    def __init__(self, settings: IbkrSettings, clock: Clock, store: ContractStore | None = None) -> None:
        self._settings = settings
        self._sinks: list[Callable[[Report], None]] = []
        self._inputs: asyncio.Queue[SessionInput] = asyncio.Queue()
        self._orders = OrderBook(settings.client_id)
        self._pacer = Pacer(settings.messages_per_second)
        self._contracts = ContractBook(clock.now, store)
        self._warmth = Warmth(self._contracts)
        self._around = Surroundings(settings, clock, self._pacer, self._orders, self._publish, self._inputs.put_nowait)
        self._link: Link | None = None
        self._silences = 0
        looking = asyncio.Lock()
        self._evidence = Shared(lambda: self._session().evidence(), looking)
        self._open_orders = Shared(lambda: self._session().open_orders(), looking)

    async def connect(self) -> tuple[AccountId, ...]:
        """Open the API session; see `Broker.connect`. What was still to be told of an earlier session is dropped."""
        await self.disconnect()
        while not self._inputs.empty():
            self._inputs.get_nowait()
        link = Link(self._around, self._connect_timeout())
        try:
            accounts = await link.open()
        except LoginRequired:
            await self._look_behind()
            self._silences += 1
            raise
        self._link, self._silences = link, 0
        self._warmth.connected(link)
        return accounts

    async def _look_behind(self) -> None:
        """Raise GatewayDisconnected when it was a relay that was silent, and there is no gateway behind it."""
        behind = self._settings.behind
        if behind is not None and not await listens(*behind, _IMPATIENT_SECONDS):
            raise GatewayDisconnected("nothing accepts connections at {}:{}: the gateway is not up".format(*behind))

    def _connect_timeout(self) -> float:
        """A gateway that has been silent is asked for a second at a time, so that we are there within one of its
        login; now and then it gets its full time, in case it is only slow, and once in a while that of any answer."""
        full = self._settings.connect_timeout_seconds
        if self._silences % _MOST_PATIENT_EVERY == _MOST_PATIENT_EVERY - 1:
            return max(full, self._settings.request_timeout_seconds)
        return full if self._silences % _PATIENT_EVERY == 0 else min(full, _IMPATIENT_SECONDS)

    async def disconnect(self) -> None:
        """Close the socket; harmless when closed. The session inputs say nothing of it."""
        link, self._link = self._link, None
        self._warmth.connected(None)
        if link is not None:
            await link.close()

    async def session_inputs(self) -> AsyncIterator[SessionInput]:
        """What happens to the session, across reconnects. One consumer."""
        while True:
            yield await self._inputs.get()

    def subscribe(self, sink: Callable[[Report], None]) -> Callable[[], None]:
        """Call `sink` with every report from now on; a sink that raises ends the session."""
        self._sinks.append(sink)

        def unsubscribe() -> None:
            if sink in self._sinks:
                self._sinks.remove(sink)

        return unsubscribe

    async def evidence(self) -> Evidence:
        """Open orders of all clients, completed orders, executions; see `Broker.evidence`."""
        return await self._evidence.ask()

    async def open_orders(self) -> Sequence[OrderReport]:
        """The open orders of all clients, from a look-up that begins from now on."""
        return await self._open_orders.ask()

    async def account_state(self, account: AccountId, *, fresh: bool = False) -> AccountState:
        """Positions and cash; see `Broker.account_state`."""
        return await self._session().account_state(account, fresh=fresh)

    async def resolve(self, queries: Sequence[ContractQuery]) -> Mapping[ContractQuery, Contract]:
        """The contract of each query; see `Broker.resolve`."""
        found = await self._contracts.resolve(self._session().connection, queries)
        self._warmth.told(found)
        return found

    async def describe(self, contracts: Sequence[Contract]) -> Mapping[ConId, Contract]:
        """The same contracts, with hours and price steps; see `Broker.describe`."""
        queries = [named(contract) for contract in contracts]
        found = await self._contracts.resolve(self._session().connection, queries)
        return {query.con_id: contract for query, contract in found.items()}

    async def quotes(self, contracts: Sequence[Contract], age_seconds_max: float) -> Mapping[ConId, Quote]:
        """A quote for each contract; see `Broker.quotes`."""
        return await self._session().quotes(contracts, age_seconds_max)

    async def keep_warm(self) -> None:
        """Until cancelled: have at hand what the next event will ask for."""
        await self._warmth.run()

    async def send_slot(self) -> None:
        """Wait for the pace, ahead of all requests; the place is good for ten seconds."""
        await self._pacer.slot(urgent=True)

    @property
    def client_id(self) -> int:
        """Our fixed client id."""
        return self._settings.client_id

    def next_order_id(self) -> int:
        """Reserve an order id, above every id seen or reserved."""
        return self._orders.next_order_id()

    def raise_order_ids(self, above: int) -> None:
        """Never reserve an id at or below this one."""
        self._orders.raise_above(above)

    def place(self, order: Order, order_id: int) -> None:
        """Hand the order to the socket at once; see `Broker.place`."""
        connection = self._session().connection
        connection.check()
        self._orders.placed(order, order_id)
        connection.place(order, order_id)

    def cancel(self, order_id: int) -> None:
        """Ask to cancel an order of our client id; see `Broker.cancel`."""
        self._session().connection.cancel(order_id)

    def _session(self) -> Link:
        if self._link is None:
            raise GatewayDisconnected("there is no session with the gateway")
        return self._link

    def _publish(self, report: Report) -> None:
        for sink in tuple(self._sinks):
            sink(report)
