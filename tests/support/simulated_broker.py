"""The `Broker` port over the simulated exchange, in process and on virtual time.

It stands where `IbkrBroker` stands and behaves as that does over a socket, time-outs and pace included, so
that thousands of runs with faults take seconds. `kill` is the death of its process: every later call raises
`Crashed`, what was already sent still arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TypeVar

from event_processor.adapters.ibkr.codes import is_read_only
from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.adapters.ibkr.orders import OrderBook, key_of
from event_processor.adapters.ibkr.pacing import Pacer
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.order import Order
from event_processor.domain.portfolio import AccountState, Quote
from event_processor.domain.reports import Commission, Evidence, Execution, OrderReport, Report
from event_processor.domain.session import SessionInput
from event_processor.errors import ContractUnresolved, GatewayDisconnected, ReadOnlyApi
from event_processor.ports import Clock
from gateway_simulator.narration import standing
from gateway_simulator.simulator import Simulator
from gateway_simulator.universe import Listing
from tests.support import engine_words as words
from tests.support.memory_store import Crashed
from tests.support.simulated_link import RequestRefused, SimulatedLink, Surroundings
from tests.support.simulated_quotes import quotes

T = TypeVar("T")


def unwatched(*what: object) -> None:
    """Nobody wants to know."""


class SimulatedBroker:
    """Implements `ports.Broker`. `on_place` is told of each order just before it leaves, `on_look` of each look-up of
    all orders and executions that succeeded."""

    def __init__(
        self,
        sim: Simulator,
        clock: Clock,
        *,
        client_id: int = 17,
        on_place: Callable[[Order, int, SimulatedLink], None] = unwatched,
        on_look: Callable[[SimulatedLink], None] = unwatched,
    ) -> None:
        self._sim, self._clock, self._on_place, self._on_look = sim, clock, on_place, on_look
        self._settings = IbkrSettings(client_id=client_id)
        self._sinks: list[Callable[[Report], None]] = []
        self._inputs: asyncio.Queue[SessionInput] = asyncio.Queue()
        self._orders = OrderBook(client_id)
        self._pacer = Pacer(self._settings.messages_per_second)
        self._around = Surroundings(
            sim, self._settings, self._pacer, self._orders, self._publish, self._inputs.put_nowait
        )
        self._link: SimulatedLink | None = None
        self._opening: SimulatedLink | None = None
        self._looking = asyncio.Lock()
        self._contracts: dict[tuple[ContractQuery, object], Contract] = {}
        self.killed = False

    @property
    def link(self) -> SimulatedLink | None:
        """The connection, while there is one."""
        return self._link

    def kill(self) -> None:
        """The process is gone."""
        self.killed = True
        self._sinks.clear()
        for link in (self._link, self._opening):
            if link is not None:
                link.abandon()

    def _alive(self) -> None:
        if self.killed:
            raise Crashed

    def _session(self) -> SimulatedLink:
        self._alive()
        if self._link is None:
            raise GatewayDisconnected("there is no session with the gateway")
        return self._link

    def _publish(self, report: Report) -> None:
        for sink in tuple(self._sinks):
            sink(report)

    # session

    async def connect(self) -> tuple[AccountId, ...]:
        await self.disconnect()
        while not self._inputs.empty():
            self._inputs.get_nowait()
        self._opening = SimulatedLink(self._around)
        accounts = await self._opening.open()
        self._alive()
        self._link, self._opening = self._opening, None
        return accounts

    async def disconnect(self) -> None:
        self._alive()
        link, self._link = self._link, None
        if link is not None:
            link.close()

    async def session_inputs(self) -> AsyncIterator[SessionInput]:
        while True:
            happened = await self._inputs.get()
            self._alive()
            yield happened

    def subscribe(self, sink: Callable[[Report], None]) -> Callable[[], None]:
        self._alive()
        self._sinks.append(sink)
        return lambda: self._sinks.remove(sink) if sink in self._sinks else None

    # look-ups

    async def evidence(self) -> Evidence:
        async with self._looking:
            link = self._session()
            interruptions, began = link.interruptions, asyncio.get_running_loop().time()
            try:
                found = await self._look(link)
            except RequestRefused as refusal:
                if is_read_only(refusal.code, refusal.text):
                    raise ReadOnlyApi(refusal.text) from refusal
                raise GatewayDisconnected(str(refusal), reason_code="request_refused") from refusal
            self._alive()
            if link.interruptions != interruptions:
                raise GatewayDisconnected("the link was lost during the look-up", reason_code="link_lost")
            link.looks.append(began)
            self._on_look(link)
            return found

    async def open_orders(self) -> Sequence[OrderReport]:
        return (await self.evidence()).open_orders

    async def _look(self, link: SimulatedLink) -> Evidence:
        """Live messages that come meanwhile count too, and look-ups are heard by everybody."""
        live: list[Report] = []
        self._sinks.append(live.append)
        try:
            await link.ask("all_open_orders", lambda: self._tell_open(link), has_id=False)
            opened = [report for report in live if isinstance(report, OrderReport)]
            completed = await link.ask("completed_orders", self._completed, has_id=False)
            live.clear()
            await link.ask("executions", lambda: self._tell_executions(link))
        finally:
            if live.append in self._sinks:
                self._sinks.remove(live.append)
        return Evidence(
            taken_at=self._clock.now(),
            open_orders=tuple({key_of(report): report for report in opened}.values()),
            completed=tuple(completed),
            executions=tuple({r.exec_id: r for r in live if isinstance(r, Execution)}.values()),
            commissions=tuple({r.exec_id: r for r in live if isinstance(r, Commission)}.values()),
        )

    def _tell_open(self, link: SimulatedLink) -> None:
        for working in self._sim.view().open_orders:
            for event in standing(working):
                link.deliver(event)

    def _completed(self) -> list[OrderReport]:
        return [self._orders.complete(words.completed(working)) for working in self._sim.view().completed]

    def _tell_executions(self, link: SimulatedLink) -> None:
        fills = self._sim.view().fills
        for execution, _ in fills:
            self._orders.raise_above(execution.order_id)
            self._publish(words.executed(execution))
        for _, commission in fills:
            self._publish(words.commission(commission))

    async def account_state(self, account: AccountId, *, fresh: bool = False) -> AccountState:
        link = self._session()
        link.check()
        complete = asyncio.ensure_future(link.complete())
        try:
            done = await link.happens(complete, self._settings.request_timeout_seconds)
        finally:
            complete.cancel()
        self._alive()
        if not done:
            raise GatewayDisconnected("positions and values are not complete", reason_code="request_timeout")
        link.check()
        sent = link.values[account]
        return AccountState(
            account=account,
            at=self._clock.now(),
            base_currency=sent.base_currency,
            net_liquidation=sent.net_liquidation,
            cash=sent.cash,
            positions=tuple(held for (owner, _), held in link.positions.items() if owner == account),
            other_value=sent.other,
            rates=sent.rates,
        )

    async def resolve(self, queries: Sequence[ContractQuery]) -> Mapping[ContractQuery, Contract]:
        distinct = list(dict.fromkeys(queries))
        answers = {query: await self._contract(query) for query in distinct}
        problems = [answer for answer in answers.values() if isinstance(answer, str)]
        if problems:
            raise ContractUnresolved("; ".join(problems))
        return {query: found for query, found in answers.items() if isinstance(found, Contract)}

    async def describe(self, contracts: Sequence[Contract]) -> Mapping[ConId, Contract]:
        found = await self.resolve([ContractQuery(one.symbol, one.con_id, currency="") for one in contracts])
        return {query.con_id: contract for query, contract in found.items()}

    async def _contract(self, query: ContractQuery) -> Contract | str:
        key = query, self._clock.now().date()
        if key not in self._contracts:
            listings = await self._ask_contract(query)
            fitting = [each for each in listings if query.primary_exchange in ("", each.contract.primary_exchange)]
            if len(fitting) != 1:
                return f"{query}: IBKR offers {len(fitting)} contracts"
            hours = self._sim.market.hours.liquid_hours(fitting[0], self._sim.clock.now())
            self._contracts[key] = words.described(fitting[0], hours)
        return self._contracts[key]

    async def _ask_contract(self, query: ContractQuery) -> list[Listing]:
        link = self._session()
        try:
            found = await link.ask("contract_details", lambda: self._sim.universe.match(words.asked_for(query)))
        except RequestRefused as refusal:
            raise GatewayDisconnected(str(refusal), reason_code="request_refused") from refusal
        self._alive()
        return found

    async def quotes(self, contracts: Sequence[Contract], age_seconds_max: float) -> Mapping[ConId, Quote]:
        found = await quotes(self._sim, self._session(), self._around, contracts, self._clock)
        self._alive()
        return found

    # orders

    async def send_slot(self) -> None:
        self._alive()
        await self._pacer.slot(urgent=True)
        self._alive()

    @property
    def client_id(self) -> int:
        return self._settings.client_id

    def next_order_id(self) -> int:
        self._alive()
        return self._orders.next_order_id()

    def raise_order_ids(self, above: int) -> None:
        self._alive()
        self._orders.raise_above(above)

    def place(self, order: Order, order_id: int) -> None:
        link = self._session()
        link.check()
        self._on_place(order, order_id, link)
        self._orders.placed(order, order_id)
        contract, message = words.to_engine(order)
        link.send(lambda: self._sim.desk.place(self.client_id, order_id, contract, message))

    def cancel(self, order_id: int) -> None:
        link = self._session()
        link.check()
        link.send(lambda: self._sim.desk.cancel(self.client_id, order_id))
