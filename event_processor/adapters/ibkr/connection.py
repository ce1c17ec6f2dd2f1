"""One socket to the gateway, from handshake to end; never reused, so nothing of it outlives it.

Everything that leaves waits for its place first, and every answer has its time-out.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import ib_async as ib

from event_processor.adapters.ibkr import translate
from event_processor.adapters.ibkr.facade import GatewayFacade
from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.adapters.ibkr.pacing import Pacer
from event_processor.adapters.ibkr.wrapper import Receiver
from event_processor.domain.contract import Contract
from event_processor.domain.ids import AccountId
from event_processor.domain.order import Order
from event_processor.errors import BrokerUnavailable, GatewayDisconnected, LoginRequired

_T = TypeVar("_T")

_HANDSHAKE_MESSAGES = 3
"""Version, startApi and reqPositions leave by themselves while connecting; client id 0 also binds orders."""
_CLOSE_SECONDS_MAX = 1.0
_log = logging.getLogger(__name__)


class Connection:
    """One connection. `on_lost` is called once, with the reason, when it ends."""

    def __init__(
        self, settings: IbkrSettings, pacer: Pacer, receiver: Receiver, on_lost: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._pacer = pacer
        self._on_lost = on_lost
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._socket_gone = asyncio.Event()
        self.facade = GatewayFacade(receiver, pacer)
        self.facade.client.conn.disconnected += self._on_socket_gone
        self.welcomed = False
        """The gateway has sent nextValidId: somebody is logged in."""
        self.id_taken = False
        """Another program has our client id (326)."""
        self.link_down = False
        """The gateway has no link to IBKR (1100)."""
        self.interruptions = 0
        """How often that link was lost."""

    # opening and closing

    async def open(self) -> tuple[AccountId, ...]:
        """Connect, once; the accounts of the login. Errors as `Broker.connect`."""
        settings = self._settings
        places = _HANDSHAKE_MESSAGES + (settings.client_id == 0)
        for _ in range(places):
            await self._pacer.slot()
        attempt = asyncio.ensure_future(
            self.facade.connectAsync(
                settings.host,
                settings.port,
                settings.client_id,
                timeout=0,  # one limit for all steps; those of `wait` tell them apart
                raiseSyncErrors=True,
                fetchFields=ib.StartupFetchNONE,
            )
        )
        opened, ends = False, {attempt, self._lost}
        try:
            await asyncio.wait(ends, timeout=settings.connect_timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            if self.welcomed:  # all that is missing is an answer: the positions
                await asyncio.wait(ends, timeout=settings.request_timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            error = attempt.exception() if attempt.done() else None
            if not attempt.done() or error is not None:
                raise self._why_not_connected(error)
            opened = True
            names = (name.strip() for name in self.facade.client.getAccounts())
            return tuple(dict.fromkeys(AccountId(name) for name in names if name))
        finally:
            self._pacer.give_back(places - self.facade.client.conn.numMsgSent)
            if not opened:
                attempt.cancel()
                await asyncio.gather(attempt, return_exceptions=True)
                await self.close("the connection could not be opened")

    async def close(self, reason: str) -> None:
        """Close the socket and wait until it is gone, at most a second; harmless when closed."""
        self._lose(reason)
        transport = self.facade.client.conn.transport
        if transport is None:
            return
        self.facade.client.disconnect()
        try:
            await asyncio.wait_for(self._socket_gone.wait(), _CLOSE_SECONDS_MAX)
        except TimeoutError:
            transport.abort()

    def broken(self, reason: str) -> None:
        """End the connection because it cannot be relied on."""
        if not self._lost.done():
            _log.debug("connection given up: %s", reason)
            self._lose(reason)
            self.facade.client.disconnect()

    def _lose(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)
            self._on_lost(reason)

    def _on_socket_gone(self, message: str) -> None:
        self._socket_gone.set()
        self._lose(message or "the gateway closed the connection")

    def _why_not_connected(self, error: BaseException | None) -> BrokerUnavailable:
        where = f"{self._settings.host}:{self._settings.port}"
        if self.id_taken:
            return GatewayDisconnected(
                f"client id {self._settings.client_id} is in use at {where}", reason_code="client_id_in_use"
            )
        if not self.facade.client.conn.accepted:
            return GatewayDisconnected(f"no connection to {where}: {error}")
        if not self.welcomed:
            return LoginRequired(f"{where} accepts connections but does not answer: nobody is logged in")
        why = error or "positions are missing"
        return GatewayDisconnected(f"{where} answered only in part: {why}", reason_code="request_timeout")

    # asking

    def check_alive(self) -> None:
        """Raise GatewayDisconnected when this connection has ended."""
        if self._lost.done():
            raise GatewayDisconnected(self._lost.result())

    def check(self) -> None:
        """Raise GatewayDisconnected unless this connection and the gateway's link to IBKR are up."""
        self.check_alive()
        if self.link_down:
            raise GatewayDisconnected("the gateway has lost its link to IBKR", reason_code="link_lost")

    async def happens(self, event: Awaitable[Any], seconds_max: float) -> bool:
        """Whether it happens in time; raises GatewayDisconnected when the connection ends first."""
        future = asyncio.ensure_future(event)
        try:
            await asyncio.wait({future, self._lost}, timeout=seconds_max, return_when=asyncio.FIRST_COMPLETED)
            if not future.done() and self._lost.done():
                raise GatewayDisconnected(self._lost.result())
            return future.done()
        finally:
            future.cancel()

    async def ask(self, what: str, send: Callable[[], Awaitable[_T]], *, has_id: bool = True) -> _T:
        """The answer to the request that `send` sends.

        A request whose answer carries no id (`has_id` false) and that was not answered in time ends the
        connection: its answer could come later and be taken for the next one's.

        Raises:
            GatewayDisconnected: the connection ended, or no answer came in time.
            ib.RequestError: the gateway answered with an error.
        """
        await self._pacer.slot()
        self.check()
        try:
            answer = asyncio.ensure_future(send())
            if await self.happens(answer, self._settings.request_timeout_seconds):
                return answer.result()
        except ConnectionError as error:
            raise GatewayDisconnected(f"the connection ended while waiting for {what}") from error
        if not has_id:
            self.broken(f"no answer to the request for {what}")
        raise GatewayDisconnected(f"the gateway did not answer the request for {what}", reason_code="request_timeout")

    # requests without one answer

    async def request_data(self, contract: Contract, *, snapshot: bool) -> int:
        """Ask for market data; the request id."""
        request_id = await self._next_request()
        named = translate.to_ib_contract(contract)
        self._send(lambda: self.facade.client.reqMktData(request_id, named, "", snapshot, False, []))  # noqa: FBT003
        return request_id

    async def cancel_data(self, request_id: int) -> None:
        """End a market data request."""
        await self._pacer.slot()
        self._send(lambda: self.facade.client.cancelMktData(request_id))

    async def choose_data_type(self, data_type: int) -> None:
        """1 live, 3 delayed where there is no live data."""
        await self._pacer.slot()
        self._send(lambda: self.facade.client.reqMarketDataType(data_type))

    async def subscribe_positions(self) -> None:
        """All positions of the login, and each change."""
        await self._pacer.slot()
        self._send(self.facade.client.reqPositions)

    async def subscribe_account(self, account: AccountId) -> None:
        """Values and portfolio of the login's only account."""
        await self._pacer.slot()
        self._send(lambda: self.facade.client.reqAccountUpdates(True, account))  # noqa: FBT003

    async def subscribe_one_of_many(self, account: AccountId) -> int:
        """Values of one of several accounts; the request id."""
        request_id = await self._next_request()
        self._send(lambda: self.facade.client.reqAccountUpdatesMulti(request_id, account, "", False))  # noqa: FBT003
        return request_id

    async def end_one_of_many(self, request_id: int) -> None:
        """No more values for this request."""
        await self._pacer.slot()
        self._send(lambda: self.facade.client.cancelAccountUpdatesMulti(request_id))

    def place(self, order: Order, order_id: int) -> None:
        """Write the order to the socket, past ib_async's own book of trades."""
        self.check()
        contract, named = translate.to_ib_contract(order.contract), translate.to_ib_order(order)
        self._send(lambda: self.facade.client.placeOrder(order_id, contract, named))

    def cancel(self, order_id: int) -> None:
        """Write the cancel to the socket."""
        self.check()
        self._send(lambda: self.facade.client.cancelOrder(order_id))

    async def _next_request(self) -> int:
        await self._pacer.slot()
        self.check_alive()
        return self.facade.client.getReqId()

    def _send(self, send: Callable[[], None]) -> None:
        """Send now, or raise GatewayDisconnected: then nothing was sent."""
        self.check_alive()
        if not self._pacer.may_send:
            raise GatewayDisconnected("no place to send was taken; nothing was sent", reason_code="no_send_slot")
        try:
            send()
        except ConnectionError as error:
            raise GatewayDisconnected("there is no connection; nothing was sent") from error
