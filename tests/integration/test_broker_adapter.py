"""Our adapter over the real socket, against the gateway's moods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker, IbkrSettings
from event_processor.domain.contract import ContractQuery
from event_processor.domain.ids import AccountId
from event_processor.domain.order import OrderStatus
from event_processor.domain.reports import NoticeKind
from event_processor.domain.session import SessionEvent
from event_processor.errors import GatewayDisconnected, LoginRequired, QuotesUnavailable
from tests.support.broker_benches import ACCOUNT, BrokerBench, socket_bench
from tests.support.gateway import eventually, gateway


@pytest.fixture
async def bench() -> AsyncIterator[BrokerBench]:
    async with socket_bench() as plain:
        await plain.broker.connect()
        yield plain


@pytest.mark.parametrize("action", ["silent", "slam"])
async def test_a_door_without_a_login_behind_it(action: str) -> None:
    """A relay that accepts and stays silent, or closes at once, is a login that is missing; then it works."""
    async with socket_bench() as bench:
        bench.do(action)
        with pytest.raises(LoginRequired):
            await bench.broker.connect()
        bench.do("open")
        assert await bench.broker.connect() == (ACCOUNT,)


async def test_a_gateway_that_refuses_connections() -> None:
    """A port nobody listens on is a gateway that is down."""
    async with socket_bench() as bench:
        bench.do("refuse")
        await eventually(lambda: str(bench.sim.session.door) == "shut")
        with pytest.raises(GatewayDisconnected) as caught:
            await bench.broker.connect()
        assert caught.value.reason_code == "gateway_disconnected"


async def test_a_second_writer_is_kept_out() -> None:
    """The same client id twice is refused to the newcomer, and the first session goes on."""
    async with gateway() as running:
        first, second = (IbkrBroker(IbkrSettings(port=running.port), SystemClock()) for _ in range(2))
        await first.connect()
        with pytest.raises(GatewayDisconnected) as caught:
            await second.connect()
        assert caught.value.reason_code == "client_id_in_use"
        assert (await first.evidence()).open_orders == ()
        await first.disconnect()


async def test_positions_that_never_come_are_no_empty_account() -> None:
    """A gateway that does not answer for the positions gives no session, until it does."""
    async with socket_bench(settings={"connect_timeout_seconds": 0.3}) as bench:
        bench.do("lookup", request="positions", count=1, silent=True)
        with pytest.raises(GatewayDisconnected):
            await bench.broker.connect()
        await bench.broker.connect()
        assert (await bench.broker.account_state(ACCOUNT)).positions == ()


@pytest.mark.parametrize("request_name", ["all_open_orders", "completed_orders", "executions"])
async def test_a_look_up_that_fails_is_never_empty(bench: BrokerBench, request_name: str) -> None:
    """Each of the three look-ups that stays silent fails the evidence as a whole."""
    bench.do("lookup", request=request_name, count=1, silent=True)
    with pytest.raises(GatewayDisconnected) as caught:
        await bench.broker.evidence()
    assert caught.value.reason_code == "request_timeout"
    await bench.broker.connect()
    assert (await bench.broker.evidence()).executions == ()


async def test_read_only_is_told_and_takes_nothing() -> None:
    """On a read-only API the order is not taken, and the session hears why."""
    async with socket_bench("read-only") as bench:
        await bench.broker.connect()
        order, _ = await bench.place()
        assert (await bench.next_input()).event is SessionEvent.READ_ONLY
        assert [notice.kind for notice in bench.notices(order)] == [NoticeKind.READ_ONLY]


async def test_a_competing_login_from_beginning_to_end(bench: BrokerBench) -> None:
    """While the owner is logged in elsewhere 1100 repeats; when he leaves the session is back with everything."""
    contract = await bench.contract("SPY")
    bench.do("compete", every=0.05)
    happened = [(await bench.next_input()).event for _ in range(3)]
    assert set(happened) <= {SessionEvent.LINK_LOST, SessionEvent.COMPETING}
    assert happened.count(SessionEvent.LINK_LOST) >= 2
    bench.do("owner_leaves", data_kept=False)
    while (await bench.next_input()).event is not SessionEvent.LINK_RESTORED:
        pass
    assert (await bench.broker.evidence()).open_orders == ()
    assert (await bench.broker.account_state(ACCOUNT)).cash == Decimal(100_000)
    assert contract.con_id in await bench.broker.quotes([contract], 30)


async def test_a_connection_made_while_the_owner_is_elsewhere(bench: BrokerBench) -> None:
    """Without the link a new session opens all the same, and hears of the loss instead of failing."""
    bench.do("compete", every=0.05)
    bench.do("drop")
    while (await bench.next_input()).event is not SessionEvent.SOCKET_LOST:
        pass
    assert await bench.broker.connect() == (ACCOUNT,)
    assert (await bench.next_input()).event in {SessionEvent.LINK_LOST, SessionEvent.COMPETING}


async def test_an_order_whose_acknowledgement_was_lost_is_found_again() -> None:
    """The socket dropped after the order was accepted: evidence shows it by our orderRef, once."""
    async with socket_bench() as bench:
        await bench.broker.connect()
        bench.do("order", count=1, drop="accepted")
        order, _ = await bench.place()
        assert (await bench.next_input()).event is SessionEvent.SOCKET_LOST
        assert bench.orders(order) == []
        await bench.broker.connect()
        evidence = await bench.broker.evidence()
        shown = {r.perm_id for r in (*evidence.open_orders, *evidence.completed) if r.order_ref == str(order.ref)}
        assert len(shown) == 1


async def test_unruly_reports_are_all_heard() -> None:
    """Doubled and reversed reports arrive as they are; each execution counts once by its id."""
    async with socket_bench("unruly-reports") as bench:
        await bench.broker.connect()
        order, _ = await bench.place(quantity=7)
        await bench.until_executed(order)
        await eventually(lambda: any(r.status is OrderStatus.FILLED and r.filled == 7 for r in bench.orders(order)))
        assert bench.executed(order) == 7


async def test_a_preset_notice_leaves_the_order_alive(bench: BrokerBench) -> None:
    """With tif explicit there is no 10349, and the order fills."""
    async with socket_bench("tif-preset") as preset:
        await preset.broker.connect()
        order, _ = await preset.place()
        await preset.until_executed(order)
        assert preset.notices(order) == []


async def test_several_accounts_are_kept_apart() -> None:
    """Each account has its own cash and positions, and an order goes to the one it names."""
    async with socket_bench("multi-account") as bench:
        accounts = await bench.broker.connect()
        assert accounts == ("DU1234567", "DU7654321", "DU1112223")
        states = [await bench.broker.account_state(account) for account in accounts]
        assert [state.cash for state in states] == [Decimal(100_000), Decimal(40_000), Decimal(5_000)]
        assert [[held.contract.symbol for held in state.positions] for state in states] == [[], ["SPY"], ["VTI"]]
        order, _ = await bench.place("TLT", account=AccountId("DU7654321"))
        await bench.until_executed(order)
        assert {execution.account for execution in bench.executions(order).values()} == {"DU7654321"}


async def test_an_account_of_somebody_else_is_unknown(bench: BrokerBench) -> None:
    """Asking for an account outside the login is an error, not an empty state."""
    with pytest.raises(GatewayDisconnected) as caught:
        await bench.broker.account_state(AccountId("DU9999999"))
    assert caught.value.reason_code == "account_unknown"


async def test_two_currencies() -> None:
    """Cash is the total in the base currency, and the rate of the other currency is known."""
    async with socket_bench("two-currencies") as bench:
        await bench.broker.connect()
        state = await bench.broker.account_state(ACCOUNT)
        assert (state.base_currency, state.cash, state.rate("EUR")) == ("USD", Decimal(97_800), Decimal("1.08"))
        assert {held.contract.currency for held in state.positions} == {"USD", "EUR"}
        query = ContractQuery(symbol="SAP", currency="EUR")
        assert (await bench.broker.resolve([query]))[query].currency == "EUR"


@pytest.mark.parametrize("allowed", [True, False])
async def test_delayed_data_needs_permission(allowed: bool) -> None:
    """Delayed quotes come marked when they are allowed, and not at all when they are not."""
    settings = {"allow_delayed": allowed, "quote_timeout_seconds": 0.5}
    async with socket_bench("delayed-data", settings=settings) as bench:
        await bench.broker.connect()
        contract = await bench.contract("SPY")
        if allowed:
            assert (await bench.broker.quotes([contract], 30))[contract.con_id].delayed
        else:
            with pytest.raises(QuotesUnavailable, match="SPY"):
                await bench.broker.quotes([contract], 30)


async def test_a_closed_market_gives_no_price_and_holds_orders() -> None:
    """Closed: no quote is made of the last close, and an order is held with a warning, not refused."""
    async with socket_bench("closed-market", settings={"quote_timeout_seconds": 0.3}) as bench:
        await bench.broker.connect()
        contract = await bench.contract("SPY")
        with pytest.raises(QuotesUnavailable, match="SPY"):
            await bench.broker.quotes([contract], 30)
        order, _ = await bench.place()
        await eventually(lambda: bool(bench.notices(order)) and bool(bench.orders(order)))
        assert {notice.kind for notice in bench.notices(order)} == {NoticeKind.WARNING}
        assert bench.orders(order)[-1].status is OrderStatus.PRE_SUBMITTED


async def test_orders_of_others_are_seen() -> None:
    """Evidence shows open orders of another client and of a person, and they are not ours."""
    async with gateway() as running:
        ours, others = (
            BrokerBench(IbkrBroker(IbkrSettings(port=running.port, client_id=number), SystemClock()), running.sim)
            for number in (7, 8)
        )
        await ours.broker.connect()
        await others.broker.connect()
        foreign, _ = await others.place("TLT", limit="1.00")
        await eventually(lambda: bool(others.orders(foreign)))
        ours.do("manual_order", symbol="AAPL", side="BUY", quantity=3, limit="1.00")
        seen = {report.symbol: report for report in (await ours.broker.evidence()).open_orders}
        assert (seen["TLT"].client_id, seen["TLT"].order_ref) == (8, str(foreign.ref))
        assert seen["AAPL"].order_ref == ""
        await ours.broker.disconnect()
        await others.broker.disconnect()


async def test_a_price_off_its_step_is_refused(bench: BrokerBench) -> None:
    """110 on a new order is definite."""
    order, _ = await bench.place("SPY", limit="100.001")
    await eventually(lambda: bool(bench.notices(order)))
    assert (bench.notices(order)[0].code, bench.notices(order)[0].kind) == (110, NoticeKind.REFUSED)


async def test_a_cancel_too_late_says_nothing_of_the_order(bench: BrokerBench) -> None:
    """Cancelling a filled order is refused as a cancel; the order stays filled."""
    order, order_id = await bench.place()
    await bench.until_executed(order)
    await eventually(lambda: bench.orders(order)[-1].status is OrderStatus.FILLED)
    await bench.broker.send_slot()
    bench.broker.cancel(order_id)
    await eventually(lambda: bool(bench.notices(order)))
    assert bench.notices(order)[0].kind is NoticeKind.CANCEL_REFUSED
    assert bench.orders(order)[-1].status is OrderStatus.FILLED


async def test_a_restart_that_moves_ids_back_loses_no_order_id(bench: BrokerBench) -> None:
    """After a gateway restart with a lower nextValidId the next order still gets a new id."""
    order, order_id = await bench.place()
    await bench.until_executed(order)
    bench.do("restart", seconds=0.1, ids_back=5)
    assert (await bench.next_input()).event is SessionEvent.SOCKET_LOST
    await reconnect(bench)
    assert bench.broker.next_order_id() > order_id


async def reconnect(bench: BrokerBench) -> None:
    """As the session keeper does: try until the gateway's door is open again."""
    async with asyncio.timeout(5):
        while True:
            try:
                await bench.broker.connect()
            except GatewayDisconnected:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("allowed", [30, 50])
async def test_a_large_portfolio_keeps_the_pace(allowed: int) -> None:
    """Contracts and quotes of more symbols than lines, at a gateway that counts every second and forgives nothing; also
    when it has fewer lines than we are told."""
    strict = {"pacing": "window", "strikes": 0}
    lines = {"market_data_lines": allowed}
    async with socket_bench(settings=lines, gateway=strict, market={"lines": 30}) as bench:
        await bench.broker.connect()
        open_ones = (listing for listing in bench.sim.universe if listing.tradable and not listing.halted)
        shares = (listing.contract for listing in open_ones if listing.contract.sec_type == "STK")
        symbols = [contract.symbol for contract in shares if contract.currency == "USD" and contract.symbol != "TWIN"][
            :60
        ]
        found = await bench.broker.resolve([ContractQuery(symbol=symbol) for symbol in symbols])
        assert len(await bench.broker.quotes(list(found.values()), 30)) == 60
        assert (await bench.broker.evidence()).open_orders == ()
