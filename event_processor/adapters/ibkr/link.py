"""One session with the gateway: everything it says arrives here and goes to the part that knows what to do.

The wrapper calls the methods of `Receiver`, in the broker's order, from the event loop; they only note,
pass on and enqueue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from event_processor.adapters.ibkr import codes
from event_processor.adapters.ibkr.accounts import AccountBook
from event_processor.adapters.ibkr.connection import Connection
from event_processor.adapters.ibkr.facade import FIRST_REQUEST_ID
from event_processor.adapters.ibkr.lookups import Lookups
from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.adapters.ibkr.orders import OrderBook
from event_processor.adapters.ibkr.pacing import Pacer
from event_processor.adapters.ibkr.quotes import QuoteBook
from event_processor.adapters.ibkr.sharing import Shared
from event_processor.domain.contract import Contract
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.portfolio import AccountState, Position, Quote
from event_processor.domain.reports import (
    Commission,
    Evidence,
    Execution,
    OrderNotice,
    OrderReport,
    PositionReport,
    Report,
)
from event_processor.domain.session import SessionEvent, SessionInput
from event_processor.errors import BrokerUnavailable, GatewayDisconnected
from event_processor.ports import Clock

_SLOW_SECONDS = 60.0
"""How long the pace stays halved after the gateway complained of it."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a session belongs to and reports to; it outlives sessions."""

    settings: IbkrSettings
    clock: Clock
    pacer: Pacer
    orders: OrderBook
    publish: Callable[[Report], None]
    tell: Callable[[SessionInput], None]


class Link:
    """One session with the gateway."""

    def __init__(self, around: Surroundings, connect_timeout_seconds: float) -> None:
        self._around = around
        self._open = False
        self._accounts: tuple[AccountId, ...] = ()
        self._account_requests: dict[int, AccountId] = {}
        self._replaced_requests: list[int] = []
        self._resubscribing: asyncio.Task[None] | None = None
        self._lookups = Lookups()
        self._account_book = AccountBook()
        self._fresh_positions = Shared(self._ask_positions, asyncio.Lock())
        settings = replace(around.settings, connect_timeout_seconds=connect_timeout_seconds)
        self.connection = Connection(settings, around.pacer, self, self._on_lost)
        self._quote_book = QuoteBook(around.settings, self.connection, self.now)

    def now(self) -> datetime:
        """Aware UTC."""
        return self._around.clock.now()

    # for the broker

    async def open(self) -> tuple[AccountId, ...]:
        """Connect once and start the standing subscriptions. Errors as `Broker.connect`."""
        accounts = await self.connection.open()
        self._accounts = accounts
        try:
            await self._subscribe_accounts()
        except BrokerUnavailable:
            await self.connection.close("the subscriptions could not be made")
            raise
        self._open = True
        return accounts

    async def close(self) -> None:
        """Close on our own wish: nobody is told."""
        self._open = False
        if self._resubscribing is not None:
            self._resubscribing.cancel()
        await self.connection.close("closed by us")

    async def evidence(self) -> Evidence:
        """See `Broker.evidence`; one at a time."""
        return await self._lookups.run(self.connection, self.now)

    async def open_orders(self) -> tuple[OrderReport, ...]:
        """See `Broker.open_orders`; one look-up at a time."""
        return await self._lookups.open_orders(self.connection)

    async def account_state(self, account: AccountId, *, fresh: bool = False) -> AccountState:
        """See `Broker.account_state`."""
        self.connection.check()
        if account not in self._accounts:
            raise GatewayDisconnected(f"account {account} does not belong to this login", reason_code="account_unknown")
        if fresh:
            await self._fresh_positions.ask()
        await self._sent(self._account_book.complete(account), f"positions and values of account {account}")
        self.connection.check()
        return self._account_book.state(account, self.now())

    async def _ask_positions(self) -> None:
        self._account_book.expect_positions_anew()
        await self.connection.subscribe_positions()
        await self._sent(self._account_book.positions_whole(), "positions")

    async def _sent(self, whole: Awaitable[None], what: str) -> None:
        """Until it was sent whole. Raises GatewayDisconnected."""
        if await self.connection.happens(whole, self._around.settings.request_timeout_seconds):
            return
        if not self._account_book.positions_known:  # their end, too, could come late and be taken for another's
            self.connection.broken("no answer to the request for positions")
        raise GatewayDisconnected(f"{what} are not complete", reason_code="request_timeout")

    async def quotes(self, contracts: Sequence[Contract], age_seconds_max: float) -> Mapping[ConId, Quote]:
        """See `Broker.quotes`."""
        self.connection.check()
        return await self._quote_book.quotes(contracts, age_seconds_max)

    async def held(self) -> Sequence[Contract]:
        """The stocks that the login's accounts hold."""
        states = [await self.account_state(account) for account in self._accounts]
        return [each.contract for state in states for each in state.positions if each.contract.stock_like]

    def lacking(self, wanted: Sequence[Contract]) -> Sequence[Contract]:
        """See `QuoteBook.lacking`."""
        return self._quote_book.lacking(wanted)

    async def keep(self, contract: Contract, wanted: Sequence[Contract]) -> None:
        """See `QuoteBook.keep`."""
        self.connection.check()
        await self._quote_book.keep(contract, wanted)

    async def _subscribe_accounts(self) -> None:
        """As ib_async does when it connects: updates for an only account, else one request for each."""
        if len(self._accounts) == 1:
            await self.connection.subscribe_account(self._accounts[0])
            return
        self._replaced_requests += self._account_requests
        self._account_requests.clear()
        for account in self._accounts:
            self._account_requests[await self.connection.subscribe_one_of_many(account)] = account
        while self._replaced_requests:
            await self.connection.end_one_of_many(self._replaced_requests[-1])
            self._replaced_requests.pop()

    async def _subscribe_anew(self) -> None:
        try:
            await self.connection.subscribe_positions()
            await self._subscribe_accounts()
        except BrokerUnavailable as error:
            self.connection.broken(f"the subscriptions could not be made anew: {error}")

    def _on_lost(self, reason: str) -> None:
        if self._open:
            self._around.tell(SessionInput(SessionEvent.SOCKET_LOST, detail=reason))

    # what the gateway says of the session

    def broken(self, reason: str) -> None:
        """A message was lost: start over and look at everything again."""
        self.connection.broken(reason)

    def next_valid_id(self, order_id: int) -> None:
        """The gateway's own idea of the next id; it may have moved back."""
        self.connection.welcomed = True
        self._around.orders.raise_above(order_id - 1)

    def notice(self, request_id: int, code: int, text: str) -> None:
        """An error, warning or notice."""
        self._notice_session(code, text)
        if self._quote_book.notice(request_id, code):
            return
        ref = self._around.orders.ref_of(request_id)
        if ref or 0 < request_id < FIRST_REQUEST_ID:
            kind = codes.order_notice(code, text, working=self._around.orders.accepted(request_id))
            self._around.publish(OrderNotice(ref, request_id, code, text, kind))

    def _notice_session(self, code: int, text: str) -> None:
        if code == codes.CLIENT_ID_TAKEN:
            self.connection.id_taken = True
            self.connection.broken(text)
        elif code == codes.PORT_RESET:
            self.connection.broken(f"{code}: {text}")
        elif code == codes.MESSAGE_RATE_EXCEEDED:
            _log.warning("the gateway says we send too fast; half the pace for %s s: %s", _SLOW_SECONDS, text)
            self._around.pacer.slow_down(_SLOW_SECONDS)
        happened = codes.session_event(code, text)
        if happened is SessionEvent.LINK_LOST:
            self.connection.link_down = True
            self.connection.interruptions += 1
        elif happened is SessionEvent.LINK_RESTORED:
            self.connection.link_down = False
            self._restored(data_lost=code == codes.DATA_LOST)
        if happened is not None:
            self._around.tell(SessionInput(happened, code, text))

    def _restored(self, *, data_lost: bool) -> None:
        """Back after a loss of the link. What changed meanwhile may not be told by itself, even where the
        subscriptions are said to have survived (1102), so positions and values are asked for again."""
        self._account_book.expect_anew()
        if data_lost:
            self._quote_book.lines_lost()
        if self._resubscribing is not None:
            self._resubscribing.cancel()
        self._resubscribing = asyncio.ensure_future(self._subscribe_anew())

    # what it says of orders

    def open_order(self, report: OrderReport) -> None:
        """The message openOrder or orderStatus, live or from a look-up."""
        completed = self._around.orders.complete(report)
        self._lookups.open_order(completed)
        self._around.publish(completed)

    def completed_order(self, report: OrderReport) -> None:
        """The message completedOrder."""
        self._lookups.completed_order(self._around.orders.complete(report))

    def execution(self, execution: Execution) -> None:
        """The message execDetails, live or from a look-up."""
        self._around.orders.raise_above(execution.order_id)
        named = self._around.orders.named(execution)
        self._lookups.execution(named)
        self._around.publish(named)

    def commission(self, commission: Commission) -> None:
        """The message commissionReport."""
        self._lookups.commission(commission)
        self._around.publish(commission)

    # what it says of the accounts

    def position(self, account: AccountId, position: Position) -> None:
        """The message position."""
        self._account_book.position(account, position)
        self._around.publish(PositionReport(account, position.contract.con_id, position.quantity))

    def positions_complete(self) -> None:
        """The message positionEnd."""
        self._account_book.positions_complete()

    def account_value(self, account: AccountId, tag: str, text: str, currency: str) -> None:
        """The message updateAccountValue or accountUpdateMulti."""
        self._account_book.value(account, tag, text, currency)

    def portfolio_value(self, account: AccountId, position: Position, market_value: float) -> None:
        """The message updatePortfolio."""
        self._account_book.worth(account, position, market_value)

    def account_complete(self, account: AccountId) -> None:
        """The message accountDownloadEnd."""
        self._account_book.values_complete(account)

    def account_request_complete(self, request_id: int) -> None:
        """The message accountUpdateMultiEnd."""
        if account := self._account_requests.get(request_id):
            self._account_book.values_complete(account)

    # what it says of the market

    def tick_price(self, request_id: int, tick_type: int, price: float) -> None:
        """The message tickPrice."""
        self._quote_book.tick_price(request_id, tick_type, price)

    def tick_other(self, request_id: int, tick_type: int, text: str) -> None:
        """The message tickSize, tickString or tickGeneric."""
        self._quote_book.tick_other(request_id, tick_type, text)

    def data_type(self, request_id: int, data_type: int) -> None:
        """The message marketDataType."""
        self._quote_book.data_type(request_id, data_type)

    def snapshot_complete(self, request_id: int) -> None:
        """The message tickSnapshotEnd."""
        self._quote_book.snapshot_complete(request_id)
