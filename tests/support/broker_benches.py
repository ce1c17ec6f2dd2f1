"""The brokers every suite of the `Broker` port runs on: ours over the socket, and the in-process double."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, EventKey, ExecId, OrderRef
from event_processor.domain.order import Order, OrderType, Side
from event_processor.domain.reports import Execution, OrderNotice, OrderReport, Report
from event_processor.domain.session import SessionInput
from event_processor.ports import Broker
from gateway_simulator import scenario
from gateway_simulator.clock import SystemClock as EngineClock
from gateway_simulator.server import Alarm
from gateway_simulator.simulator import Simulator
from tests.support.gateway import eventually, gateway
from tests.support.simulated_broker import SimulatedBroker

ACCOUNT = AccountId("DU1234567")
WAYS = ("socket", "in process")


class BrokerBench:
    """A broker, the simulator behind it, and what the broker has reported."""

    def __init__(self, broker: Broker, sim: Simulator) -> None:
        self.broker = broker
        self.sim = sim
        self.reports: list[Report] = []
        self.broker.subscribe(self.reports.append)
        self._inputs = self.broker.session_inputs()

    def do(self, action: str, **parameters: object) -> dict[str, object]:
        """Make something happen to the gateway."""
        return self.sim.actions.run(action, parameters)

    async def next_input(self) -> SessionInput:
        """What happens to the session next; TimeoutError when nothing does."""
        return await asyncio.wait_for(anext(self._inputs), 3)

    async def contract(self, symbol: str) -> Contract:
        """The contract of a symbol."""
        query = ContractQuery(symbol=symbol)
        return (await self.broker.resolve([query]))[query]

    async def place(
        self, symbol: str = "SPY", quantity: int = 10, *, leg: int = 1, limit: str = "", account: AccountId = ACCOUNT
    ) -> tuple[Order, int]:
        """Buy; the order and its id."""
        ref = OrderRef.derive(EventKey("bench"), account, leg)
        kind = OrderType.LIMIT if limit else OrderType.MARKET
        price = Decimal(limit) if limit else None
        order = Order(ref, account, await self.contract(symbol), Side.BUY, Decimal(quantity), kind, price)
        await self.broker.send_slot()
        order_id = self.broker.next_order_id()
        self.broker.place(order, order_id)
        return order, order_id

    def orders(self, order: Order) -> list[OrderReport]:
        """The reports on one order, in their order."""
        return [r for r in self.reports if isinstance(r, OrderReport) and r.order_ref == str(order.ref)]

    def executions(self, order: Order) -> dict[ExecId, Execution]:
        """The executions of one order, each once."""
        found = (r for r in self.reports if isinstance(r, Execution) and r.order_ref == str(order.ref))
        return {execution.exec_id: execution for execution in found}

    def executed(self, order: Order) -> Decimal:
        """Shares proven by executions."""
        return sum((execution.quantity for execution in self.executions(order).values()), Decimal(0))

    def notices(self, order: Order) -> list[OrderNotice]:
        """The notices on one order."""
        return [r for r in self.reports if isinstance(r, OrderNotice) and r.order_ref == str(order.ref)]

    async def until_executed(self, order: Order) -> None:
        """Wait until the whole order is proven by executions."""
        await eventually(lambda: self.executed(order) == order.quantity)


@asynccontextmanager
async def socket_bench(
    name: str = "plain",
    *,
    settings: dict[str, Any] | None = None,
    **table: Any,  # noqa: ANN401 - a TOML table
) -> AsyncIterator[BrokerBench]:
    """Our adapter over a real socket."""
    async with gateway(name, **table) as running:
        chosen: dict[str, Any] = {"connect_timeout_seconds": 1.0, "request_timeout_seconds": 1.5, **(settings or {})}
        broker = IbkrBroker(IbkrSettings(port=running.port, **chosen), SystemClock())
        try:
            yield BrokerBench(broker, running.sim)
        finally:
            await broker.disconnect()


@asynccontextmanager
async def in_process_bench(name: str = "plain") -> AsyncIterator[BrokerBench]:
    """The double that stands for our adapter in simulated runs."""
    sim = Simulator(scenario.load(name), EngineClock())
    alarm = Alarm(sim)
    broker = SimulatedBroker(sim, SystemClock())
    try:
        yield BrokerBench(broker, sim)
    finally:
        await broker.disconnect()
        alarm.stop()


@asynccontextmanager
async def bench_of(way: str, name: str = "plain") -> AsyncIterator[BrokerBench]:
    """The bench of that way, connected."""
    async with AsyncExitStack() as stack:
        maker = socket_bench if way == "socket" else in_process_bench
        bench = await stack.enter_async_context(maker(name))
        await bench.broker.connect()
        yield bench
