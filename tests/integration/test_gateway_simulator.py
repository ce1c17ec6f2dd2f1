"""Unmodified ib_async against the simulator over a real socket: everything works."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from ib_async import IB, Contract, Forex, LimitOrder, MarketOrder, RequestError, Stock

from tests.support.gateway import HOST, Gateway, eventually, gateway

ACCOUNT = "DU1234567"


@asynccontextmanager
async def connected(served: Gateway, client_id: int = 1) -> AsyncIterator[IB]:
    ib = IB()
    ib.RaiseRequestErrors = True
    await ib.connectAsync(HOST, served.port, clientId=client_id, timeout=5, raiseSyncErrors=True)
    try:
        yield ib
    finally:
        ib.disconnect()
        await asyncio.sleep(0.01)


async def share(ib: IB, symbol: str = "SPY", currency: str = "USD") -> Contract:
    (contract,) = await ib.qualifyContractsAsync(Stock(symbol, "SMART", currency))
    assert isinstance(contract, Contract)
    return contract


async def test_a_client_connects_and_sees_its_account() -> None:
    """The handshake ends with the account, its values and the gateway's clock."""
    async with gateway() as served, connected(served) as ib:
        assert ib.managedAccounts() == [ACCOUNT]
        values = {(value.tag, value.currency): value.value for value in ib.accountValues()}
        assert values["NetLiquidation", "USD"] == "100000.00"
        assert values["CashBalance", "USD"] == "100000.00"
        assert abs((await ib.reqCurrentTimeAsync()).timestamp() - served.sim.clock.now()) < 5


async def test_contract_details() -> None:
    """Hours, steps and market rules of a share; 200 for an unknown symbol, two answers for an ambiguous one."""
    async with gateway() as served, connected(served) as ib:
        (details,) = await ib.reqContractDetailsAsync(Stock("SPY", "SMART", "USD"))
        assert details.contract is not None
        assert details.contract.conId == 756733
        assert details.minTick == 0.01
        assert details.timeZoneId == "US/Eastern"
        assert len(details.liquidSessions()) == 6
        rule = await ib.reqMarketRuleAsync(int(details.marketRuleIds.split(",")[0]))
        assert rule is not None
        assert rule[0].increment == 0.01
        assert len(await ib.reqContractDetailsAsync(Stock("ABC", "SMART"))) == 2
        with pytest.raises(RequestError) as refused:
            await ib.reqContractDetailsAsync(Stock("NOSUCH", "SMART", "USD"))
        assert refused.value.code == 200


async def test_quotes() -> None:
    """A snapshot ends with bid, ask, last and close; a stream follows a price that changes."""
    async with gateway() as served, connected(served) as ib:
        spy = await share(ib)
        (ticker,) = await ib.reqTickersAsync(spy)
        assert ticker.bid < ticker.last < ticker.ask
        assert not math.isnan(ticker.close)
        stream = ib.reqMktData(spy)
        await eventually(lambda: not math.isnan(stream.ask))
        served.do("price", symbol="SPY", price="600")
        await eventually(lambda: stream.bid > 599)
        ib.cancelMktData(spy)


async def test_a_market_order_fills() -> None:
    """Filled, with one execution, its commission, and position and cash following."""
    async with gateway() as served, connected(served) as ib:
        trade = ib.placeOrder(await share(ib), MarketOrder("BUY", 10, tif="DAY", orderRef="one"))
        await eventually(trade.isDone)
        await eventually(lambda: bool(trade.fills and trade.fills[0].commissionReport.commission))
        assert trade.orderStatus.status == "Filled"
        assert trade.fills[0].execution.orderRef == "one"
        await eventually(lambda: [held.position for held in ib.positions()] == [10.0])
        await eventually(lambda: [item.position for item in ib.portfolio()] == [10.0])
        cash = {value.currency: value.value for value in ib.accountValues() if value.tag == "CashBalance"}
        await eventually(lambda: float(cash["USD"]) < 95_000 or _refresh(ib, cash))
        assert served.sim.ledger.orders_by_ref() == {"one": [trade.order.permId]}


def _refresh(ib: IB, cash: dict[str, str]) -> bool:
    cash.update({value.currency: value.value for value in ib.accountValues() if value.tag == "CashBalance"})
    return False


async def test_a_limit_order_is_changed_and_cancelled() -> None:
    """It rests, is changed under the same id, and ends as Cancelled; completed orders show it by permId."""
    async with gateway() as served, connected(served) as ib:
        trade = ib.placeOrder(await share(ib), LimitOrder("BUY", 10, 500, tif="GTC", orderRef="two"))
        await eventually(lambda: trade.orderStatus.status == "Submitted")
        trade.order.lmtPrice = 501.25
        ib.placeOrder(trade.contract, trade.order)
        await eventually(lambda: trade.log[-1].message == "Modified")
        (seen,) = await ib.reqAllOpenOrdersAsync()
        assert seen.order.lmtPrice == 501.25
        ib.cancelOrder(trade.order)
        await eventually(lambda: trade.orderStatus.status == "Cancelled")
        (completed,) = await ib.reqCompletedOrdersAsync(apiOnly=False)
        assert (completed.order.orderRef, completed.order.permId) == ("two", trade.order.permId)


async def test_what_if() -> None:
    """Margin and commission of an order that is not placed."""
    async with gateway() as served, connected(served) as ib:
        order = MarketOrder("BUY", 10, tif="DAY")
        state = await asyncio.wait_for(ib.whatIfOrderAsync(await share(ib), order), 5)
        assert (state.commission, state.initMarginChange) == (1.0, "5852.60")
        assert served.sim.ledger.of("order_accepted") == []


async def test_executions_of_all_clients() -> None:
    """A second client sees the executions of the first, and can ask for its own alone."""
    async with gateway() as served, connected(served, 1) as first, connected(served, 2) as second:
        trade = first.placeOrder(await share(first), MarketOrder("BUY", 3, tif="DAY"))
        await eventually(trade.isDone)
        (fill,) = await second.reqExecutionsAsync()
        assert fill.execution.clientId == 1


async def test_account_summary_and_profit() -> None:
    """Summary by currency, and a profit that follows the price."""
    async with gateway("two-currencies") as served, connected(served) as ib:
        rows = {(row.tag, row.currency): row.value for row in await ib.accountSummaryAsync()}
        assert rows["CashBalance", "EUR"] == "35000.00"
        assert rows["ExchangeRate", "EUR"] == "1.0800000"
        profit = ib.reqPnL(ACCOUNT)
        await eventually(lambda: not math.isnan(profit.unrealizedPnL))
        before = profit.unrealizedPnL
        served.do("price", symbol="SPY", price="700")
        await eventually(lambda: profit.unrealizedPnL > before + 1000)


async def test_positions_have_no_exchange_and_orders_need_one() -> None:
    """A position's contract goes without exchange; an order with it is refused with 321."""
    async with gateway("demo") as served, connected(served) as ib:
        held = {(item.contract.symbol, item.contract.secType): item for item in ib.positions()}
        assert len(held) == 11
        assert held["SPY", "OPT"].avgCost == 2410
        contract = held["GLD", "STK"].contract
        assert contract.exchange == ""
        trade = ib.placeOrder(contract, MarketOrder("SELL", 1, tif="DAY"))
        await eventually(lambda: trade.orderStatus.status == "ValidationError")
        assert served.sim.ledger.of("order_refused")[0]["code"] == 321


async def test_several_accounts() -> None:
    """Three accounts; an order without account is refused with 435, one with account fills there."""
    async with gateway("multi-account") as served, connected(served) as ib:
        assert len(ib.managedAccounts()) == 3
        spy = await share(ib)
        refused = ib.placeOrder(spy, MarketOrder("BUY", 1, tif="DAY"))
        await eventually(refused.isDone)
        assert refused.log[-1].errorCode == 435
        trade = ib.placeOrder(spy, MarketOrder("BUY", 1, tif="DAY", account="DU7654321"))
        await eventually(lambda: trade.orderStatus.status == "Filled")
        assert served.sim.ledger.positions("DU7654321")["SPY"] == 51


async def test_daily_bars_search_and_currency() -> None:
    """Bars of the past days, symbols by name, and a currency pair."""
    async with gateway() as served, connected(served) as ib:
        bars = await ib.reqHistoricalDataAsync(await share(ib), "", "10 D", "1 day", "TRADES", useRTH=True)
        assert 5 <= len(bars) <= 8
        assert all(bar.low <= bar.close <= bar.high for bar in bars)
        found = await ib.reqMatchingSymbolsAsync("gold")
        assert [item.contract.symbol for item in found or [] if item.contract] == ["GLD"]
        assert await ib.qualifyContractsAsync(Forex("EURUSD"))


async def test_market_data_that_is_not_subscribed() -> None:
    """354 without a subscription; with delayed data 10167 and delayed prices under type 3."""
    async with gateway("delayed-data") as served, connected(served) as ib:
        spy = await share(ib)
        with pytest.raises(RequestError) as refused:
            await ib.reqTickersAsync(spy)
        assert refused.value.code == 354
        ib.reqMarketDataType(3)
        (ticker,) = await ib.reqTickersAsync(spy)
        assert ticker.marketDataType == 3
        assert ticker.bid < ticker.ask


async def test_a_closed_market() -> None:
    """No bid and no ask, yesterday's close, and an order that waits with 399."""
    async with gateway("closed-market") as served, connected(served) as ib:
        spy = await share(ib)
        (ticker,) = await ib.reqTickersAsync(spy)
        assert ticker.bid <= 0 or math.isnan(ticker.bid)
        assert not math.isnan(ticker.close)
        errors: list[int] = []
        ib.errorEvent += lambda _id, code, *_rest: errors.append(code)
        ib.placeOrder(spy, MarketOrder("BUY", 1, tif="DAY"))
        await eventually(lambda: 399 in errors)
        assert served.sim.view().open_orders[0].status == "PreSubmitted"


async def test_a_hundred_lines_of_market_data() -> None:
    """The hundred and first stream is refused with 101; a cancelled one makes room."""
    async with gateway() as served, connected(served) as ib:
        errors: list[int] = []
        ib.errorEvent += lambda _id, code, *_rest: errors.append(code)
        listings = [item for item in served.sim.universe if item.contract.symbol.startswith("S0")][:98]
        listings += [served.sim.universe.by_symbol(symbol, sec_type="STK") for symbol in ("SPY", "TLT", "GLD")]
        for listing in listings:
            ib.reqMktData(Contract(conId=listing.contract.con_id, exchange="SMART"))
        await eventually(lambda: 101 in errors, 10)
        assert errors.count(101) == 1
