"""Orders that the gateway takes: what is said about them, in which order, and how they end."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.clients import SPY, Client, connected
from tests.support.gateway import gateway

ACKNOWLEDGED = ["openOrder PreSubmitted", "orderStatus PreSubmitted", "openOrder Submitted", "orderStatus Submitted"]
WAITING = ACKNOWLEDGED[:2]
FILLED = ["openOrder Filled", "orderStatus Filled"]
CANCELLED = ["orderStatus PendingCancel", "error 202", "orderStatus Cancelled"]
TLT = {"conId": 15547841, "symbol": "TLT", "secType": "STK", "exchange": "SMART", "currency": "USD"}


async def filled(client: Client, order_id: int) -> list[str]:
    """The whole story of an order that fills at once."""
    await client.hear("orderStatus", orderId=order_id, status="Filled")
    await client.hear("commissionReport")
    return client.story(order_id)


async def test_a_market_order(kind: type[Client]) -> None:
    """Taken, filled, paid for: every report in IBKR's order, with its repeated Filled, and with one identity."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 10, orderRef="event/leg-1", account="DU1234567"))
        told = await filled(client, order_id)
        assert told == [*ACKNOWLEDGED, "execDetails", *FILLED, *FILLED, "commissionReport"]
        (execution,) = [said.execution for said in client.all("execDetails")]
        opened = client.all("openOrder")[0].order
        final = client.all("orderStatus")[-1]
        assert opened.permId == execution.permId == final.permId > 0
        assert opened.orderRef == execution.orderRef == "event/leg-1"
        assert opened.clientId == execution.clientId == final.clientId == 1
        assert (final.filled, final.remaining, final.averagePrice, final.lastPrice) == (10, 0, 585.26, 585.26)
        assert (execution.side, float(execution.shares), execution.price) == ("BOT", 10, 585.26)
        assert (float(execution.cumQty), execution.avgPrice, execution.acctNumber) == (10, 585.26, "DU1234567")
        report = client.all("commissionReport")[0].report
        assert (report.execId, report.currency) == (execution.execId, "USD")
        assert amount(report) == 1
        assert client.all("execDetails")[0].reqId == -1


def amount(report: object) -> float:
    """The commission, which the two clients name differently."""
    named = vars(report)
    return float(named.get("commission", named.get("commissionAndFees")))  # type: ignore[arg-type]


async def test_a_sale_tells_its_profit(kind: type[Client]) -> None:
    """The commission report of a closing fill has the realized profit, that of an opening one has none."""
    async with gateway("demo") as served, connected(kind, served) as client:
        await filled(client, client.place(client.order("SELL", 5, orderRef="s")))
        sold = client.all("commissionReport")[0].report
        assert sold.realizedPNL == pytest.approx(5 * (585.14 - 312.40) - 1, abs=0.1)
        client.forget()
        await filled(client, client.place(client.order("BUY", 5)))
        assert client.all("commissionReport")[0].report.realizedPNL > 1e300


async def test_a_limit_order_rests_is_changed_and_cancelled(kind: type[Client]) -> None:
    """It rests as Submitted; a change under the same id is echoed; a cancel is announced, told by 202, and final."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 10, "LMT", lmtPrice=500, orderRef="r"))
        await client.until(lambda: len(client.story(order_id)) == 4, "acknowledgement")
        client.forget()
        client.place(client.order("BUY", 12, "LMT", lmtPrice=501.25, orderRef="r"), order_id=order_id)
        changed = await client.hear("openOrder", orderId=order_id)
        assert (changed.order.lmtPrice, float(changed.order.totalQuantity)) == (501.25, 12)
        assert (await client.hear("orderStatus", orderId=order_id)).remaining == 12
        client.forget()
        client.cancel(order_id)
        await client.hear("orderStatus", orderId=order_id, status="Cancelled")
        assert client.story(order_id) == CANCELLED
        assert "Order Canceled" in client.all("error", code=202)[0].text
        assert client.all("orderStatus")[-1].remaining == 12


async def test_a_change_can_make_an_order_fill(kind: type[Client]) -> None:
    """A limit moved through the market fills at the market, under the same ids."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 3, "LMT", lmtPrice=500))
        await client.hear("orderStatus", status="Submitted")
        client.place(client.order("BUY", 3, "LMT", lmtPrice=590), order_id=order_id)
        await filled(client, order_id)
        assert client.all("execDetails")[0].execution.price == 585.26
        assert len({said.permId for said in client.all("orderStatus")}) == 1


async def test_a_global_cancel(kind: type[Client]) -> None:
    """Every working order of every client ends, each client told about its own."""
    async with gateway() as served, connected(kind, served) as client, connected(kind, served, 2) as other:
        mine = client.place(client.order("BUY", 1, "LMT", lmtPrice=500))
        client.place(client.order("BUY", 1, "LMT", lmtPrice=80), TLT)
        other.place(other.order("BUY", 1, "LMT", lmtPrice=499))
        for one in (client, other):
            await one.until(lambda c=one: len(c.all("orderStatus", status="Submitted")) >= 1, "orders")  # type: ignore[misc]
        await client.hear("orderStatus", orderId=mine + 1, status="Submitted")
        client.cancel_all()
        await client.until(lambda: len(client.all("orderStatus", status="Cancelled")) == 2, "two cancels")
        await other.hear("orderStatus", status="Cancelled")
        assert client.codes.count(202) == 2
        assert other.codes.count(202) == 1


@pytest.mark.parametrize(
    ("order_type", "fields", "price"),
    [
        ("MIDPRICE", {"lmtPrice": 586}, Decimal("585.2")),
        ("MIDPRICE", {}, Decimal("585.2")),
        ("LMT", {"lmtPrice": 585.26, "tif": "IOC"}, Decimal("585.26")),
        ("LMT", {"lmtPrice": 600, "tif": "GTC"}, Decimal("585.26")),
        ("MKT", {"algoStrategy": "Adaptive", "algo": {"adaptivePriority": "Urgent"}}, Decimal("585.2")),
    ],
    ids=["midprice-cap", "midprice", "ioc", "gtc", "adaptive"],
)
async def test_kinds_of_orders(kind: type[Client], order_type: str, fields: dict[str, object], price: Decimal) -> None:
    """Each kind fills at its price and is echoed with its own fields."""
    async with gateway() as served, connected(kind, served) as client:
        await filled(client, client.place(client.order("BUY", 4, order_type, **fields)))
        assert Decimal(str(client.all("execDetails")[0].execution.price)) == price
        echoed = client.all("openOrder")[0].order
        assert (echoed.orderType, echoed.tif) == (order_type, fields.get("tif", "DAY"))
        assert echoed.algoStrategy == fields.get("algoStrategy", "")
        if echoed.algoStrategy:
            assert [(item.tag, item.value) for item in echoed.algoParams] == [("adaptivePriority", "Urgent")]


@pytest.mark.parametrize(
    ("order_type", "fields"),
    [("MOC", {}), ("LOC", {"lmtPrice": 590}), ("MKT", {"tif": "OPG"}), ("LMT", {"lmtPrice": 590, "tif": "OPG"})],
    ids=["moc", "loc", "mkt-opg", "lmt-opg"],
)
async def test_auction_orders(kind: type[Client], order_type: str, fields: dict[str, object]) -> None:
    """They stay PreSubmitted, without 399, until the auction fills them at its price."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 4, order_type, **fields))
        await client.hear("orderStatus", orderId=order_id, status="PreSubmitted")
        assert client.story(order_id) == WAITING
        assert served.do("auction") == {"orders": 1}
        await filled(client, order_id)
        assert client.all("execDetails")[0].execution.price == 585.2


async def test_a_limit_on_close_beyond_the_auction(kind: type[Client]) -> None:
    """It is cancelled (202) when the auction's price is worse than its limit."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 4, "LOC", lmtPrice=500))
        await client.hear("orderStatus", orderId=order_id, status="PreSubmitted")
        served.do("auction")
        await client.hear("orderStatus", orderId=order_id, status="Cancelled")
        assert client.story(order_id) == [*WAITING, "error 202", "orderStatus Cancelled"]


async def test_immediate_or_cancel(kind: type[Client]) -> None:
    """What cannot trade at once is cancelled."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 4, "LMT", lmtPrice=500, tif="IOC"))
        await client.hear("orderStatus", orderId=order_id, status="Cancelled")
        assert client.story(order_id)[-2:] == ["error 202", "orderStatus Cancelled"]
        assert served.sim.ledger.executions() == []


async def test_a_partial_fill(kind: type[Client]) -> None:
    """Filled and remaining count on, with one execution and one commission for each part."""
    async with gateway() as served, connected(kind, served) as client:
        served.do("order", fill_fraction=0.4, rest_after_ms=50)
        order_id = client.place(client.order("BUY", 10))
        await client.until(lambda: len(client.all("commissionReport")) == 2, "two commissions")
        progress = [(said.filled, said.remaining) for said in client.all("orderStatus", orderId=order_id)]
        assert list(dict.fromkeys(progress)) == [(0, 10), (4, 6), (10, 0)]
        shares = [float(said.execution.shares) for said in client.all("execDetails")]
        assert shares == [4, 6]
        assert len({said.execution.execId for said in client.all("execDetails")}) == 2


async def test_what_if(kind: type[Client]) -> None:
    """Margin and commission, and no order: nothing is taken, listed or filled."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 10, whatIf=True))
        preview = (await client.hear("openOrder", orderId=order_id)).state
        assert (preview.initMarginBefore, preview.initMarginChange, preview.initMarginAfter) == (
            "0.00",
            "5852.60",
            "5852.60",
        )
        assert (preview.equityWithLoanBefore, preview.equityWithLoanAfter) == ("100000.00", "99999.00")
        assert amount(preview) == 1
        client.ask("reqAllOpenOrders")
        await client.hear("openOrderEnd")
        assert len(client.all("openOrder")) == 1
        assert client.all("orderStatus") == []
        assert served.sim.book.orders == []


@pytest.mark.parametrize("quantity", ["2.5", "0.75"])
async def test_fractions_with_permission(kind: type[Client], quantity: str) -> None:
    """An account that may trade fractions gets them exactly."""
    async with gateway(account=[{"number": "DU1", "fractional": True}]) as served, connected(kind, served) as client:
        await filled(client, client.place(client.order("BUY", quantity)))
        assert str(client.all("execDetails")[0].execution.shares) == quantity
        assert served.sim.ledger.positions("DU1")[SPY["symbol"]] == Decimal(quantity)
