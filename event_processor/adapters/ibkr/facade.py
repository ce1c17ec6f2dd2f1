"""ib_async's facade and client: its own throttle off, every message counted, nothing undecodable swallowed.

Changed in ib_async 2.1.0: failed requests raise (`RaiseRequestErrors`); the answer to 1102, an account
summary subscription that nobody paced or asked for, is left out; request ids live far above order ids, so
that an error's id tells a request from an order.
"""

# ruff: noqa: N802, N803 - names and arguments are ib_async's
# mypy: allow-untyped-calls
from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import ib_async as ib
from ib_async.client import Client
from ib_async.connection import Connection
from ib_async.decoder import Decoder

from event_processor.adapters.ibkr import translate
from event_processor.adapters.ibkr.pacing import Pacer
from event_processor.adapters.ibkr.wrapper import Receiver, RecordingWrapper

FIRST_REQUEST_ID = 2_000_000_000
"""Requests count up from here. Order ids stay below: those of a program that takes the time in seconds for its own push
ours, by `nextValidId` or as open orders, as high as that."""

_ESSENTIAL = {
    3: "orderStatus", 4: "error", 5: "openOrder", 11: "execDetails", 53: "openOrderEnd", 55: "execDetailsEnd",
    59: "commissionReport", 61: "position", 62: "positionEnd", 101: "completedOrder", 102: "completedOrdersEnd",
}  # fmt: skip
"""Messages that must not be lost: what they say decides whether an order is sent."""

_CONTRACT_DETAILS, _UNVERSIONED_FROM = 10, 164
"""The message id of contractDetails; from this server version on its request id comes right after that."""
_EXECUTION, _EXECUTION_TIME = 11, 15
"""The message id of execDetails, and which of its fields is the time."""


class PacedConnection(Connection):
    """The socket; each message that leaves is counted, whoever sent it."""

    def __init__(self, pacer: Pacer) -> None:
        super().__init__()
        self._pacer = pacer
        self.accepted = False
        """Somebody took the connection, whatever became of it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: ARG002 - asyncio's signature
        """The other side accepted."""
        self.accepted = True

    def sendMsg(self, msg: bytes) -> None:
        """Write one message (ConnectionError when there is no socket, where ib_async drops it)."""
        if self.transport is None or self.transport.is_closing():
            raise ConnectionError("not connected")
        super().sendMsg(msg)
        self._pacer.sent()


class StrictDecoder(Decoder):
    """Hands a message that cannot be decoded to the receiver, where ib_async logs it and goes on."""

    def __init__(self, wrapper: RecordingWrapper, serverVersion: int) -> None:
        super().__init__(wrapper, serverVersion)
        self._recorder, self._receiver = wrapper, wrapper.receiver

    def interpret(self, fields: list[str]) -> None:
        """Decode one message and call the wrapper."""
        message_id = int(fields[0]) if fields and fields[0].isdigit() else 0
        head = tuple(fields[:3])
        try:
            if message_id == _EXECUTION:
                fields[_EXECUTION_TIME] = _epoch_seconds(fields[_EXECUTION_TIME], self._receiver.now())
            self.handlers[message_id](fields)
        except Exception as error:  # noqa: BLE001 - decided below, by what was lost
            if message_id in _ESSENTIAL:
                self._receiver.broken(f"{_ESSENTIAL[message_id]} could not be decoded: {error!r}")
            else:
                self.logger.warning("message %s was not understood: %r", message_id, error)
                if message_id == _CONTRACT_DETAILS:
                    self._fail_look_up(head, error)

    def _fail_look_up(self, head: tuple[str, ...], error: Exception) -> None:
        """A contract that could not be read is not one that does not exist."""
        for text in head[2:] if self.serverVersion < _UNVERSIONED_FROM else head[1:2]:
            if text.isdigit():
                refusal = ib.RequestError(int(text), 0, f"contract details could not be decoded: {error!r}")
                self._recorder.fail(int(text), refusal)

    def wrap(
        self,
        methodName: str,
        types: Sequence[type[Any]],
        skip: int = 2,
    ) -> Callable[[list[str]], None]:
        """A handler that reads fields of these types and calls the wrapper's method."""

        def handler(fields: list[str]) -> None:
            method = getattr(self.wrapper, methodName, None)
            if method is not None:
                method(*(_read(kind, field) for kind, field in zip(types, fields[skip:], strict=False)))

        return handler


class PacedClient(Client):
    """The wire client."""

    MaxRequests = 0
    conn: PacedConnection

    def __init__(self, wrapper: RecordingWrapper, pacer: Pacer) -> None:
        super().__init__(wrapper)
        self.decoder = StrictDecoder(wrapper, 0)
        self.conn = PacedConnection(pacer)
        self.conn.hasData += self._onSocketHasData
        self.conn.disconnected += self._onSocketDisconnected
        self._request_ids = itertools.count(FIRST_REQUEST_ID)

    def getReqId(self) -> int:
        """A new request id (ConnectionError when there is no session)."""
        if not self.isReady():
            raise ConnectionError("not connected")
        return next(self._request_ids)

    def updateReqId(self, minReqId: int) -> None:
        """Order ids do not move request ids."""


class GatewayFacade(ib.IB):
    """One connection's facade; made new for each attempt, so that nothing of an old session survives."""

    RaiseRequestErrors = True

    def __init__(self, receiver: Receiver, pacer: Pacer) -> None:
        self._createEvents()
        self.wrapper: RecordingWrapper = RecordingWrapper(self, receiver)
        self.client: PacedClient = PacedClient(self.wrapper, pacer)
        self.client.apiEnd += self.disconnectedEvent
        self._logger = logging.getLogger("ib_async.ib")


def _read(kind: type[Any], field: str) -> Any:  # noqa: ANN401 - as many types as the wire has
    if kind is str:
        return field
    return kind(int(field or 0)) if kind is bool else kind(field or 0)


def _epoch_seconds(text: str, received: datetime) -> str:
    return str(int(translate.message_time(text, received).astimezone(UTC).timestamp()))
