"""From a frame's payload to a request.

Most layouts are a dataclass read field by field in the order it is declared; the few that depend on the
server version or carry lists have a function of their own. Layouts: `ibapi/client.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from gateway_simulator.codec import requests as ask
from gateway_simulator.codec.fields import FieldError, FieldReader
from gateway_simulator.codec.place_order import place_order

_TAKE: dict[str, Callable[[FieldReader], Any]] = {
    "int": FieldReader.integer,
    "str": FieldReader.text,
    "bool": FieldReader.boolean,
    "Contract": FieldReader.contract,
}
_BOND_ISSUER_ID = 176
_MANUAL_ORDER_TIME = 169


def _req_mkt_data(_server_version: int, reader: FieldReader) -> ask.Request:
    request_id = reader.integer()
    contract = reader.contract()
    if contract.sec_type == "BAG":
        reader.groups(4)
    if reader.boolean():  # a delta-neutral contract: conId, delta, price
        reader.texts(3)
    return ask.ReqMktData(request_id, contract, reader.text(), reader.boolean(), reader.boolean())


def _cancel_order(server_version: int, reader: FieldReader) -> ask.Request:
    order_id = reader.integer()
    return ask.CancelOrder(order_id, reader.text() if server_version >= _MANUAL_ORDER_TIME else "")


def _req_contract_details(server_version: int, reader: FieldReader) -> ask.Request:
    return ask.ReqContractDetails(
        request_id=reader.integer(),
        contract=reader.contract(),
        include_expired=reader.boolean(),
        sec_id_type=reader.text(),
        sec_id=reader.text(),
        issuer_id=reader.text() if server_version >= _BOND_ISSUER_ID else "",
    )


def _req_historical_data(_server_version: int, reader: FieldReader) -> ask.Request:
    request_id = reader.integer()
    contract = reader.contract()
    include_expired, end, bar_size, duration = reader.boolean(), reader.text(), reader.text(), reader.text()
    use_rth, what_to_show, format_date = reader.boolean(), reader.text(), reader.integer()
    if contract.sec_type == "BAG":
        reader.groups(4)
    return ask.ReqHistoricalData(
        request_id, contract, include_expired, end, bar_size, duration, use_rth, what_to_show, format_date,
        keep_up_to_date=reader.boolean(),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Layout:
    """How one message reads: `versioned` ones begin with a message version that says nothing today."""

    kind: type[Any]
    versioned: bool = True
    takes: Callable[[int, FieldReader], ask.Request] | None = None

    def read(self, server_version: int, reader: FieldReader) -> ask.Request:
        if self.versioned:
            reader.integer()
        if self.takes is not None:
            return self.takes(server_version, reader)
        decoded: ask.Request = self.kind(*(_TAKE[str(field.type)](reader) for field in fields(self.kind)))
        return decoded

    def request_id(self, texts: list[str]) -> int:
        """The request or order id of a message that could not be decoded, or -1."""
        place = 2 if self.versioned else 1
        if not any(field.name in {"request_id", "order_id"} for field in fields(self.kind)[:1]):
            return -1
        try:
            return FieldReader(texts[place : place + 1]).integer()
        except FieldError:
            return -1


_LAYOUTS: dict[int, _Layout] = {
    1: _Layout(ask.ReqMktData, takes=_req_mkt_data),
    2: _Layout(ask.CancelMktData),
    3: _Layout(ask.PlaceOrder, takes=place_order, versioned=False),
    4: _Layout(ask.CancelOrder, takes=_cancel_order),
    5: _Layout(ask.ReqOpenOrders),
    6: _Layout(ask.ReqAccountUpdates),
    7: _Layout(ask.ReqExecutions),
    8: _Layout(ask.ReqIds),
    9: _Layout(ask.ReqContractDetails, takes=_req_contract_details),
    12: _Layout(ask.ReqNewsBulletins),
    13: _Layout(ask.CancelNewsBulletins),
    14: _Layout(ask.SetServerLogLevel),
    15: _Layout(ask.ReqAutoOpenOrders),
    16: _Layout(ask.ReqAllOpenOrders),
    17: _Layout(ask.ReqManagedAccts),
    20: _Layout(ask.ReqHistoricalData, takes=_req_historical_data, versioned=False),
    25: _Layout(ask.CancelHistoricalData),
    49: _Layout(ask.ReqCurrentTime),
    58: _Layout(ask.ReqGlobalCancel),
    59: _Layout(ask.ReqMarketDataType),
    61: _Layout(ask.ReqPositions),
    62: _Layout(ask.ReqAccountSummary),
    63: _Layout(ask.CancelAccountSummary),
    64: _Layout(ask.CancelPositions),
    71: _Layout(ask.StartApi),
    74: _Layout(ask.ReqPositionsMulti),
    75: _Layout(ask.CancelPositionsMulti),
    76: _Layout(ask.ReqAccountUpdatesMulti),
    77: _Layout(ask.CancelAccountUpdatesMulti),
    81: _Layout(ask.ReqMatchingSymbols, versioned=False),
    87: _Layout(ask.ReqHeadTimestamp, versioned=False),
    90: _Layout(ask.CancelHeadTimestamp, versioned=False),
    91: _Layout(ask.ReqMarketRule, versioned=False),
    92: _Layout(ask.ReqPnL, versioned=False),
    93: _Layout(ask.CancelPnL, versioned=False),
    94: _Layout(ask.ReqPnLSingle, versioned=False),
    95: _Layout(ask.CancelPnLSingle, versioned=False),
    99: _Layout(ask.ReqCompletedOrders, versioned=False),
    104: _Layout(ask.ReqUserInfo, versioned=False),
}


def request(server_version: int, payload: bytes) -> ask.Request:
    """Decode one message. Raises MalformedRequest; a message id we do not serve is an UnknownRequest."""
    texts = _split(payload)
    reader = FieldReader(texts)
    try:
        message_id = reader.integer()
    except FieldError as problem:
        raise ask.MalformedRequest(None, -1, str(problem)) from problem
    layout = _LAYOUTS.get(message_id)
    if layout is None:
        return ask.UnknownRequest(message_id, reader.rest())
    try:
        return layout.read(server_version, reader)
    except FieldError as problem:
        raise ask.MalformedRequest(message_id, layout.request_id(texts), str(problem)) from problem


def _split(payload: bytes) -> list[str]:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise ask.MalformedRequest(None, -1, f"not UTF-8 text: {problem.reason}") from problem
    if not text.endswith("\0"):
        raise ask.MalformedRequest(None, -1, "the last field has no end")
    return text[:-1].split("\0")
