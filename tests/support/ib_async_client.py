"""ib_async's own client as a `Client`."""

from __future__ import annotations

from datetime import UTC

import ib_async

from tests.support.clients import Client
from tests.support.gateway import HOST
from tests.support.hearing import Ear, FaultLog


class IbAsyncEar(Ear):
    """What ib_async wants of a wrapper besides callbacks; that the socket closed it tells after this, by `apiEnd`."""

    defaultTimezone = UTC  # noqa: N815 - its decoder gives times in it

    def setEventsDone(self) -> None: ...

    def connectionClosed(self) -> None: ...


class IbAsyncClient(Client):
    """ib_async's own client and decoder, on the event loop."""

    contract_type, order_type = ib_async.Contract, ib_async.Order
    filter_type, tag_type, quantity_type = ib_async.ExecutionFilter, ib_async.TagValue, float

    def __init__(self) -> None:
        super().__init__()
        self._api = ib_async.Client(IbAsyncEar(self.note))
        self._api.apiEnd += lambda: self.note("connectionClosed")
        self._log = FaultLog("ib_async.Decoder")

    async def _open(self, port: int, client_id: int, seconds: float) -> None:
        self._log.__enter__()
        await self._api.connectAsync(HOST, port, client_id, seconds)

    async def _hang_up(self) -> None:
        self._api.disconnect()
        self._log.__exit__()

    def ask(self, request: str, *values: object) -> None:
        getattr(self._api, request)(*values)

    def unthrottle(self) -> None:
        self._api.MaxRequests = 0

    def cancel(self, order_id: int) -> None:
        self.ask("cancelOrder", order_id)

    def cancel_all(self) -> None:
        self.ask("reqGlobalCancel")

    @property
    def connected(self) -> bool:
        return bool(self._api.isConnected())

    @property
    def server_version(self) -> int:
        return self._api.serverVersion()

    @property
    def faults(self) -> list[str]:
        return self._log.lines
