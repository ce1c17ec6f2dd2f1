"""The two real clients without a socket: what they send is caught, what they are sent is recorded.

Examples speak of contracts, orders and filters once; each client here says them in its own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import ib_async
import ibapi.client
import ibapi.comm
import ibapi.contract
import ibapi.decoder
import ibapi.execution
import ibapi.order
import ibapi.order_cancel
import ibapi.order_condition
import ibapi.tag_value
from ib_async.client import Client
from ib_async.decoder import Decoder

from gateway_simulator import wire
from gateway_simulator.model import Contract

VERSIONS = (157, 163, 164, 169, 176, 177, 178)
"""Every server version at which a layout changes, and the ends."""

CLIENT_ID = 7
CONTRACT_NAMES = {
    "conId": "con_id",
    "symbol": "symbol",
    "secType": "sec_type",
    "lastTradeDateOrContractMonth": "last_trade_date",
    "strike": "strike",
    "right": "right",
    "multiplier": "multiplier",
    "exchange": "exchange",
    "primaryExchange": "primary_exchange",
    "currency": "currency",
    "localSymbol": "local_symbol",
    "tradingClass": "trading_class",
}


Theirs = Any
"""Any argument or object of either client: their classes have nothing in common."""


@dataclass(frozen=True)
class Filled:
    """Any object of a client, by the name of its class and its attributes."""

    kind: str
    values: Mapping[str, Any]


def made(kind: str, **values: Theirs) -> Filled:
    return Filled(kind, values)


def tag(name: str, value: str) -> Filled:
    return made("TagValue", tag=name, value=value)


class Recorder:
    """Stands in for either client's wrapper: every callback becomes a (name, arguments) pair."""

    defaultTimezone = UTC  # noqa: N815 -- ib_async's name

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, arguments))


class IbAsync:
    """ib_async 2.1.0."""

    def __init__(self, version: int) -> None:
        self.recorder = Recorder()
        self._client = Client(self.recorder)
        self._client.connState = Client.CONNECTED
        self._client.clientId = CLIENT_ID
        self._client._serverVersion = version  # noqa: SLF001 -- set by the handshake alone
        self._decoder = Decoder(self.recorder, version)  # type: ignore[arg-type]

    def send(self, method: str, *arguments: Theirs) -> bytes:
        """The payload the client sends for this call."""
        sent: list[str] = []
        self._client.sendMsg = sent.append  # type: ignore[method-assign, assignment]
        getattr(self._client, method)(*(self.own(argument) for argument in arguments))
        (message,) = sent
        return message.encode()

    def receive(self, fields: Sequence[str]) -> list[tuple[str, tuple[Any, ...]]]:
        """The callbacks the client makes for this message."""
        text = wire.frame(fields)[4:].decode()
        self._decoder.interpret(text.split("\0")[:-1])
        return self.recorder.calls

    def own(self, argument: Theirs) -> Theirs:
        match argument:
            case Contract():
                return ib_async.Contract(**{name: getattr(argument, ours) for name, ours in CONTRACT_NAMES.items()})
            case Filled(kind, values):
                made = getattr(ib_async, kind)(**{name: self.own(value) for name, value in values.items()})
                assert made is not None
                return made
            case list():
                return [self.own(value) for value in argument]
            case _:
                return argument


class IbApi:
    """IBKR's own Python client."""

    _KINDS: Mapping[str, Any] = {
        "Contract": ibapi.contract.Contract,
        "ComboLeg": ibapi.contract.ComboLeg,
        "DeltaNeutralContract": ibapi.contract.DeltaNeutralContract,
        "ExecutionFilter": ibapi.execution.ExecutionFilter,
        "ExecutionCondition": ibapi.order_condition.ExecutionCondition,
        "MarginCondition": ibapi.order_condition.MarginCondition,
        "Order": ibapi.order.Order,
        "OrderComboLeg": ibapi.order.OrderComboLeg,
        "PercentChangeCondition": ibapi.order_condition.PercentChangeCondition,
        "PriceCondition": ibapi.order_condition.PriceCondition,
        "SoftDollarTier": ibapi.order.SoftDollarTier,
        "TagValue": ibapi.tag_value.TagValue,
        "TimeCondition": ibapi.order_condition.TimeCondition,
        "VolumeCondition": ibapi.order_condition.VolumeCondition,
    }

    def __init__(self, version: int) -> None:
        self.recorder = Recorder()
        self._client = ibapi.client.EClient(self.recorder)
        self._client.clientId = CLIENT_ID
        self._client.serverVersion_ = version
        self._client.setConnState(ibapi.client.EClient.CONNECTED)
        self._decoder = ibapi.decoder.Decoder(self.recorder, version)

    def send(self, method: str, *arguments: Theirs) -> bytes:
        """The payload the client sends for this call."""
        socket = _Socket()
        self._client.conn = socket
        getattr(self._client, method)(*(self.own(argument) for argument in self._completed(method, arguments)))
        assert not self.recorder.calls, self.recorder.calls
        (payload,) = wire_payloads(socket.sent)
        return payload

    def receive(self, fields: Sequence[str]) -> list[tuple[str, tuple[Any, ...]]]:
        """The callbacks the client makes for this message, of which it must take every field."""
        size, payload, rest = ibapi.comm.read_msg(wire.frame(fields))
        assert (size, rest) == (len(payload), b"")
        message_id, _, body = payload.partition(b"\0")
        taken = _Taken(ibapi.comm.read_fields(body))
        self._decoder.interpret(taken, int(message_id))
        assert list(taken.left) == []
        return self.recorder.calls

    @staticmethod
    def _completed(method: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """This client wraps what accompanies a cancel in an object."""
        if method not in {"cancelOrder", "reqGlobalCancel"}:
            return arguments
        cancel = ibapi.order_cancel.OrderCancel()
        if arguments[1:]:
            cancel.manualOrderCancelTime = arguments[1]
        return (*arguments[:1], cancel)

    def own(self, argument: Theirs) -> Theirs:
        match argument:
            case Contract():
                values = {name: getattr(argument, ours) for name, ours in CONTRACT_NAMES.items()}
                return self.own(Filled("Contract", values))
            case Filled(kind, values):
                made = self._KINDS[kind]()
                for name, value in values.items():
                    if name == "conjunction":
                        made.isConjunctionConnection = value == "a"
                    else:
                        setattr(made, "exchange" if name == "exch" else name, self.own(value))
                return made
            case list():
                return [self.own(value) for value in argument]
            case _:
                return argument


class _Taken(tuple[bytes, ...]):  # noqa: SLOT001 -- it needs the attribute
    """Fields that remember what an iteration left over; messages of fixed length are not iterated."""

    left: Iterator[bytes] = iter(())

    def __iter__(self) -> Iterator[bytes]:
        self.left = super().__iter__()
        return self.left


class _Socket:
    def __init__(self) -> None:
        self.sent = b""

    def isConnected(self) -> bool:
        return True

    def sendMsg(self, data: bytes) -> None:
        self.sent += data


def wire_payloads(data: bytes) -> list[bytes]:
    """The payloads of whole frames, as the gateway reads them."""
    reader = wire.FrameReader()
    reader.feed(wire.PREAMBLE)
    return reader.feed(data)


CLIENTS = (IbAsync, IbApi)
