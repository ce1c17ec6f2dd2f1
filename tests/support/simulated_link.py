"""One connection of the in-process broker to the simulated gateway: what `Connection` and `Link` are to a socket.

Messages to the gateway travel for a moment: the gateway's dropping the connection loses them, the death of
the process that sent them does not. What the gateway says arrives at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from event_processor.adapters.ibkr import codes
from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.adapters.ibkr.orders import OrderBook
from event_processor.adapters.ibkr.pacing import Pacer
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.portfolio import Position
from event_processor.domain.reports import OrderNotice, PositionReport, Report
from event_processor.domain.session import SessionEvent, SessionInput
from event_processor.errors import GatewayDisconnected, LoginRequired
from gateway_simulator.events import (
    AccountChanged,
    Commissioned,
    ErrorNotice,
    Event,
    Executed,
    OrderOpened,
    PositionChanged,
    StatusReported,
)
from gateway_simulator.reporter import ClientIdInUse
from gateway_simulator.session import Door, State
from gateway_simulator.simulator import Simulator
from tests.support import engine_words as words

T = TypeVar("T")
WIRE_SECONDS = 0.0005
NEED_LINK = frozenset({"contract_details", "mkt_data"})
"""What the gateway leaves unanswered while its link is down."""


class RequestRefused(Exception):
    """The gateway answered a request with an error."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What outlives a connection."""

    sim: Simulator
    settings: IbkrSettings
    pacer: Pacer
    orders: OrderBook
    publish: Callable[[Report], None]
    tell: Callable[[SessionInput], None]


class SimulatedLink:
    """Implements `gateway_simulator.events.Client`."""

    def __init__(self, around: Surroundings) -> None:
        self._around, self._sim = around, around.sim
        self.client_id = around.settings.client_id
        self.accounts: tuple[AccountId, ...] = ()
        self.link_down = False
        self.interruptions = 0
        self.looks: list[float] = []
        """When the look-ups began by which all orders and executions were read since the session last came (back) up;
        seconds of the loop."""
        self.lines: set[ConId] = set()
        self.positions: dict[tuple[AccountId, ConId], Position] = {}
        self.values: dict[AccountId, words.Values] = {}
        self._positions_complete, self._values_complete = asyncio.Event(), asyncio.Event()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._open = self._attached = False
        self._strikes = 0

    # opening and closing

    async def open(self) -> tuple[AccountId, ...]:
        """Handshake and standing subscriptions; errors as `Broker.connect`."""
        await self._around.pacer.slot()
        self._around.pacer.sent()
        where = "the simulated gateway"
        door = self._sim.session.door
        if door is Door.SHUT:
            raise GatewayDisconnected(f"no connection to {where}")
        if door is not Door.OPEN:
            await asyncio.sleep(self._around.settings.connect_timeout_seconds if door is Door.SILENT else WIRE_SECONDS)
            raise LoginRequired(f"{where} accepts connections but does not answer")
        await asyncio.sleep(2 * WIRE_SECONDS)
        try:
            next_id = self._sim.connect(self)
        except ClientIdInUse:
            raise GatewayDisconnected(f"client id {self.client_id} is in use", reason_code="client_id_in_use") from None
        self._attached = True
        self._around.orders.raise_above(next_id - 1)
        self.accounts = tuple(AccountId(number) for number in self._sim.bank.accounts)
        if self._sim.session.state in {State.LINK_LOST, State.CONTENDED}:
            self.deliver(ErrorNotice(-1, 1100, "Connectivity between IBKR and Trader Workstation has been lost."))
        self._subscribe()
        self._open = True
        return self.accounts

    def ask_positions(self) -> None:
        """Ask for all positions anew; until they have come, none counts."""
        self._positions_complete.clear()
        self.request("positions", self._send_positions)

    def _subscribe(self) -> None:
        self._values_complete.clear()
        self.ask_positions()
        self.request("account_updates", self._send_values)

    def _send_positions(self) -> None:
        self.positions.clear()
        for held_by_account in self._sim.view().positions.values():
            for held in held_by_account:
                self._hold(AccountId(held.account), words.position(held))
        self._positions_complete.set()

    def _send_values(self) -> None:
        for account in self.accounts:
            self._value(account)
        self._values_complete.set()

    async def complete(self) -> None:
        """Wait until positions and values were sent whole."""
        await self._positions_complete.wait()
        await self._values_complete.wait()

    def close(self) -> None:
        """Close on our own wish: nobody is told."""
        self._open = False
        self._lose("closed by us")

    def abandon(self) -> None:
        """The process is gone: what it sent still arrives, then the gateway sees the socket close."""
        self._open = False
        self._sim.scheduler.after(2 * WIRE_SECONDS, lambda: self._lose("the process died"))

    def drop(self, reason: str) -> None:
        """The gateway closes the connection at once."""
        self._lose(reason)

    def broken(self, reason: str) -> None:
        """Give the connection up because it cannot be relied on."""
        self._lose(reason)

    def _lose(self, reason: str) -> None:
        if self._lost.done():
            return
        self._lost.set_result(reason)
        if self._attached:
            self._sim.disconnect(self, reason)
        if self._open:
            self._around.tell(SessionInput(SessionEvent.SOCKET_LOST, detail=reason))

    # asking

    def check(self) -> None:
        """Raise GatewayDisconnected unless this connection and the gateway's link to IBKR are up."""
        if self._lost.done():
            raise GatewayDisconnected(self._lost.result())
        if self.link_down:
            raise GatewayDisconnected("the gateway has lost its link to IBKR", reason_code="link_lost")

    async def happens(self, event: asyncio.Future[T], seconds_max: float) -> bool:
        """Whether it happens in time; raises GatewayDisconnected when the connection ends first."""
        await asyncio.wait((event, self._lost), timeout=seconds_max, return_when=asyncio.FIRST_COMPLETED)
        if not event.done() and self._lost.done():
            raise GatewayDisconnected(self._lost.result())
        return event.done()

    async def ask(self, what: str, answer: Callable[[], T], *, has_id: bool = True) -> T:
        """The answer to a request; raises GatewayDisconnected, or RequestRefused."""
        await self._around.pacer.slot()
        self.check()
        reply: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def arrive() -> None:
            if not reply.done():
                reply.set_result(answer())

        def refuse(code: int, text: str) -> None:
            if not reply.done():
                reply.set_exception(RequestRefused(code, text))

        self.request(what, arrive, refuse)
        try:
            if await self.happens(reply, self._around.settings.request_timeout_seconds):
                return reply.result()
        finally:
            if not reply.cancel() and not reply.cancelled():
                reply.exception()  # looked at, also when nobody waits for it any more
        if not has_id:
            self.broken(f"no answer to the request for {what}")
        raise GatewayDisconnected(f"the gateway did not answer the request for {what}", reason_code="request_timeout")

    def request(
        self, what: str, answer: Callable[[], None], refuse: Callable[[int, str], None] = lambda _code, _text: None
    ) -> None:
        """Send a look-up; the faults decide whether and how it is answered."""
        self.send(lambda: self._treat(what, answer, refuse))

    def _treat(self, what: str, answer: Callable[[], None], refuse: Callable[[int, str], None]) -> None:
        treatment = self._sim.faults.treatment(what)
        data_refused = what == "mkt_data" and self._sim.session.state is State.CONTENDED
        unlinked = what in NEED_LINK and not self._sim.session.linked and not data_refused
        if unlinked or treatment.silent:
            self._sim.ledger.write("request_unanswered", clientId=self.client_id, request=what)
        elif treatment.code:
            refuse(treatment.code, treatment.text)
        else:
            delay = (treatment.delay_ms + self._sim.scenario.latency.answer_ms) / 1000 + WIRE_SECONDS
            self._sim.scheduler.after(delay, lambda: None if self._lost.done() else answer())

    def send(self, action: Callable[[], None]) -> None:
        """One message to the gateway, in order, counted by both sides."""
        self._around.pacer.sent()
        self._sim.scheduler.after(WIRE_SECONDS, lambda: self._arrive(action))

    def _arrive(self, action: Callable[[], None]) -> None:
        if self._lost.done():
            return
        limit = self._sim.scenario.gateway.messages_per_second
        rate = self._sim.ledger.count_message(self.client_id)
        if rate <= limit:
            action()
            return
        self._strikes += 1
        self._sim.ledger.write("pacing_violation", clientId=self.client_id, rate=rate, strike=self._strikes)
        if self._strikes >= self._sim.scenario.gateway.strikes:
            self._lose("too many messages per second")

    # what the gateway says

    def deliver(self, event: Event) -> None:
        """Take one event, as the wrapper's callbacks do."""
        around = self._around
        match event:
            case OrderOpened():
                around.publish(around.orders.complete(words.opened(event)))
            case StatusReported():
                around.publish(around.orders.complete(words.status(event)))
            case Executed(execution):
                around.orders.raise_above(execution.order_id)
                around.publish(words.executed(execution))
            case Commissioned(commission):
                around.publish(words.commission(commission))
            case ErrorNotice(request_id, code, text):
                self._notice(request_id, code, text)
            case PositionChanged(held) if self._positions_complete.is_set():
                self._hold(AccountId(held.account), words.position(held))
            case AccountChanged(account) if self._values_complete.is_set():
                self._value(AccountId(account))

    def _hold(self, account: AccountId, held: Position) -> None:
        key = account, held.contract.con_id
        self.positions[key] = held
        if not held.quantity:
            del self.positions[key]
        self._around.publish(PositionReport(account, held.contract.con_id, held.quantity))

    def _value(self, account: AccountId) -> None:
        self.values[account] = words.values(self._sim.bank.published(account))

    def _notice(self, request_id: int, code: int, text: str) -> None:
        around, happened = self._around, codes.session_event(code, text)
        if happened is SessionEvent.LINK_LOST:
            self.link_down, self.looks = True, []
            self.interruptions += 1
        elif happened is SessionEvent.LINK_RESTORED:
            self.link_down, self.looks = False, []
            self._subscribe()
        if happened is not None:
            around.tell(SessionInput(happened, code, text))
        if happened is SessionEvent.LINK_LOST and self.lines and self._sim.session.state is State.CONTENDED:
            around.tell(SessionInput(SessionEvent.COMPETING, codes.COMPETING_SESSION, "competing live session"))
        if request_id > 0:
            kind = codes.order_notice(code, text, working=around.orders.accepted(request_id))
            around.publish(OrderNotice(around.orders.ref_of(request_id), request_id, code, text, kind))
