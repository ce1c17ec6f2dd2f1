"""The adapter when the gateway loses its link to IBKR and gets it back: what was known or asked before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from event_processor.adapters.ibkr.gateway import IbkrBroker
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId, EventKey, OrderRef
from event_processor.domain.order import Order, OrderType, Side
from event_processor.domain.session import SessionEvent
from event_processor.errors import GatewayDisconnected
from tests.support import scripted_gateway as wire
from tests.support.scripted_gateway import ScriptedGateway, next_input

OURS = AccountId("DU1")
LOST, RESTORED = (4, 2, -1, 1100, "lost", ""), (4, 2, -1, 1102, "restored", "")


@pytest.mark.parametrize("code", [1101, 1102])
@pytest.mark.parametrize("silent", [wire.POSITIONS, wire.ACCOUNT_UPDATES])
async def test_what_was_known_before_a_loss_is_not_told_after_it(
    gateway: ScriptedGateway, broker: IbkrBroker, code: int, silent: str
) -> None:
    """Whether subscriptions are said to have survived or not: positions and values may have changed meanwhile, and
    without a new answer to both there is no state of the account."""
    await broker.connect()
    await broker.account_state(OURS)
    gateway.answers[silent] = lambda _: []
    gateway.say(*LOST)
    gateway.say(4, 2, -1, code, "restored", "")
    assert [(await next_input(broker)).event for _ in range(2)] == [SessionEvent.LINK_LOST, SessionEvent.LINK_RESTORED]
    with pytest.raises(GatewayDisconnected, match="not complete"):
        await broker.account_state(OURS)


@pytest.mark.parametrize("ask", [IbkrBroker.evidence, IbkrBroker.open_orders])
async def test_a_look_up_over_a_loss_shows_nothing(
    gateway: ScriptedGateway, broker: IbkrBroker, ask: Callable[[IbkrBroker], Awaitable[object]]
) -> None:
    """Also when the link is back before the answer ends: what came in between may have a hole."""
    await broker.connect()
    gateway.answers[wire.OPEN_ORDERS] = lambda _: [LOST, RESTORED, (53, 1)]
    with pytest.raises(GatewayDisconnected) as caught:
        await ask(broker)
    assert caught.value.reason_code == "link_lost"


async def test_positions_that_came_with_a_loss_are_not_told(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """They were asked for anew, and are complete, but the link went before the answer ended."""
    await broker.connect()
    gateway.answers[wire.POSITIONS] = lambda _: [LOST, (62, 1)]
    with pytest.raises(GatewayDisconnected) as caught:
        await broker.account_state(OURS, fresh=True)
    assert caught.value.reason_code == "link_lost"


async def test_nothing_is_sent_while_the_link_is_away(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """The socket is still open, and the gateway would take an order, a cancel or a question: none is sent, and each is
    told why."""
    await broker.connect()
    gateway.say(*LOST)
    assert (await next_input(broker)).event is SessionEvent.LINK_LOST
    before = list(gateway.kinds)
    order = Order(
        OrderRef.derive(EventKey("k"), OURS, 1), OURS, Contract(ConId(1), "SPY"), Side.BUY, Decimal(1), OrderType.MARKET
    )
    await broker.send_slot()

    def place() -> None:
        broker.place(order, 1)

    def cancel() -> None:
        broker.cancel(1)

    for send in (place, cancel):
        with pytest.raises(GatewayDisconnected) as refused:
            send()
        assert refused.value.reason_code == "link_lost"
    for ask in (broker.evidence, broker.open_orders, lambda: broker.resolve([ContractQuery(symbol="SPY")])):
        with pytest.raises(GatewayDisconnected) as unasked:
            await ask()
        assert unasked.value.reason_code == "link_lost"
    gateway.say(*RESTORED)
    assert (await next_input(broker)).event is SessionEvent.LINK_RESTORED
    assert gateway.kinds == before
