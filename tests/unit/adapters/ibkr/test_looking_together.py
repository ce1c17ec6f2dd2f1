"""Look-ups that several want at once, or that outlive whoever asked."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from event_processor.adapters.ibkr.gateway import IbkrBroker
from event_processor.domain.ids import AccountId
from event_processor.domain.session import SessionEvent
from event_processor.errors import GatewayDisconnected
from tests.support import scripted_gateway as wire
from tests.support.gateway import eventually
from tests.support.scripted_gateway import ScriptedGateway, next_input

OURS = AccountId("DU1")
TURNS = 20
"""Of the event loop; more than it takes from a question to its message."""


async def test_a_list_of_open_orders_takes_nothing_from_a_look_under_way(
    gateway: ScriptedGateway, broker: IbkrBroker
) -> None:
    """It waits for its turn: the orders that the look has heard of already are not forgotten meanwhile, which would
    make them look absent."""
    working = (3, 5, "Submitted", 0, 10, 0, 77, 0, 0, 7, "", 0)
    gateway.answers[wire.OPEN_ORDERS] = lambda _: [working, (53, 1)]
    del gateway.answers[wire.COMPLETED_ORDERS]
    await broker.connect()
    looking = asyncio.ensure_future(broker.evidence())
    await eventually(lambda: wire.COMPLETED_ORDERS in gateway.kinds)
    gateway.answers[wire.OPEN_ORDERS] = lambda _: []
    listing = asyncio.ensure_future(broker.open_orders())
    for _ in range(TURNS):
        await asyncio.sleep(0)
    gateway.say(102)
    assert [report.perm_id for report in (await looking).open_orders] == [77]
    await eventually(lambda: gateway.kinds.count(wire.OPEN_ORDERS) == 2)
    gateway.say(*working)
    gateway.say(53, 1)
    assert [report.perm_id for report in await listing] == [77]


async def test_a_look_goes_on_when_one_of_those_who_wait_for_it_gives_up(
    gateway: ScriptedGateway, broker: IbkrBroker
) -> None:
    """It belongs to all of them."""
    del gateway.answers[wire.COMPLETED_ORDERS]
    await broker.connect()
    askers = [asyncio.ensure_future(broker.evidence()) for _ in range(2)]
    await eventually(lambda: wire.COMPLETED_ORDERS in gateway.kinds)
    askers[0].cancel()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    gateway.say(102)
    assert (await askers[1]).open_orders == ()


async def test_positions_are_never_older_than_the_question_for_them(
    gateway: ScriptedGateway, broker: IbkrBroker
) -> None:
    """Who asks while an answer is under way has a new one: the last word on what was executed must not be from before
    the look-up that it follows."""
    await broker.connect()
    await broker.account_state(OURS)
    del gateway.answers[wire.POSITIONS]
    first = asyncio.ensure_future(broker.account_state(OURS, fresh=True))
    await eventually(lambda: gateway.kinds.count(wire.POSITIONS) == 2)
    second = asyncio.ensure_future(broker.account_state(OURS, fresh=True))
    for _ in range(TURNS):
        await asyncio.sleep(0)
    gateway.say(62, 1)
    await asyncio.wait({first, second}, timeout=0.1)
    await eventually(lambda: gateway.kinds.count(wire.POSITIONS) == 3)
    gateway.say(61, 3, "DU1", 756733, "SPY", "STK", "", 0, "", "", "", "USD", "SPY", "SPY", 5, 400)
    gateway.say(62, 1)
    assert [held.quantity for held in (await second).positions] == [Decimal(5)]
    await first


async def test_a_new_session_hears_nothing_of_the_one_before(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """The end of the old one, not listened to yet, is not mistaken for its own."""
    await broker.connect()
    gateway.hang_up()
    with pytest.raises(GatewayDisconnected):
        await broker.evidence()
    await broker.connect()
    gateway.say(4, 2, -1, 1100, "lost", "")
    assert (await next_input(broker)).event is SessionEvent.LINK_LOST
