"""One client's connection: handshake, pacing, requests to answers, events to messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo

from . import wire
from .answers.accounts import AccountAnswers
from .answers.contracts import ContractAnswers
from .answers.orders import OrderAnswers
from .answers.prices import PriceAnswers
from .clock import utc
from .codec import decode, system
from .codec import requests as ask
from .events import AccountChanged, ErrorNotice, Event, PositionChanged
from .lookups import LOOKUPS
from .pacing import Pace
from .reporter import ClientIdInUse
from .session import State
from .simulator import Simulator

NOT_CONNECTED = -1
LINGER_SECONDS = 1.0
CLIENT_ID_IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."
FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
)
NEED_LINK = (
    ask.ReqContractDetails,
    ask.ReqMatchingSymbols,
    ask.ReqMarketRule,
    ask.ReqHistoricalData,
    ask.ReqHeadTimestamp,
    ask.ReqMktData,
)
"""What the gateway cannot answer by itself; unanswered while the link is down."""

Handler = Callable[[Any], None]


class Connection(asyncio.Protocol):
    """A client of the simulator on a socket. Implements `events.Client` and `answers.peer.Peer`."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.client_id = NOT_CONNECTED
        self.server_version = 0
        self.closed = False
        self._frames = wire.FrameReader()
        self._transport: asyncio.Transport | None = None
        gateway = sim.scenario.gateway
        self._pace = Pace(gateway.pacing, gateway.messages_per_second, sim.clock.now())
        self._strikes = 0
        self._reason = "closed by the client"
        self._orders = OrderAnswers(self)
        self._accounts = AccountAnswers(self)
        self._prices = PriceAnswers(self)
        self._handlers = self._table(ContractAnswers(self))

    def _table(self, contracts: ContractAnswers) -> dict[type[object], Handler]:
        orders, accounts, prices = self._orders, self._accounts, self._prices
        nothing: Handler = lambda _request: None  # noqa: E731
        return {
            ask.StartApi: nothing,
            ask.SetServerLogLevel: nothing,
            ask.ReqNewsBulletins: nothing,
            ask.CancelNewsBulletins: nothing,
            ask.CancelHistoricalData: nothing,
            ask.CancelHeadTimestamp: nothing,
            ask.ReqManagedAccts: lambda _request: self._send_accounts(),
            ask.ReqCurrentTime: lambda _request: self.send(system.current_time(int(self.sim.clock.now()))),
            ask.ReqUserInfo: lambda request: self.send(system.user_info(request.request_id)),
            ask.PlaceOrder: orders.place,
            ask.CancelOrder: orders.cancel,
            ask.ReqGlobalCancel: orders.cancel_all,
            ask.ReqIds: orders.next_id,
            ask.ReqOpenOrders: orders.own,
            ask.ReqAllOpenOrders: orders.all,
            ask.ReqAutoOpenOrders: orders.bind,
            ask.ReqCompletedOrders: orders.completed,
            ask.ReqExecutions: orders.executions,
            ask.ReqAccountUpdates: accounts.updates,
            ask.ReqAccountUpdatesMulti: accounts.multi_updates,
            ask.CancelAccountUpdatesMulti: accounts.cancel_multi_updates,
            ask.ReqAccountSummary: accounts.summary,
            ask.CancelAccountSummary: accounts.cancel_summary,
            ask.ReqPositions: accounts.positions,
            ask.CancelPositions: accounts.cancel_positions,
            ask.ReqPositionsMulti: accounts.multi_positions,
            ask.CancelPositionsMulti: accounts.cancel_multi_positions,
            ask.ReqPnL: accounts.profit,
            ask.CancelPnL: accounts.cancel_profit,
            ask.ReqPnLSingle: accounts.single_profit,
            ask.CancelPnLSingle: accounts.cancel_profit,
            ask.ReqContractDetails: contracts.details,
            ask.ReqMatchingSymbols: contracts.search,
            ask.ReqMarketRule: contracts.market_rule,
            ask.ReqHistoricalData: contracts.bars,
            ask.ReqHeadTimestamp: contracts.first_day,
            ask.ReqMktData: prices.subscribe,
            ask.CancelMktData: prices.cancel,
            ask.ReqMarketDataType: prices.choose_type,
        }

    # the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self.closed:
            self._read(data)

    def _read(self, data: bytes) -> None:
        try:
            for payload in self._frames.feed(data):
                if self.closed:
                    return
                self._take(payload)
        except (wire.WireError, wire.VersionRefused) as problem:
            self.sim.ledger.write("protocol_error", clientId=self.client_id, reason=str(problem))
            self.close(str(problem))

    def connection_lost(self, _exc: Exception | None) -> None:
        self._leave(self._reason)

    def send(self, fields: list[str]) -> None:
        self._write(wire.frame(fields))

    def _write(self, data: bytes) -> None:
        if not self.closed and self._transport is not None:
            self._transport.write(data)

    def error(self, request_id: int, code: int, text: str) -> None:
        self.send(system.error(self.server_version, request_id, code, text))

    def drop(self, reason: str) -> None:
        """Close at once; what has been written and not yet sent is lost."""
        self._leave(reason)
        if self._transport is not None:
            self._transport.abort()

    def close(self, reason: str) -> None:
        """Close after everything written has been sent.

        What the client still sends is read and ignored for a while: a socket closed over unread data is reset,
        and the client would lose what it was told last.
        """
        self._leave(reason)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.abort)

    def _leave(self, reason: str) -> None:
        if not self.closed:
            self.closed = True
            self._prices.close()
            self.sim.disconnect(self, reason)

    # requests

    def _take(self, payload: bytes) -> None:
        if not self.server_version:
            self._greet(payload)
            return
        if self.client_id != NOT_CONNECTED and self._too_fast():
            return
        try:
            request = decode.request(self.server_version, payload)
        except ask.MalformedRequest as problem:
            self.sim.ledger.write("malformed_message", clientId=self.client_id, reason=str(problem))
            self.error(problem.request_id, 320, f"Error reading request. {problem.reason}")
            return
        if self.client_id == NOT_CONNECTED:
            self._start(request)
        else:
            self._answer(request)

    def _greet(self, payload: bytes) -> None:
        highest = min(self.sim.scenario.gateway.server_version, wire.HIGHEST_VERSION)
        self.server_version = wire.negotiate(wire.parse_offer(payload), highest)
        local = utc(self.sim.clock.now()).astimezone(ZoneInfo("America/New_York"))
        self._write(wire.hello(self.server_version, f"{local:%Y%m%d %H:%M:%S} US/Eastern"))

    def _start(self, request: ask.Request) -> None:
        if not isinstance(request, ask.StartApi):
            self.close("a client must begin with startApi")
            return
        self.client_id = request.client_id
        self.sim.ledger.count_message(self.client_id)
        try:
            next_id = self.sim.connect(self)
        except ClientIdInUse:
            self.error(-1, 326, CLIENT_ID_IN_USE)
            self.close("the client id is in use")
            return
        self._send_accounts()
        self.send(system.next_valid_id(next_id))
        if self.sim.session.linked:
            for code, text in FARMS:
                self.error(-1, code, text)
        elif self.sim.session.state in {State.LINK_LOST, State.CONTENDED}:
            self.error(-1, 1100, "Connectivity between IBKR and Trader Workstation has been lost.")

    def _send_accounts(self) -> None:
        comma = [""] if self.sim.scenario.gateway.accounts_end_with_comma else []
        self.send(system.managed_accounts([*self.sim.bank.accounts, *comma]))

    def _too_fast(self) -> bool:
        """Count the message; above the pace it is lost, and after a few of those the connection too."""
        settings = self.sim.scenario.gateway
        rate = self.sim.ledger.count_message(self.client_id)
        if not self._pace.exceeded(self.sim.clock.now(), rate):
            return False
        self._strikes += 1
        self.sim.ledger.write("pacing_violation", clientId=self.client_id, rate=rate, strike=self._strikes)
        limit = settings.messages_per_second
        text = f"Max rate of messages per second has been exceeded:max={limit} rec={rate} ({self._strikes})"
        self.error(-1, 100, text)
        if self._strikes >= settings.strikes:
            self.close("too many messages per second")
        return True

    def _answer(self, request: ask.Request) -> None:
        handler = self._handlers.get(type(request))
        if handler is None:
            message_id = getattr(request, "message_id", 0)
            self.sim.ledger.write("unknown_message", clientId=self.client_id, messageId=message_id)
            self.error(-1, 505, f"Fatal Error: Unknown message id. ({message_id})")
            return
        name = LOOKUPS.get(type(request))
        if name is None:
            handler(request)
            return
        treatment = self.sim.faults.treatment(name)
        if treatment.silent or self._beyond_reach(request):
            self.sim.ledger.write("request_unanswered", clientId=self.client_id, request=name)
        elif treatment.code:
            self.error(getattr(request, "request_id", -1), treatment.code, treatment.text)
        else:
            self._answer_after(treatment.delay_ms + self.sim.scenario.latency.answer_ms, handler, request)

    def _beyond_reach(self, request: ask.Request) -> bool:
        """Whether only IBKR could answer, and the link is down; a competing login is at least named (10197)."""
        state = self.sim.session.state
        named = isinstance(request, ask.ReqMktData) and state is State.CONTENDED
        return isinstance(request, NEED_LINK) and not self.sim.session.linked and not named

    def _answer_after(self, milliseconds: int, handler: Handler, request: ask.Request) -> None:
        def answer() -> None:
            if not self.closed:
                handler(request)

        if milliseconds:
            self.sim.scheduler.after(milliseconds / 1000, answer)
        else:
            answer()

    # events

    def deliver(self, event: Event) -> None:
        match event:
            case PositionChanged() | AccountChanged():
                self._accounts.changed(event)
            case ErrorNotice(-1, 1101, _):
                self._orders.report(event)
                self._prices.data_lost()
                self._accounts.data_lost()
            case ErrorNotice(-1, 1100, _):
                self._orders.report(event)
                if self.sim.session.state is State.CONTENDED:
                    self._prices.contended()
            case _:
                self._orders.report(event)
