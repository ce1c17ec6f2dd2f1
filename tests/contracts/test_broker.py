"""What every Broker must do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import ConId
from event_processor.domain.order import OrderStatus
from event_processor.domain.reports import Commission, NoticeKind, PositionReport
from event_processor.domain.session import SessionEvent
from event_processor.errors import BrokerUnavailable, ContractUnresolved, QuotesUnavailable
from tests.support.broker_benches import ACCOUNT, WAYS, BrokerBench, bench_of
from tests.support.gateway import eventually


@pytest.fixture(params=WAYS)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[BrokerBench]:
    async with bench_of(request.param) as connected:
        yield connected


async def test_connect_names_the_accounts(bench: BrokerBench) -> None:
    """A session begins with the accounts of the login, each time anew."""
    assert await bench.broker.connect() == (ACCOUNT,)
    await bench.broker.disconnect()
    assert await bench.broker.connect() == (ACCOUNT,)


async def test_without_a_session_everything_is_unavailable(bench: BrokerBench) -> None:
    """After disconnect no look-up answers and nothing can be placed or cancelled; disconnecting again is harmless."""
    contract = await bench.contract("SPY")
    await bench.broker.disconnect()
    await bench.broker.disconnect()
    lookups = (
        bench.broker.evidence(),
        bench.broker.account_state(ACCOUNT),
        bench.broker.quotes([contract], 30),
        bench.broker.resolve([ContractQuery(symbol="TLT")]),
    )
    for lookup in lookups:
        with pytest.raises(BrokerUnavailable):
            await lookup
    with pytest.raises(BrokerUnavailable):
        bench.broker.cancel(1)


async def test_an_account_is_known_whole(bench: BrokerBench) -> None:
    """Cash, net liquidation and positions come together, in the base currency."""
    state = await bench.broker.account_state(ACCOUNT)
    assert (state.account, state.base_currency, state.positions) == (ACCOUNT, "USD", ())
    assert state.cash == state.net_liquidation == Decimal(100_000)
    assert state.rate("USD") == 1


async def test_queries_become_contracts(bench: BrokerBench) -> None:
    """Each query gets its contract with id, price step and hours; the same by conId."""
    queries = [ContractQuery(symbol="SPY", sec_type="ETF"), ContractQuery(symbol="AAPL")]
    found = await bench.broker.resolve(queries)
    assert [found[query].symbol for query in queries] == ["SPY", "AAPL"]
    assert all(found[query].min_tick == Decimal("0.01") and found[query].liquid_hours for query in queries)
    bare = [Contract(found[query].con_id, found[query].symbol) for query in queries]
    described = await bench.broker.describe(bare)
    assert [described[one.con_id].liquid_hours for one in bare] == [found[query].liquid_hours for query in queries]


async def test_unknown_contracts_are_named_together(bench: BrokerBench) -> None:
    """One error names all that is unknown, however they were asked for."""
    with pytest.raises(ContractUnresolved, match=r"NOPE.*NEVER"):
        await bench.broker.resolve([ContractQuery(symbol=symbol) for symbol in ("NOPE", "SPY", "NEVER")])
    with pytest.raises(ContractUnresolved, match="GONE"):
        await bench.broker.describe([Contract(ConId(999_999_999), "GONE")])


async def test_quotes_are_fresh(bench: BrokerBench) -> None:
    """A quote has a bid below its ask and was heard just now."""
    contracts = [await bench.contract(symbol) for symbol in ("SPY", "TLT")]
    quotes = await bench.broker.quotes(contracts, 30)
    for contract in contracts:
        quote = quotes[contract.con_id]
        assert quote.bid is not None
        assert quote.ask is not None
        assert 0 < quote.bid < quote.ask
        assert timedelta(0) <= datetime.now(UTC) - quote.at < timedelta(seconds=5)


async def test_missing_market_data_is_named(bench: BrokerBench) -> None:
    """Without a subscription the error names the symbol; nothing is made up."""
    contract = await bench.contract("SPY")
    bench.do("market_data", permission="none")
    with pytest.raises(QuotesUnavailable, match="SPY"):
        await bench.broker.quotes([contract], 30)


async def test_an_order_is_reported_from_acknowledgement_to_commission(bench: BrokerBench) -> None:
    """Reports carry our orderRef, one permId, and end with Filled, executions, commission and position."""
    order, order_id = await bench.place(quantity=10)
    await bench.until_executed(order)
    await eventually(lambda: bench.orders(order)[-1].status is OrderStatus.FILLED)
    await eventually(lambda: any(isinstance(report, Commission) for report in bench.reports))
    assert len({report.perm_id for report in bench.orders(order)} - {0}) == 1
    assert {report.order_id for report in bench.orders(order)} == {order_id}
    assert {execution.account for execution in bench.executions(order).values()} == {ACCOUNT}
    assert PositionReport(ACCOUNT, order.contract.con_id, Decimal(10)) in bench.reports
    state = await bench.broker.account_state(ACCOUNT)
    assert [(held.contract.symbol, held.quantity) for held in state.positions] == [("SPY", Decimal(10))]


async def test_evidence_shows_open_completed_and_executed(bench: BrokerBench) -> None:
    """A working order is among the open ones, a filled one among the completed, with its executions."""
    filled, _ = await bench.place("SPY", leg=1)
    await bench.until_executed(filled)
    working, _ = await bench.place("TLT", leg=2, limit="1.00")
    await eventually(lambda: bool(bench.orders(working)))
    evidence = await bench.broker.evidence()
    assert str(working.ref) in {report.order_ref for report in evidence.open_orders if not report.status.dead}
    (done,) = [report for report in evidence.completed if report.order_ref == str(filled.ref)]
    assert (done.status, done.filled) == (OrderStatus.FILLED, Decimal(10))
    assert {execution.order_ref for execution in evidence.executions} == {str(filled.ref)}
    assert {commission.exec_id for commission in evidence.commissions} == set(bench.executions(filled))


async def test_evidence_survives_the_session(bench: BrokerBench) -> None:
    """After a reconnect the same order is found by the same orderRef and permId."""
    order, _ = await bench.place("TLT", limit="1.00")
    await eventually(lambda: any(report.perm_id for report in bench.orders(order)))
    perm_id = max(report.perm_id for report in bench.orders(order))
    await bench.broker.connect()
    found = [report for report in (await bench.broker.evidence()).open_orders if report.order_ref == str(order.ref)]
    assert {report.perm_id for report in found} == {perm_id}


async def test_a_cancel_ends_a_working_order(bench: BrokerBench) -> None:
    """A cancelled order is reported Cancelled by the broker, with nothing filled."""
    order, order_id = await bench.place("TLT", limit="1.00")
    await eventually(lambda: any(report.perm_id for report in bench.orders(order)))
    await bench.broker.send_slot()
    bench.broker.cancel(order_id)
    await eventually(lambda: bench.orders(order)[-1].status is OrderStatus.CANCELLED)
    assert bench.executed(order) == 0


async def test_a_refusal_is_definite(bench: BrokerBench) -> None:
    """A rejected order gets a notice that says so, and nothing of it trades."""
    bench.do("order", symbol="SPY", reject_code=201, reject_text="Order rejected - reason: no")
    order, _ = await bench.place()
    await eventually(lambda: bool(bench.notices(order)))
    notice = bench.notices(order)[0]
    assert (notice.code, notice.kind) == (201, NoticeKind.REFUSED)
    assert bench.executed(order) == 0


async def test_order_ids_only_go_up(bench: BrokerBench) -> None:
    """Ids are above all seen, reserved or forbidden ones, over reconnects too."""
    first = bench.broker.next_order_id()
    bench.broker.raise_order_ids(first + 100)
    second = bench.broker.next_order_id()
    await bench.broker.connect()
    assert first < first + 100 < second < bench.broker.next_order_id()


async def test_link_loss_and_return_are_told(bench: BrokerBench) -> None:
    """1100 and 1102 come as session inputs; in between nothing is believed."""
    bench.do("link_down")
    assert (await bench.next_input()).event is SessionEvent.LINK_LOST
    with pytest.raises(BrokerUnavailable):
        await bench.broker.evidence()
    bench.do("link_up")
    assert (await bench.next_input()).event is SessionEvent.LINK_RESTORED
    assert (await bench.broker.evidence()).open_orders == ()


async def test_a_dropped_socket_is_told(bench: BrokerBench) -> None:
    """When the gateway goes, the session input says so and the next connect works."""
    bench.do("drop")
    assert (await bench.next_input()).event is SessionEvent.SOCKET_LOST
    with pytest.raises(BrokerUnavailable):
        await bench.broker.account_state(ACCOUNT)
    assert await bench.broker.connect() == (ACCOUNT,)


async def test_unsubscribed_sinks_hear_nothing(bench: BrokerBench) -> None:
    """A sink hears every report until it is unsubscribed; unsubscribing twice is harmless."""
    heard: list[object] = []
    unsubscribe = bench.broker.subscribe(heard.append)
    order, _ = await bench.place("SPY", leg=1)
    await bench.until_executed(order)
    assert any(report in heard for report in bench.orders(order))
    unsubscribe()
    unsubscribe()
    count = len(heard)
    other, _ = await bench.place("TLT", leg=2)
    await bench.until_executed(other)
    assert len(heard) == count
