"""Everything a client can ask: one frozen dataclass per request, named as IBKR's client method that sends it.

Where a request's wire layout is its fields in order, the dataclass is that layout (see `decode`): the order
of fields is protocol, not taste.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway_simulator.codec.account_requests import (
    CancelAccountSummary,
    CancelAccountUpdatesMulti,
    CancelNewsBulletins,
    CancelPnL,
    CancelPnLSingle,
    CancelPositions,
    CancelPositionsMulti,
    ReqAccountSummary,
    ReqAccountUpdates,
    ReqAccountUpdatesMulti,
    ReqCurrentTime,
    ReqManagedAccts,
    ReqNewsBulletins,
    ReqPnL,
    ReqPnLSingle,
    ReqPositions,
    ReqPositionsMulti,
    ReqUserInfo,
    SetServerLogLevel,
    StartApi,
)
from gateway_simulator.codec.data_requests import (
    CancelHeadTimestamp,
    CancelHistoricalData,
    CancelMktData,
    ReqContractDetails,
    ReqHeadTimestamp,
    ReqHistoricalData,
    ReqMarketDataType,
    ReqMarketRule,
    ReqMatchingSymbols,
    ReqMktData,
)
from gateway_simulator.codec.order_requests import (
    CancelOrder,
    PlaceOrder,
    ReqAllOpenOrders,
    ReqAutoOpenOrders,
    ReqCompletedOrders,
    ReqExecutions,
    ReqGlobalCancel,
    ReqIds,
    ReqOpenOrders,
)

__all__ = [
    "CancelAccountSummary",
    "CancelAccountUpdatesMulti",
    "CancelHeadTimestamp",
    "CancelHistoricalData",
    "CancelMktData",
    "CancelNewsBulletins",
    "CancelOrder",
    "CancelPnL",
    "CancelPnLSingle",
    "CancelPositions",
    "CancelPositionsMulti",
    "MalformedRequest",
    "PlaceOrder",
    "ReqAccountSummary",
    "ReqAccountUpdates",
    "ReqAccountUpdatesMulti",
    "ReqAllOpenOrders",
    "ReqAutoOpenOrders",
    "ReqCompletedOrders",
    "ReqContractDetails",
    "ReqCurrentTime",
    "ReqExecutions",
    "ReqGlobalCancel",
    "ReqHeadTimestamp",
    "ReqHistoricalData",
    "ReqIds",
    "ReqManagedAccts",
    "ReqMarketDataType",
    "ReqMarketRule",
    "ReqMatchingSymbols",
    "ReqMktData",
    "ReqNewsBulletins",
    "ReqOpenOrders",
    "ReqPnL",
    "ReqPnLSingle",
    "ReqPositions",
    "ReqPositionsMulti",
    "ReqUserInfo",
    "Request",
    "SetServerLogLevel",
    "StartApi",
    "UnknownRequest",
]


class MalformedRequest(Exception):
    """A message that does not fit its layout.

    The connection stays usable: answer error 320 to `request_id`, which is -1 where it is not known.
    """

    def __init__(self, message_id: int | None, request_id: int, reason: str) -> None:
        super().__init__(f"message {message_id}: {reason}")
        self.message_id = message_id
        self.request_id = request_id
        self.reason = reason


@dataclass(frozen=True, slots=True)
class UnknownRequest:
    """A well-formed message whose id the simulator does not serve."""

    message_id: int
    fields: tuple[str, ...]


Request = (
    StartApi | ReqMktData | CancelMktData | PlaceOrder | CancelOrder | ReqOpenOrders | ReqAccountUpdates
    | ReqExecutions | ReqIds | ReqContractDetails | ReqNewsBulletins | CancelNewsBulletins | SetServerLogLevel
    | ReqAutoOpenOrders | ReqAllOpenOrders | ReqManagedAccts | ReqHistoricalData | CancelHistoricalData
    | ReqCurrentTime | ReqGlobalCancel | ReqMarketDataType | ReqPositions | ReqAccountSummary
    | CancelAccountSummary | CancelPositions | ReqPositionsMulti | CancelPositionsMulti
    | ReqAccountUpdatesMulti | CancelAccountUpdatesMulti | ReqMatchingSymbols | ReqHeadTimestamp
    | CancelHeadTimestamp | ReqMarketRule | ReqPnL | CancelPnL | ReqPnLSingle | CancelPnLSingle
    | ReqCompletedOrders | ReqUserInfo | UnknownRequest
)  # fmt: skip
"""Everything `decode.request` can return."""
