"""ib_async's callbacks, turned into plain records before anything else sees them.

ib_async keeps `Trade` objects whose status it partly guesses: it marks an order Cancelled on notices such
as 10349, 10147 and 10148 while it lives on at the broker. Here the order callbacks never reach that code,
so there is nothing to believe but what the gateway said. What is left of ib_async's wrapper ends requests.
"""

# ruff: noqa: ARG002, N802, N803 - names and arguments are ib_async's
# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Concatenate, ParamSpec, Protocol

import ib_async as ib
from ib_async.wrapper import Wrapper

from event_processor.adapters.ibkr import codes, translate
from event_processor.domain.ids import AccountId
from event_processor.domain.portfolio import Position
from event_processor.domain.reports import Commission, Execution, OrderReport

LOOKUPS_WITHOUT_ID = ("openOrders", "completedOrders", "positions")
"""ib_async's keys of the requests whose answers carry no request id."""

_P = ParamSpec("_P")


class Receiver(Protocol):
    """Whoever is told what the gateway says, message by message, in its order."""

    def next_valid_id(self, order_id: int) -> None: ...
    def open_order(self, report: OrderReport) -> None: ...
    def completed_order(self, report: OrderReport) -> None: ...
    def execution(self, execution: Execution) -> None: ...
    def commission(self, commission: Commission) -> None: ...
    def position(self, account: AccountId, position: Position) -> None: ...
    def positions_complete(self) -> None: ...
    def account_value(self, account: AccountId, tag: str, text: str, currency: str) -> None: ...
    def portfolio_value(self, account: AccountId, position: Position, market_value: float) -> None: ...
    def account_complete(self, account: AccountId) -> None: ...
    def account_request_complete(self, request_id: int) -> None: ...
    def tick_price(self, request_id: int, tick_type: int, price: float) -> None: ...
    def tick_other(self, request_id: int, tick_type: int, text: str) -> None: ...
    def data_type(self, request_id: int, data_type: int) -> None: ...
    def snapshot_complete(self, request_id: int) -> None: ...
    def notice(self, request_id: int, code: int, text: str) -> None: ...
    def broken(self, reason: str) -> None:
        """Something was received that could not be taken in: what we know may have a hole."""

    def now(self) -> datetime:
        """Aware UTC."""


def _recorded(
    callback: Callable[Concatenate[RecordingWrapper, _P], None],
) -> Callable[Concatenate[RecordingWrapper, _P], None]:
    """ib_async logs and forgets what a callback raises; here it ends the session, which is then synced anew."""

    def guarded(self: RecordingWrapper, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            callback(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be lost
            self.receiver.broken(f"{callback.__name__} could not be recorded: {error!r}")

    return guarded


class RecordingWrapper(Wrapper):
    """Passes every message that matters to a `Receiver`; the names are ib_async's."""

    def __init__(self, facade: ib.IB, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(facade)

    def fail(self, key: int | str, error: Exception) -> None:
        """End a pending request with an error; harmless when it is not pending."""
        self._endReq(key, error, success=False)

    # session

    @_recorded
    def nextValidId(self, reqId: int) -> None:
        self.receiver.next_valid_id(reqId)

    @_recorded
    def error(self, reqId: int, errorCode: int, errorString: str, advancedOrderRejectJson: str) -> None:
        super().error(reqId, errorCode, errorString, advancedOrderRejectJson)
        if errorCode in codes.REQUEST_REFUSALS:  # ib_async takes 321 for a warning and lets the request hang
            refusal = ib.RequestError(reqId, errorCode, errorString)
            for key in (reqId,) if reqId >= 0 else LOOKUPS_WITHOUT_ID:
                self.fail(key, refusal)
        self.receiver.notice(reqId, errorCode, errorString)

    # orders

    @_recorded
    def openOrder(
        self,
        orderId: int,
        contract: ib.Contract,
        order: ib.Order,
        orderState: ib.OrderState,
    ) -> None:
        if not order.whatIf:
            self.receiver.open_order(translate.open_order(orderId, contract, order, orderState))

    @_recorded
    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: float,
        remaining: float,
        avgFillPrice: float,
        permId: int,
        parentId: int,
        lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        mktCapPrice: float = 0.0,
    ) -> None:
        self.receiver.open_order(translate.order_status(orderId, status, filled, permId, clientId, whyHeld))

    @_recorded
    def completedOrder(self, contract: ib.Contract, order: ib.Order, orderState: ib.OrderState) -> None:
        self.receiver.completed_order(translate.completed_order(contract, order, orderState))

    @_recorded
    def execDetails(self, reqId: int, contract: ib.Contract, execution: ib.Execution) -> None:
        self.receiver.execution(translate.execution(contract, execution))

    @_recorded
    def commissionReport(self, commissionReport: ib.CommissionReport) -> None:
        if commission := translate.commission(commissionReport):
            self.receiver.commission(commission)

    # positions and money

    @_recorded
    def position(self, account: str, contract: ib.Contract, posSize: float, avgCost: float) -> None:
        self.receiver.position(AccountId(account), translate.position(contract, posSize, avgCost))

    @_recorded
    def positionEnd(self) -> None:
        self.receiver.positions_complete()
        super().positionEnd()

    @_recorded
    def updateAccountValue(self, tag: str, val: str, currency: str, account: str) -> None:
        self.receiver.account_value(AccountId(account), tag, val, currency)

    @_recorded
    def accountUpdateMulti(
        self,
        reqId: int,
        account: str,
        modelCode: str,
        tag: str,
        val: str,
        currency: str,
    ) -> None:
        if not modelCode:
            self.receiver.account_value(AccountId(account), tag, val, currency)

    @_recorded
    def updatePortfolio(
        self,
        contract: ib.Contract,
        posSize: float,
        marketPrice: float,
        marketValue: float,
        averageCost: float,
        unrealizedPNL: float,
        realizedPNL: float,
        account: str,
    ) -> None:
        held = translate.position(contract, posSize, averageCost)
        self.receiver.portfolio_value(AccountId(account), held, marketValue)

    @_recorded
    def accountDownloadEnd(self, _account: str) -> None:
        self.receiver.account_complete(AccountId(_account))

    @_recorded
    def accountUpdateMultiEnd(self, reqId: int) -> None:
        self.receiver.account_request_complete(reqId)

    # market data

    @_recorded
    def priceSizeTick(self, reqId: int, tickType: int, price: float, size: float) -> None:
        self.receiver.tick_price(reqId, tickType, price)

    @_recorded
    def tickSize(self, reqId: int, tickType: int, size: float) -> None:
        self.receiver.tick_other(reqId, tickType, str(size))

    @_recorded
    def tickString(self, reqId: int, tickType: int, value: str) -> None:
        self.receiver.tick_other(reqId, tickType, value)

    @_recorded
    def tickGeneric(self, reqId: int, tickType: int, value: float) -> None:
        self.receiver.tick_other(reqId, tickType, str(value))

    @_recorded
    def tickReqParams(self, reqId: int, minTick: float, bboExchange: str, snapshotPermissions: int) -> None:
        """What a line may expect; nothing we need."""

    @_recorded
    def marketDataType(self, reqId: int, marketDataId: int) -> None:
        self.receiver.data_type(reqId, marketDataId)

    @_recorded
    def tickSnapshotEnd(self, reqId: int) -> None:
        self.receiver.snapshot_complete(reqId)
