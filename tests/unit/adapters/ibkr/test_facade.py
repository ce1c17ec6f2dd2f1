from __future__ import annotations

from collections.abc import Callable
from typing import cast

import ib_async as ib
import pytest

from event_processor.adapters.ibkr.facade import FIRST_REQUEST_ID, PacedConnection, StrictDecoder
from event_processor.adapters.ibkr.gateway import IbkrBroker
from event_processor.adapters.ibkr.pacing import Pacer
from event_processor.adapters.ibkr.wrapper import Receiver, RecordingWrapper
from event_processor.domain.contract import ContractQuery
from event_processor.errors import GatewayDisconnected
from tests.support.scripted_gateway import ScriptedGateway

ESSENTIAL = {
    "orderStatus": 3, "error": 4, "openOrder": 5, "execDetails": 11, "openOrderEnd": 53, "execDetailsEnd": 55,
    "commissionReport": 59, "position": 61, "positionEnd": 62, "completedOrder": 101, "completedOrdersEnd": 102,
}  # fmt: skip
"""By what the TWS API calls them."""


class Ear:
    """A receiver that notes which messages were lost for good."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def broken(self, reason: str) -> None:
        self.lost.append(reason)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


class Failing(RecordingWrapper):
    """Notes which requests were ended with an error."""

    def __init__(self, ear: Ear) -> None:
        super().__init__(ib.IB(), cast("Receiver", ear))
        self.failed: list[int | str] = []

    def fail(self, key: int | str, error: Exception) -> None:
        self.failed.append(key)


@pytest.mark.parametrize("name", ESSENTIAL)
async def test_no_message_that_decides_about_orders_is_skipped(name: str) -> None:
    """Whatever of them cannot be decoded breaks the session: a completed order that was not read is one that might be
    sent again."""

    def unreadable(_: list[str]) -> None:
        raise ValueError("not as it should be")

    ear = Ear()
    decoder = StrictDecoder(Failing(ear), 178)
    decoder.handlers[ESSENTIAL[name]] = unreadable
    decoder.interpret([str(ESSENTIAL[name]), *["0"] * 20])
    assert [reason.partition(" ")[0] for reason in ear.lost] == [name]


@pytest.mark.parametrize(("version", "fields"), [(178, ["10", "77", "x"]), (157, ["10", "8", "77", "x"])])
async def test_a_contract_that_cannot_be_read_fails_its_own_look_up(version: int, fields: list[str]) -> None:
    """Older gateways say the version of the message before the id of the request."""
    wrapper = Failing(Ear())
    decoder = StrictDecoder(wrapper, version)
    decoder.interpret(fields)
    assert 77 in wrapper.failed


async def test_nothing_is_written_to_a_socket_that_is_not_there() -> None:
    """ib_async drops such a message; here whoever sends it learns that it did not leave, and no place was used."""
    pacer = Pacer(1)
    with pytest.raises(ConnectionError):
        PacedConnection(pacer).sendMsg(b"order")
    assert pacer.may_send


async def test_a_request_is_never_taken_for_an_order(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """Request ids lie far above the order ids, also after the gateway has named its next order id."""
    gateway.answers["71"] = lambda _: [(9, 1, 7_000), (15, 1, "DU1,")]
    await broker.connect()
    gateway.say(9, 1, 9_000)
    for _ in range(2):
        with pytest.raises(GatewayDisconnected, match="SPY"):
            await broker.resolve([ContractQuery(symbol="SPY")])
    asked = [int(fields[2]) for _, fields in gateway.received if fields[0] == "9"]
    assert asked == [FIRST_REQUEST_ID, FIRST_REQUEST_ID + 1]
    assert asked[0] >= 2_000_000_000
