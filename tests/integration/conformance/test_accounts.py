"""Money and positions: updates, summaries, positions, profit and loss, in one currency and in two."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.clients import SPY, Client, connected
from tests.support.gateway import gateway

ACCOUNT, SECOND = "DU1234567", "DU7654321"
HOLDING: dict[str, Any] = {
    "account": [
        {
            "number": ACCOUNT,
            "cash": {"USD": 50000},
            "holdings": [{"symbol": "SPY", "quantity": 10, "average_cost": 400}],
        }
    ]
}


def values(client: Client, name: str = "updateAccountValue") -> dict[tuple[str, str], str]:
    """Tag and currency -> the last value heard."""
    return {(said.tag, said.currency): said.value for said in client.all(name)}


async def test_account_updates(kind: type[Client]) -> None:
    """Values, then the portfolio, the time, and the end of the download; nothing more after the subscription ends."""
    async with gateway(**HOLDING) as served, connected(kind, served) as client:
        client.ask("reqAccountUpdates", True, ACCOUNT)
        await client.hear("accountDownloadEnd", account=ACCOUNT)
        assert values(client)["NetLiquidation", "USD"] == "55852.00"
        assert values(client)["CashBalance", "USD"] == values(client)["TotalCashBalance", "BASE"] == "50000.00"
        assert values(client)["AccountCode", ""] == ACCOUNT
        (line,) = client.all("updatePortfolio", account=ACCOUNT)
        assert (line.contract.symbol, line.position, line.averageCost, line.price) == ("SPY", 10, 400, 585.2)
        assert (line.value, line.unrealized, line.realized) == (5852, 1852, 0)
        names = [said.name for said in client.heard if said.name.startswith(("update", "accountDown"))]
        assert list(dict.fromkeys(names)) == [
            "updateAccountValue",
            "updatePortfolio",
            "updateAccountTime",
            "accountDownloadEnd",
        ]
        client.ask("reqAccountUpdates", False, ACCOUNT)
        client.forget()
        served.do("cash", account=ACCOUNT, currency="USD", amount="5")
        client.ask("reqAccountUpdatesMulti", 3, ACCOUNT, "", False)
        await client.hear("accountUpdateMulti", value="50005.00")
        assert client.all("updateAccountValue") == []


async def test_account_updates_follow_a_fill(kind: type[Client]) -> None:
    """Cash and portfolio of the subscribed account change after a trade."""
    async with gateway(**HOLDING) as served, connected(kind, served) as client:
        client.ask("reqAccountUpdates", True, ACCOUNT)
        await client.hear("accountDownloadEnd")
        client.forget()
        client.place(client.order("SELL", 4))
        assert (await client.hear("updatePortfolio")).position == 6
        cash = served.sim.ledger.cash(ACCOUNT)["USD"]
        await client.hear("updateAccountValue", tag="CashBalance", currency="USD", value=f"{cash:.2f}")
        realized = await client.hear("updateAccountValue", tag="RealizedPnL", currency="USD")
        assert float(realized.value) == pytest.approx(4 * (585.14 - 400) - 1, abs=0.5)


async def test_several_accounts_at_once(kind: type[Client]) -> None:
    """Values and positions by request for one account each, and nothing of the others."""
    async with gateway("multi-account") as served, connected(kind, served) as client:
        client.ask("reqAccountUpdatesMulti", 1, ACCOUNT, "", False)
        client.ask("reqAccountUpdatesMulti", 2, SECOND, "", False)
        await client.hear("accountUpdateMultiEnd", reqId=1)
        await client.hear("accountUpdateMultiEnd", reqId=2)
        cash = client.all("accountUpdateMulti", tag="CashBalance", currency="USD")
        assert [(said.reqId, said.account, said.value) for said in cash] == [
            (1, ACCOUNT, "100000.00"),
            (2, SECOND, "40000.00"),
        ]
        client.ask("reqPositionsMulti", 3, SECOND, "")
        await client.hear("positionMultiEnd", reqId=3)
        (held,) = client.all("positionMulti")
        assert (held.reqId, held.account, held.contract.symbol, held.position) == (3, SECOND, "SPY", 50)
        assert held.averageCost == 402.15


async def test_multi_subscriptions_can_be_cancelled(kind: type[Client]) -> None:
    """After the cancel a trade changes nothing for those requests; before it, it does."""
    async with gateway(**HOLDING) as served, connected(kind, served) as client:
        for request_id in (1, 2):
            client.ask("reqAccountUpdatesMulti", request_id, ACCOUNT, "", False)
            client.ask("reqPositionsMulti", request_id, ACCOUNT, "")
        await client.hear("positionMultiEnd", reqId=2)
        client.forget()
        client.ask("cancelAccountUpdatesMulti", 1)
        client.ask("cancelPositionsMulti", 1)
        client.place(client.order("BUY", 1))
        assert (await client.hear("positionMulti", reqId=2)).position == 11
        await client.hear("accountUpdateMulti", reqId=2, tag="CashBalance")
        assert {said.reqId for said in client.all("positionMulti")} == {2}
        assert {said.reqId for said in client.all("accountUpdateMulti")} == {2}


async def test_a_wrong_account(kind: type[Client]) -> None:
    """321 for an account that is not of this login."""
    async with gateway() as served, connected(kind, served) as client:
        client.ask("reqPositionsMulti", 7, "DU9", "")
        assert "DU9" in (await client.hear("error", reqId=7, code=321)).text
        client.ask("reqPnL", 8, "DU9", "")
        assert await client.hear("error", reqId=8, code=321)


async def test_account_summary(kind: type[Client]) -> None:
    """The tags asked for, of all accounts; a third subscription is refused with 322, a cancelled one makes room."""
    async with gateway("multi-account") as served, connected(kind, served) as client:
        client.ask("reqAccountSummary", 1, "All", "NetLiquidation,TotalCashValue")
        await client.hear("accountSummaryEnd", reqId=1)
        rows = {(said.account, said.tag): said.value for said in client.all("accountSummary", currency="USD")}
        assert rows[ACCOUNT, "NetLiquidation"] == "100000.00"
        assert rows[SECOND, "TotalCashValue"] == "40000.00"
        assert len(rows) == 6
        client.ask("reqAccountSummary", 2, "All", "$LEDGER:ALL")
        await client.hear("accountSummaryEnd", reqId=2)
        client.ask("reqAccountSummary", 3, "All", "NetLiquidation")
        await client.hear("error", reqId=3, code=322)
        client.ask("cancelAccountSummary", 1)
        client.ask("reqAccountSummary", 4, "All", "NetLiquidation")
        assert await client.hear("accountSummaryEnd", reqId=4)


async def test_two_currencies(kind: type[Client]) -> None:
    """Cash and stock by currency, each with its rate, and their sum in the base currency."""
    async with gateway("two-currencies") as served, connected(kind, served) as client:
        client.ask("reqAccountSummary", 1, "All", "NetLiquidation,$LEDGER:ALL")
        await client.hear("accountSummaryEnd", reqId=1)
        rows = values(client, "accountSummary")
        assert (rows["CashBalance", "USD"], rows["CashBalance", "EUR"]) == ("60000.00", "35000.00")
        assert rows["CashBalance", "BASE"] == "97800.00"
        assert float(rows["ExchangeRate", "EUR"]) == 1.08
        in_euro = float(rows["NetLiquidationByCurrency", "EUR"])
        in_dollars = float(rows["NetLiquidationByCurrency", "USD"])
        assert float(rows["NetLiquidation", "USD"]) == pytest.approx(in_dollars + in_euro * 1.08, abs=0.02)
        client.ask("reqPositions")
        await client.hear("positionEnd")
        found = {(said.contract.symbol, said.contract.currency) for said in client.all("position")}
        assert found == {("SPY", "USD"), ("EUNL", "EUR"), ("SAP", "EUR")}


async def test_positions(kind: type[Client]) -> None:
    """Every holding without an exchange, an option with its terms; a fill changes one, a sale of all ends at 0."""
    async with gateway("demo") as served, connected(kind, served) as client:
        client.ask("reqPositions")
        await client.hear("positionEnd")
        assert len(client.all("position")) == 11
        assert {said.contract.exchange for said in client.all("position")} == {""}
        (option,) = [said for said in client.all("position") if said.contract.secType == "OPT"]
        terms = option.contract
        assert (terms.lastTradeDateOrContractMonth, terms.strike, terms.right[:1], terms.multiplier) == (
            "20271217",
            550,
            "P",
            "100",
        )
        assert (option.position, option.averageCost) == (2, 2410)
        client.forget()
        client.place(client.order("SELL", 80), SPY)
        sold = await client.hear("position")
        assert (sold.contract.symbol, sold.position, sold.averageCost) == ("SPY", 0, 0)
        client.ask("cancelPositions")
        client.forget()
        client.place(client.order("BUY", 1), SPY)
        await client.hear("commissionReport")
        assert client.all("position") == []


async def test_profit_and_loss(kind: type[Client]) -> None:
    """Of the account and of one position, following the price until it is cancelled."""
    async with gateway(**HOLDING) as served, connected(kind, served) as client:
        client.ask("reqPnL", 1, ACCOUNT, "")
        client.ask("reqPnLSingle", 2, ACCOUNT, "", 756733)
        assert (await client.hear("pnl", reqId=1)).unrealized == 1852
        single = await client.hear("pnlSingle", reqId=2)
        assert (single.position, single.value, single.unrealized) == (10, 5852, 1852)
        served.do("price", symbol="SPY", price="600")
        await client.hear("pnl", reqId=1, unrealized=2000.0)
        await client.hear("pnlSingle", reqId=2, value=6000.0)
        client.ask("cancelPnL", 1)
        client.ask("cancelPnLSingle", 2)
        client.ask("reqPnLSingle", 3, ACCOUNT, "", 15547841)
        assert (await client.hear("pnlSingle", reqId=3)).position == 0
