"""The adapter against a gateway that misbehaves, over the real socket: what it says."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import ib_async as ib
import pytest

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId, EventKey, ExecId, OrderRef
from event_processor.domain.order import Order, OrderStatus, OrderType, Side
from event_processor.domain.reports import Commission, NoticeKind, OrderNotice, OrderReport, Report
from event_processor.domain.session import SessionEvent, SessionInput
from event_processor.errors import GatewayDisconnected
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


@pytest.mark.parametrize(
    "message",
    [
        (11, -1, "not a number"),
        (3, "one", "Filled", 1),
        (5, 1, "cut off"),
        (61, 3, "DU1", "cut off"),
        (59, 1, "e.1", "unreadable", "USD", "", "", ""),
    ],
)
async def test_a_message_that_cannot_be_read_is_never_skipped(
    gateway: ScriptedGateway, broker: IbkrBroker, message: tuple[object, ...]
) -> None:
    """ib_async would log and forget it; here the session starts over, so that what it said is looked up."""
    await broker.connect()
    gateway.say(*message)
    told = await next_input(broker)
    assert told.event is SessionEvent.SOCKET_LOST
    assert "could not be" in told.detail


async def test_a_message_that_does_not_matter_may_be_unreadable(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """An unknown message, or a tick that cannot be read, does not cost the session."""
    await broker.connect()
    gateway.say(999, "new in the next version")
    gateway.say(1, 6, "no id", 1, 100.0, 1, 0)
    gateway.say(46, 6, "no id", 45, "x")
    assert (await broker.evidence()).open_orders == ()


async def test_a_contract_that_cannot_be_read_is_not_unknown(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """The end of the answer that follows is not the answer: the event that asked has to wait, and is not refused."""
    gateway.answers[wire.CONTRACT_DETAILS] = lambda asked: [(10, asked[2], "SPY", "cut off"), (52, 1, asked[2])]
    await broker.connect()
    with pytest.raises(GatewayDisconnected, match="could not be decoded"):
        await broker.resolve([ContractQuery(symbol="SPY")])
    gateway.say(10)
    assert (await broker.evidence()).open_orders == ()


async def test_a_sink_that_fails_ends_the_session(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """A report that could not be handed on is not lost in a log: everything is looked at anew."""

    def sink(report: Report) -> None:
        raise RuntimeError("queue full")

    await broker.connect()
    broker.subscribe(sink)
    gateway.say(3, 12, "Submitted", 0, 10, 0, 900, 0, 0, 7, "", 0)
    told = await next_input(broker)
    assert told.event is SessionEvent.SOCKET_LOST
    assert "queue full" in told.detail


@pytest.mark.parametrize("code", [10349, 10147, 10148, 10268])
async def test_notices_never_end_an_order(gateway: ScriptedGateway, broker: IbkrBroker, code: int) -> None:
    """ib_async marks the order Cancelled on these codes; here they are notices and no status follows."""
    reports: list[Report] = []
    broker.subscribe(reports.append)
    await broker.connect()
    await broker.send_slot()
    broker.place(ORDER, 12)
    gateway.say(3, 12, "Submitted", 0, 10, 0, 900, 0, 0, 7, "", 0)
    gateway.say(4, 2, 12, code, "text", "")
    await eventually(lambda: len(reports) == 2)
    status, notice = reports
    assert isinstance(status, OrderReport)
    assert (status.status, status.order_ref) == (OrderStatus.SUBMITTED, str(ORDER.ref))
    assert isinstance(notice, OrderNotice)
    assert (notice.order_ref, notice.code) == (str(ORDER.ref), code)
    assert notice.kind not in {NoticeKind.CANCELLED, NoticeKind.REFUSED}


@pytest.mark.parametrize("high", [1_795_000_000, 2_147_000_000])
async def test_a_refusal_is_heard_however_high_the_order_id(
    gateway: ScriptedGateway, broker: IbkrBroker, high: int
) -> None:
    """A program that takes the time in seconds for its order ids pushes ours up; an error still names our order."""
    gateway.answers[wire.START_API] = lambda _: [(9, 1, high), (15, 1, "DU1,")]
    reports: list[Report] = []
    broker.subscribe(reports.append)
    await broker.connect()
    await broker.send_slot()
    order_id = broker.next_order_id()
    broker.place(ORDER, order_id)
    gateway.say(4, 2, order_id, 201, "Order rejected - reason: margin", "")
    await eventually(lambda: bool(reports))
    assert reports == [OrderNotice(str(ORDER.ref), high, 201, "Order rejected - reason: margin", NoticeKind.REFUSED)]


async def test_a_commission_that_is_not_known_yet(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """An unset amount is no commission, and no reason to give up a session that would be told the same again."""
    commissions = [(59, 1, "e.1", ib.util.UNSET_DOUBLE, "USD", "", "", ""), (59, 1, "e.2", 1.5, "USD", "", "", "")]
    gateway.answers[wire.EXECUTIONS] = lambda fields: [*commissions, (55, 1, fields[2])]
    await broker.connect()
    assert (await broker.evidence()).commissions == (Commission(ExecId("e.2"), Decimal("1.5"), "USD"),)


async def test_orders_go_out_only_with_a_place(gateway: ScriptedGateway) -> None:
    """Without a place to send, and with none free, nothing leaves and the error says so."""
    broker = IbkrBroker(IbkrSettings(port=gateway.port, messages_per_second=4), SystemClock())
    await broker.connect()
    with pytest.raises(GatewayDisconnected) as caught:
        broker.place(ORDER, 12)
    assert caught.value.reason_code == "no_send_slot"
    await broker.send_slot()
    broker.place(ORDER, 12)
    await eventually(lambda: wire.PLACE_ORDER in gateway.kinds)
    await broker.disconnect()
    assert gateway.kinds.count(wire.PLACE_ORDER) == 1


async def test_every_message_is_paced(gateway: ScriptedGateway) -> None:
    """What the gateway receives never exceeds the rate in any one second, connecting included."""
    gateway.answers[wire.CONTRACT_DETAILS] = lambda fields: [(52, 1, fields[2])]
    broker = IbkrBroker(IbkrSettings(port=gateway.port, messages_per_second=20), SystemClock())
    await broker.connect()
    queries = [ContractQuery(con_id=ConId(number)) for number in range(1, 41)]
    with pytest.raises(Exception, match="knows no such contract"):
        await broker.resolve(queries)
    await broker.disconnect()
    times = [at for at, _ in gateway.received]
    assert len(times) == 43
    assert max(sum(start <= at <= start + 1 for at in times) for start in times) <= 20


async def test_reports_flow_on_after_a_reconnect(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """A sink subscribed once hears every session, and an order's identity survives the reconnect."""
    reports: list[Report] = []
    unsubscribe = broker.subscribe(reports.append)
    await broker.connect()
    await broker.send_slot()
    broker.place(ORDER, 12)
    await broker.connect()
    gateway.say(3, 12, "Filled", 10, 0, 100, 900, 0, 0, 7, "", 0)
    await eventually(lambda: len(reports) == 1)
    assert isinstance(reports[0], OrderReport)
    assert reports[0].order_ref == str(ORDER.ref)
    unsubscribe()
    gateway.say(3, 12, "Filled", 10, 0, 100, 900, 0, 0, 7, "", 0)
    await broker.evidence()
    assert len(reports) == 1


async def test_our_own_disconnect_is_no_news(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """Closing on our own wish tells nobody, so that it cannot be mistaken for the next session's end."""
    await broker.connect()
    await broker.disconnect()
    await broker.disconnect()
    await broker.connect()
    gateway.say(4, 2, -1, 1100, "Connectivity lost", "")
    assert await next_input(broker) == SessionInput(SessionEvent.LINK_LOST, 1100, "Connectivity lost")


async def test_nothing_is_believed_or_sent_without_the_link(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """While 1100 stands, look-ups, account state and orders are refused; after 1102 they work."""
    await broker.connect()
    gateway.say(4, 2, -1, 1100, "lost", "")
    await next_input(broker)
    for refused in (broker.evidence(), broker.account_state(OURS), broker.quotes([ORDER.contract], 30)):
        with pytest.raises(GatewayDisconnected, match="link"):
            await refused
    with pytest.raises(GatewayDisconnected, match="link"):
        broker.place(ORDER, 12)
    gateway.say(4, 2, -1, 1102, "restored", "")
    assert (await next_input(broker)).event is SessionEvent.LINK_RESTORED
    assert (await broker.evidence()).open_orders == ()
    assert wire.PLACE_ORDER not in gateway.kinds


async def test_lost_data_is_subscribed_anew(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """After 1101 the state is complete only once positions and values were sent again."""
    await broker.connect()
    await broker.account_state(OURS)
    gateway.answers[wire.POSITIONS] = lambda _: [
        (61, 3, "DU1", 756733, "SPY", "STK", "", 0, "", "", "", "USD", "SPY", "SPY", 5, 400), (62, 1),
    ]  # fmt: skip
    gateway.say(4, 2, -1, 1101, "restored, data lost", "")
    await next_input(broker)
    state = await broker.account_state(OURS)
    assert [(held.contract.symbol, held.quantity) for held in state.positions] == [("SPY", Decimal(5))]
    assert gateway.kinds.count(wire.POSITIONS) == 2


async def test_lost_data_is_asked_for_again(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """After 1101 no price of before counts: its line is dead, and nobody would hear the next one."""
    gateway.answers[wire.MARKET_DATA] = lambda asked: [(1, 6, asked[2], side, 100.0, 1, 0) for side in (1, 2)]
    await broker.connect()
    await broker.quotes([ORDER.contract], 30)
    gateway.say(4, 2, -1, 1101, "restored, data lost", "")
    await next_input(broker)
    await broker.quotes([ORDER.contract], 30)
    assert gateway.kinds.count(wire.MARKET_DATA) == 2


async def test_fresh_positions_are_those_of_a_new_question(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """What the standing subscription said before is not enough where it decides whether an order was executed."""
    await broker.connect()
    assert (await broker.account_state(OURS)).positions == ()
    gateway.answers[wire.POSITIONS] = lambda _: [
        (61, 3, "DU1", 756733, "SPY", "STK", "", 0, "", "", "", "USD", "SPY", "SPY", 5, 400), (62, 1),
    ]  # fmt: skip
    state = await broker.account_state(OURS, fresh=True)
    assert [held.quantity for held in state.positions] == [Decimal(5)]


async def test_positions_that_are_not_sent_again_end_the_session(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """A gateway may answer for the positions once in a connection; whoever waits for them would wait for ever."""
    await broker.connect()
    del gateway.answers[wire.POSITIONS]
    with pytest.raises(GatewayDisconnected, match="not complete"):
        await broker.account_state(OURS, fresh=True)
    assert (await next_input(broker)).event is SessionEvent.SOCKET_LOST
    gateway.answers[wire.POSITIONS] = lambda _: [(62, 1)]
    await broker.connect()
    assert (await broker.account_state(OURS)).positions == ()


async def test_concurrent_questions_share_one_look_up(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """Whoever asks while a look-up runs gets the next one, and all of them the same."""
    answer = gateway.answers.pop(wire.COMPLETED_ORDERS)
    await broker.connect()
    first = asyncio.ensure_future(broker.evidence())
    await eventually(lambda: wire.COMPLETED_ORDERS in gateway.kinds)
    later = [asyncio.ensure_future(broker.evidence()) for _ in range(3)]
    await asyncio.sleep(0)
    gateway.answers[wire.COMPLETED_ORDERS] = answer
    gateway.say(*answer([])[0])
    answers = await asyncio.gather(first, *later)
    assert gateway.kinds.count(wire.OPEN_ORDERS) == 2
    assert answers[1] is answers[2] is answers[3] is not answers[0]


async def test_order_ids_stay_above_a_gateway_that_moves_back(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """The gateway's nextValidId may be lower after a gateway restart; ids never are."""
    gateway.answers[wire.START_API] = lambda _: [(9, 1, 40), (15, 1, "DU1")]
    await broker.connect()
    first = broker.next_order_id()
    gateway.answers[wire.START_API] = lambda _: [(9, 1, 5), (15, 1, "DU1")]
    await broker.connect()
    assert (first, broker.next_order_id()) == (40, 41)
    broker.raise_order_ids(60)
    assert broker.next_order_id() == 61


async def test_too_fast_slows_down(gateway: ScriptedGateway, broker: IbkrBroker) -> None:
    """Code 100 halves the pace at once."""
    gateway.answers[wire.CONTRACT_DETAILS] = lambda fields: [(52, 1, fields[2])]
    await broker.connect()
    gateway.say(4, 2, -1, 100, "Max rate of messages per second has been exceeded", "")
    await broker.evidence()
    with pytest.raises(Exception, match="knows no such contract"):
        await broker.resolve([ContractQuery(con_id=ConId(number)) for number in range(1, 31)])
    times = [at for at, _ in gateway.received]
    assert max(sum(start <= at <= start + 1 for at in times[6:]) for start in times[6:]) <= 22
