"""One API session of the drill, through the processor's own adapter, and everything it has heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import TypeVar

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, EventKey, OrderRef
from event_processor.domain.order import Order, OrderStatus, OrderType, Side
from event_processor.domain.reports import Commission, Evidence, Execution, OrderNotice, OrderReport, Report
from event_processor.domain.session import SessionEvent, SessionInput
from event_processor.entrypoints.drill.card import DrillFailed
from event_processor.errors import BrokerUnavailable, ProcessorError

T = TypeVar("T")
QUOTE_AGE_SECONDS = 30.0
BELOW_MARKET = Decimal("0.9")
"""A buy at nine tenths of the bid rests: it is far from filling, and near enough for the broker to take it."""
RECONNECT_SECONDS = 0.5
LOOK_EVERY_SECONDS = 0.1
ALIVE = frozenset({OrderStatus.PRE_SUBMITTED, OrderStatus.SUBMITTED, OrderStatus.PENDING_SUBMIT})


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that was handed to the socket."""

    order: Order
    order_id: int

    @property
    def ref(self) -> str:
        return str(self.order.ref)


class Trader:
    """`reports` and `inputs` hold what was heard so far, in the broker's order."""

    def __init__(self, settings: IbkrSettings, account: AccountId, run: str) -> None:
        self.broker = IbkrBroker(settings, SystemClock())
        self.account = account
        self.reports: list[Report] = []
        self.inputs: list[SessionInput] = []
        self.accounts: tuple[AccountId, ...] = ()
        self._run, self._legs = run, 0
        self._placed: list[Placed] = []
        self._news = asyncio.Event()
        self.broker.subscribe(self._hear)

    def _hear(self, report: Report) -> None:
        self.reports.append(report)
        self._news.set()

    async def listen(self) -> None:
        """Note what happens to the session, until cancelled."""
        async for happened in self.broker.session_inputs():
            self.inputs.append(happened)
            self._news.set()

    async def until(self, condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
        """Wait for something to be heard; raises DrillFailed when it is not in time."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise DrillFailed(f"no sign of {what} within {seconds:g} s") from None

    async def connect(self, seconds: float = 30.0) -> float:
        """Connect, again and again until it succeeds; how many seconds that took."""
        began, problem = self.seconds, ""
        while self.seconds - began < seconds:
            try:
                self.accounts = await self.broker.connect()
            except BrokerUnavailable as error:
                problem = str(error)
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                return self.seconds - began
        raise DrillFailed(f"no session within {seconds:g} s: {problem}")

    @property
    def seconds(self) -> float:
        """A clock for measuring."""
        return asyncio.get_running_loop().time()

    # orders

    async def contract(self, symbol: str) -> Contract:
        """The contract of a symbol."""
        query = ContractQuery(symbol=symbol)
        return (await self.broker.resolve([query]))[query]

    async def buy(self, contract: Contract, side: Side = Side.BUY) -> Placed:
        """One share at the market (or sell one)."""
        return await self._place(contract, side, None)

    async def rest(self, contract: Contract) -> Placed:
        """A buy of one share that should not fill."""
        return await self._place(contract, Side.BUY, await self.resting_price(contract))

    async def resting_price(self, contract: Contract) -> Decimal:
        """Well below the market, on the contract's price step."""
        quote = (await self.broker.quotes([contract], QUOTE_AGE_SECONDS))[contract.con_id]
        if quote.to_sell is None:
            raise DrillFailed(f"there is no bid for {contract.symbol}")
        steps = (quote.to_sell * BELOW_MARKET / contract.min_tick).to_integral_value(ROUND_DOWN)
        return steps * contract.min_tick

    def next_ref(self) -> OrderRef:
        """An orderRef of this drill that was not used before."""
        self._legs += 1
        return OrderRef.derive(EventKey(self._run), self.account, self._legs)

    async def _place(self, contract: Contract, side: Side, limit: Decimal | None) -> Placed:
        kind = OrderType.MARKET if limit is None else OrderType.LIMIT
        order = Order(self.next_ref(), self.account, contract, side, Decimal(1), kind, limit)
        await self.broker.send_slot()
        placed = Placed(order, self.broker.next_order_id())
        self._placed.append(placed)
        self.broker.place(order, placed.order_id)
        return placed

    async def cancel(self, placed: Placed) -> None:
        """Ask for the cancel, and wait until the order is over."""
        await self.ask_cancel(placed.order_id)
        await self.until(lambda: self.status(placed).dead, f"the end of {placed.ref}")

    async def ask_cancel(self, order_id: int) -> None:
        """Send the cancel, no more."""
        await self.broker.send_slot()
        self.broker.cancel(order_id)

    async def until_working(self, placed: Placed) -> None:
        """Wait until the broker has it."""
        await self.until(lambda: self.status(placed) in ALIVE, f"the acknowledgement of {placed.ref}")

    async def until_filled(self, placed: Placed) -> None:
        """Wait until it is filled, proven by its execution, and its cost is known."""
        await self.until(lambda: self.status(placed) is OrderStatus.FILLED, f"the fill of {placed.ref}", 30)
        await self.until(lambda: self.executions(placed), f"the execution of {placed.ref}")
        await self.until(lambda: self.commissions(placed), f"the commission of {placed.ref}")

    # looking

    async def look(self, found: Callable[[Evidence], T | None], seconds: float) -> T | None:
        """What `found` makes of the first evidence in which it finds something; None when there is none in time."""
        deadline = self.seconds + seconds
        while not (result := found(await self.broker.evidence())):
            if self.seconds >= deadline:
                return None
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        return result

    async def until_gone(self, ref: str, seconds: float = 10.0) -> None:
        """Wait until the order is open no more; raises DrillFailed when it still is."""
        if await self.look(lambda seen: not open_of(seen, ref), seconds) is None:
            raise DrillFailed(f"order {ref} is still open after its cancel: cancel it by hand")

    async def withdraw(self) -> str:
        """Cancel whatever of ours still works; what could not be cancelled, in words."""
        mine = {placed.ref: placed for placed in self._placed}
        try:
            for report in (await self.broker.evidence()).open_orders:
                if report.order_ref in mine:
                    await self.ask_cancel(mine[report.order_ref].order_id)
                    await self.until_gone(report.order_ref)
        except ProcessorError as error:
            return f"orders of this drill may still be open ({', '.join(mine)}): {error}"
        return ""

    # what was heard of an order

    def orders(self, placed: Placed) -> list[OrderReport]:
        """The reports on it."""
        return [one for one in self.reports if isinstance(one, OrderReport) and one.order_ref == placed.ref]

    def status(self, placed: Placed) -> OrderStatus:
        """The last status heard."""
        found = [report.status for report in self.orders(placed)]
        return found[-1] if found else OrderStatus.UNKNOWN

    def executions(self, placed: Placed) -> list[Execution]:
        """Its execution reports, repetitions included."""
        return [one for one in self.reports if isinstance(one, Execution) and one.order_ref == placed.ref]

    def commissions(self, placed: Placed) -> list[Commission]:
        """Their commission reports, repetitions included."""
        own = {execution.exec_id for execution in self.executions(placed)}
        return [one for one in self.reports if isinstance(one, Commission) and one.exec_id in own]

    def notices(self, order_id: int) -> list[OrderNotice]:
        """The codes that the broker tied to an order."""
        return [one for one in self.reports if isinstance(one, OrderNotice) and one.order_id == order_id]

    def happened(self, event: SessionEvent) -> list[SessionInput]:
        """What happened of this kind to the session."""
        return [one for one in self.inputs if one.event is event]


def open_of(evidence: Evidence, ref: str) -> list[OrderReport]:
    """The open orders with this orderRef."""
    return [report for report in evidence.open_orders if report.order_ref == ref]


def completed_of(evidence: Evidence, ref: str) -> list[OrderReport]:
    """The completed orders with this orderRef."""
    return [report for report in evidence.completed if report.order_ref == ref]


def executions_of(evidence: Evidence, ref: str) -> list[Execution]:
    """The executions with this orderRef."""
    return [execution for execution in evidence.executions if execution.order_ref == ref]


@asynccontextmanager
async def trading(settings: IbkrSettings, account: AccountId, run: str) -> AsyncIterator[Trader]:
    """A connected trader; its session is closed on the way out."""
    trader = Trader(settings, account, run)
    listening = asyncio.ensure_future(trader.listen())
    try:
        await trader.connect()
        yield trader
    except ProcessorError as error:
        if left := await trader.withdraw():
            raise DrillFailed(f"{error}; {left}") from error
        raise
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await trader.broker.disconnect()
