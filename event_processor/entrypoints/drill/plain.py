"""A session without the processor's adapter, for what that never sends: what-if orders, and orders without a tif.

It uses ib_async as it is. Nothing it hears decides anything but the verdict on a card.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import ib_async as ib

from event_processor.adapters.ibkr.gateway import IbkrSettings
from event_processor.domain.contract import Contract
from event_processor.domain.ids import AccountId, OrderRef
from event_processor.entrypoints.drill.card import DrillFailed

ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Notice:
    """A code that the broker tied to a request or order."""

    request_id: int
    code: int
    text: str


class PlainClient:
    """`notices` holds every code heard."""

    def __init__(self, session: ib.IB) -> None:
        self._session = session
        self.notices: list[Notice] = []
        session.errorEvent += self._on_error

    def _on_error(self, request_id: int, code: int, text: str, _contract: object) -> None:
        self.notices.append(Notice(request_id, code, text))

    async def what_if(self, contract: Contract, account: AccountId) -> dict[str, str]:
        """What buying one share would cost and bind; nothing is placed. Raises DrillFailed without an answer."""
        order = ib.Order(action="BUY", totalQuantity=1, orderType="MKT", tif="DAY", account=account)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                state = await self._session.whatIfOrderAsync(_named(contract), order)
        except TimeoutError:
            raise DrillFailed(f"no answer to the what-if order in {ANSWER_SECONDS:g} s") from None
        if not isinstance(state, ib.OrderState):
            raise DrillFailed(f"the what-if order was answered with {state!r} ({self.notices[-3:]})")
        names = ("status", "initMarginChange", "equityWithLoanAfter", "commission", "maxCommission")
        return {name: str(getattr(state, name)) for name in names}

    def rest_without_tif(self, contract: Contract, account: AccountId, ref: OrderRef, limit: Decimal) -> int:
        """A limit order that says nothing of its time in force, as an order preset likes it; its order id."""
        order = ib.Order(
            action="BUY",
            totalQuantity=1,
            orderType="LMT",
            lmtPrice=float(limit),
            tif="",
            account=account,
            orderRef=str(ref),
        )
        return int(self._session.placeOrder(_named(contract), order).order.orderId)

    def cancel(self, order_id: int) -> None:
        """Cancel one of its orders, whatever ib_async believes of its status."""
        self._session.client.cancelOrder(order_id)


@asynccontextmanager
async def plain_session(settings: IbkrSettings) -> AsyncIterator[PlainClient]:
    """A connected session; closed on the way out."""
    session = ib.IB()
    try:
        await session.connectAsync(
            settings.host, settings.port, settings.client_id, timeout=ANSWER_SECONDS, fetchFields=ib.StartupFetchNONE
        )
    except (ConnectionError, TimeoutError, OSError) as error:
        raise DrillFailed(f"the plain session did not connect: {error!r}") from error
    try:
        yield PlainClient(session)
    finally:
        session.disconnect()


def _named(contract: Contract) -> ib.Contract:
    return ib.Contract(
        conId=contract.con_id,
        symbol=contract.symbol,
        secType="STK",
        currency=contract.currency,
        exchange=contract.exchange,
    )
