"""The adapter against a gateway that misbehaves, over the real socket."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial

import pytest

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId, EventKey, OrderRef
from event_processor.domain.order import Order, OrderType, Side
from event_processor.domain.session import SessionEvent
from event_processor.errors import GatewayDisconnected, LoginRequired, ReadOnlyApi
from tests.support import scripted_gateway as wire
from tests.support.gateway import eventually
from tests.support.scripted_gateway import ScriptedGateway, next_input

OURS = AccountId("DU1")
ORDER = Order(
    OrderRef.derive(EventKey("k"), OURS, 1),
    OURS,
    Contract(con_id=ConId(756733), symbol="SPY"),
    Side.BUY,
    Decimal(10),
    OrderType.MARKET,
)
READ_ONLY = "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode."


async def test_connecting_asks_for_no_more_than_it_needs(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """A connection costs startApi, positions and account updates, and knows the accounts despite a last comma."""
    assert await broker.connect() == ("DU1",)
    state = await broker.account_state(OURS)
    assert (state.net_liquidation, state.positions) == (Decimal("1000.50"), ())
    assert gateway.kinds == [wire.START_API, wire.POSITIONS, wire.ACCOUNT_UPDATES]


async def test_nobody_listens(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """A refused connection is a gateway that is down, not one that waits for a login."""
    await gateway.__aexit__(None, None, None)
    with pytest.raises(GatewayDisconnected) as caught:
        await broker.connect()
    assert caught.value.reason_code == "gateway_disconnected"


@pytest.mark.parametrize("fault", ["silent", "slams", "greets but sends no id"])
async def test_an_open_door_is_not_a_login(gateway: ScriptedGateway, broker: IbkrBroker, fault: str) -> None:
    """A port that accepts and says nothing, or closes at once, means that nobody is logged in."""
    gateway.handshakes = fault != "silent"
    gateway.slams = fault == "slams"
    gateway.answers[wire.START_API] = lambda _: []
    started = asyncio.get_running_loop().time()
    with pytest.raises(LoginRequired):
        await broker.connect()
    took = asyncio.get_running_loop().time() - started
    assert took < (0.3 if fault == "slams" else 1.5)


@pytest.mark.parametrize(("up", "error"), [(True, LoginRequired), (False, GatewayDisconnected)])
async def test_a_relay_without_a_gateway_behind_it_is_no_login(
    gateway: ScriptedGateway, up: bool, error: type[Exception]
) -> None:
    """The relay closes at once in either case; whether somebody has to log in shows at the gateway's own port."""
    gateway.slams = True
    async with ScriptedGateway() as behind:
        if not up:
            await behind.__aexit__(None, None, None)
        settings = IbkrSettings(port=gateway.port, client_id=7, behind=("127.0.0.1", behind.port))
        with pytest.raises(error) as caught:
            await IbkrBroker(settings, SystemClock()).connect()
    assert type(caught.value) is error
    assert behind.received == []


@pytest.mark.parametrize("text", ["DU1, ", " DU1,,", "DU1,DU1"])
async def test_a_list_of_accounts_may_be_untidy(gateway: ScriptedGateway, broker: IbkrBroker, text: str) -> None:
    """A blank after the last comma is no second account: nobody would ever answer for it."""
    gateway.answers[wire.START_API] = lambda _: [(9, 1, 5), (15, 1, text)]
    assert await broker.connect() == ("DU1",)
    assert (await broker.account_state(OURS)).cash == Decimal("1000.50")


async def test_of_several_accounts_each_is_subscribed_to_once(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """However often the link comes back (1101 or 1102), what was asked for before is given up."""

    def values(fields: list[str]) -> list[wire.Message]:
        told = [("NetLiquidation", "1000.50"), ("TotalCashValue", "1000.50")]
        return [*((73, 1, fields[2], fields[3], "", tag, text, "USD") for tag, text in told), (74, 1, fields[2])]

    gateway.answers |= {wire.START_API: lambda _: [(9, 1, 5), (15, 1, "DU1,DU2")], "76": values, "77": lambda _: []}
    await broker.connect()
    for times, code in enumerate((1101, 1102, 1101), 2):
        gateway.say(4, 2, -1, 1100, "lost", "")
        gateway.say(4, 2, -1, code, "restored", "")
        asked = ["76"] * 2 * times + ["77"] * 2 * (times - 1)
        await eventually(partial(matches, gateway, asked))
    assert standing(gateway) == ["DU1", "DU2"]
    assert (await broker.account_state(AccountId("DU2"))).net_liquidation == Decimal("1000.50")


def matches(gateway: ScriptedGateway, asked: list[str]) -> bool:
    """Whether these are the kinds of requests for values of one of several accounts, and for their end."""
    return sorted(kind for kind in gateway.kinds if kind in {"76", "77"}) == asked


def standing(gateway: ScriptedGateway) -> list[str]:
    """The accounts whose values were asked for and not given up, one entry for each request."""
    given_up = {fields[2] for _, fields in gateway.received if fields[0] == "77"}
    return [fields[3] for _, fields in gateway.received if fields[0] == "76" and fields[2] not in given_up]


async def test_a_taken_client_id_is_told_apart(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """Code 326 at connect has its own reason."""
    gateway.answers[wire.START_API] = lambda _: [(4, 2, -1, 326, "Unable to connect as the client id is in use", "")]
    with pytest.raises(GatewayDisconnected) as caught:
        await broker.connect()
    assert caught.value.reason_code == "client_id_in_use"


async def test_a_login_without_positions_is_no_session(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """A gateway that never completes the positions did not connect; that is not taken for "no positions"."""
    gateway.answers[wire.POSITIONS] = lambda _: []
    with pytest.raises(GatewayDisconnected) as caught:
        await broker.connect()
    assert caught.value.reason_code == "request_timeout"


async def test_positions_may_take_as_long_as_any_answer(gateway: ScriptedGateway) -> None:
    """The limit for connecting is that of the handshake: a slow list of positions is waited for, not asked anew."""
    gateway.answers[wire.POSITIONS] = lambda _: []
    settings = IbkrSettings(port=gateway.port, connect_timeout_seconds=0.2, request_timeout_seconds=5)
    broker = IbkrBroker(settings, SystemClock())
    connecting = asyncio.ensure_future(broker.connect())
    await eventually(lambda: wire.POSITIONS in gateway.kinds)
    await asyncio.wait({connecting}, timeout=0.4)
    gateway.say(62, 1)
    assert await connecting == ("DU1",)
    await broker.disconnect()


async def test_a_greeting_that_always_comes_late(gateway: ScriptedGateway) -> None:
    """Once in a while the handshake gets as long as any answer, or a slow gateway would never be reached."""
    gateway.answers[wire.START_API] = lambda _: []
    settings = IbkrSettings(port=gateway.port, connect_timeout_seconds=0.05, request_timeout_seconds=5)
    broker = IbkrBroker(settings, SystemClock())
    for _ in range(19):
        with pytest.raises(LoginRequired):
            await broker.connect()
    before = gateway.kinds.count(wire.START_API)
    connecting = asyncio.ensure_future(broker.connect())
    await eventually(lambda: gateway.kinds.count(wire.START_API) > before)
    await asyncio.wait({connecting}, timeout=0.3)
    gateway.say(9, 1, 5)
    gateway.say(15, 1, "DU1,")
    assert await connecting == ("DU1",)
    await broker.disconnect()


async def test_a_lost_socket_is_told_and_fails_what_waits(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """When the socket goes, a pending look-up fails at once and the session input comes."""
    gateway.answers[wire.OPEN_ORDERS] = lambda _: []
    await broker.connect()
    looking = asyncio.ensure_future(broker.evidence())
    await eventually(lambda: wire.OPEN_ORDERS in gateway.kinds)
    gateway.hang_up()
    with pytest.raises(GatewayDisconnected):
        await asyncio.wait_for(looking, 0.3)
    assert (await next_input(broker)).event is SessionEvent.SOCKET_LOST
    with pytest.raises(GatewayDisconnected):
        broker.place(ORDER, 1)


async def test_an_unanswered_look_up_ends_the_connection(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """An answer without an id that comes too late could be taken for the next one's: start over instead."""
    gateway.answers[wire.COMPLETED_ORDERS] = lambda _: []
    await broker.connect()
    with pytest.raises(GatewayDisconnected) as caught:
        await broker.evidence()
    assert caught.value.reason_code == "request_timeout"
    told = await next_input(broker)
    assert told.event is SessionEvent.SOCKET_LOST
    assert "completed orders" in told.detail


async def test_an_unanswered_request_with_an_id_keeps_it(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """Contract details that never come fail alone."""
    await broker.connect()
    with pytest.raises(GatewayDisconnected, match="SPY"):
        await broker.resolve([ContractQuery(symbol="SPY")])
    assert (await broker.evidence()).open_orders == ()


async def test_a_read_only_gateway_refuses_look_ups(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """321 without a request id, while a look-up waits, is the API refusing it, at once."""
    gateway.answers[wire.OPEN_ORDERS] = lambda _: [(4, 2, -1, 321, READ_ONLY, "")]
    await broker.connect()
    with pytest.raises(ReadOnlyApi):
        await broker.evidence()
    assert (await next_input(broker)).event is SessionEvent.READ_ONLY
