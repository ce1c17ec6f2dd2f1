"""Orders, changes and cancels that are refused, and warnings that are not refusals."""

from __future__ import annotations

import pytest

from tests.support.clients import SPY, Client, Fields, connected
from tests.support.gateway import Gateway, gateway

NOPERM = {"symbol": "NOPERM", "secType": "STK", "exchange": "SMART", "currency": "USD"}
TWO_ACCOUNTS: Fields = {"account": [{"number": "DU1"}, {"number": "DU2"}]}


def check_nothing_was_taken(served: Gateway) -> None:
    assert served.sim.ledger.of("order_accepted") == []
    assert served.sim.ledger.executions() == []


REJECTED = [
    ({}, NOPERM, 201),
    ({"action": "SELL"}, SPY, 201),
    ({"quantity": 100_000}, SPY, 201),
]


@pytest.mark.parametrize(("fields", "contract", "code"), REJECTED, ids=["permission", "short", "too-dear"])
async def test_rejected_by_the_exchange(kind: type[Client], fields: Fields, contract: Fields, code: int) -> None:
    """201 with a reason, then the order as Inactive, with its permId and orderRef."""
    async with gateway() as served, connected(kind, served) as client:
        given = {"action": "BUY", "quantity": 1, "orderRef": "no", **fields}
        order_id = client.place(client.order(**given), contract)
        await client.hear("orderStatus", orderId=order_id, status="Inactive")
        assert client.story(order_id) == [f"error {code}", "openOrder Inactive", "orderStatus Inactive"]
        assert client.all("error", reqId=order_id)[0].text.startswith("Order rejected - reason:")
        opened = client.all("openOrder")[0].order
        assert (opened.orderRef, opened.permId > 0) == ("no", True)
        check_nothing_was_taken(served)


REFUSED = [
    ({"kind": "LMT", "lmtPrice": 500.001}, SPY, 110),
    ({"quantity": 2.5}, SPY, 10243),
    ({}, {**SPY, "conId": 1}, 200),
    ({}, {"symbol": "ABC", "secType": "STK", "exchange": "SMART"}, 200),
    ({}, {**SPY, "exchange": ""}, 321),
    ({"account": "DU9"}, SPY, 321),
    ({"kind": "LMT"}, SPY, 321),
    ({"quantity": 0}, SPY, 434),
    ({"kind": "STP", "auxPrice": 1}, SPY, 387),
]


@pytest.mark.parametrize(
    ("fields", "contract", "code"),
    REFUSED,
    ids=["step", "fraction", "unknown", "ambiguous", "exchange", "account", "no-limit", "zero", "type"],
)
async def test_refused_by_the_gateway(kind: type[Client], fields: Fields, contract: Fields, code: int) -> None:
    """One error about the order and not a word more; the order does not exist."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order(**{"action": "BUY", "quantity": 1, **fields}), contract)
        await client.hear("error", reqId=order_id, code=code)
        client.ask("reqAllOpenOrders")
        await client.hear("openOrderEnd")
        assert client.story(order_id) == [f"error {code}"]
        check_nothing_was_taken(served)


async def test_an_order_without_account(kind: type[Client]) -> None:
    """With several accounts under the login the order must name one (435)."""
    async with gateway(**TWO_ACCOUNTS) as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 1))
        await client.hear("error", reqId=order_id, code=435)
        named = client.place(client.order("BUY", 1, account="DU2"))
        await client.hear("orderStatus", orderId=named, status="Filled")
        assert client.all("execDetails")[0].execution.acctNumber == "DU2"


async def test_a_reused_order_id(kind: type[Client]) -> None:
    """103 for an id below the next valid one that names no order of this client."""
    async with gateway() as served, connected(kind, served) as client:
        client.place(client.order("BUY", 1), order_id=5)
        await client.hear("commissionReport")
        client.place(client.order("BUY", 1), order_id=4)
        await client.hear("error", reqId=4, code=103)
        assert len(served.sim.ledger.of("order_accepted")) == 1


async def test_a_filled_order_cannot_be_changed_or_cancelled(kind: type[Client]) -> None:
    """104 for the change and 10148 for the cancel; the fill stands."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 1, "LMT", lmtPrice=600))
        await client.hear("orderStatus", status="Filled")
        client.place(client.order("BUY", 2, "LMT", lmtPrice=600), order_id=order_id)
        await client.hear("error", reqId=order_id, code=104)
        client.cancel(order_id)
        assert "state: Filled" in (await client.hear("error", reqId=order_id, code=10148)).text
        assert len(served.sim.ledger.executions()) == 1


async def test_a_changed_side(kind: type[Client]) -> None:
    """105, and the order goes on as it was."""
    async with gateway() as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 1, "LMT", lmtPrice=500))
        await client.hear("orderStatus", status="Submitted")
        client.place(client.order("SELL", 1, "LMT", lmtPrice=500), order_id=order_id)
        await client.hear("error", reqId=order_id, code=105)
        client.forget()
        client.ask("reqOpenOrders")
        opened = await client.hear("openOrder", orderId=order_id)
        assert (opened.order.action, opened.state.status) == ("BUY", "Submitted")


async def test_cancels_of_what_is_not_there(kind: type[Client]) -> None:
    """10147 for an unknown id, and for the order of another client."""
    async with gateway() as served, connected(kind, served) as client, connected(kind, served, 2) as other:
        theirs = other.place(other.order("BUY", 1, "LMT", lmtPrice=500))
        await other.hear("orderStatus", status="Submitted")
        client.cancel(77)
        await client.hear("error", reqId=77, code=10147)
        client.cancel(theirs)
        await client.hear("error", reqId=theirs, code=10147)
        assert len(list(served.sim.book.working())) == 1


async def test_a_second_cancel(kind: type[Client]) -> None:
    """161 while the first cancel is under way, which then succeeds."""
    async with gateway(latency={"ack_ms": 100}) as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 1, "LMT", lmtPrice=500))
        await client.hear("orderStatus", status="Submitted")
        client.cancel(order_id)
        client.cancel(order_id)
        await client.hear("error", reqId=order_id, code=161)
        await client.hear("orderStatus", orderId=order_id, status="Cancelled")
        assert client.story(order_id)[-4:] == [
            "orderStatus PendingCancel",
            "error 161",
            "error 202",
            "orderStatus Cancelled",
        ]


async def test_a_read_only_gateway(kind: type[Client]) -> None:
    """321 for orders and cancels; look-ups are answered."""
    async with gateway("read-only") as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 1))
        assert "Read-Only" in (await client.hear("error", reqId=order_id, code=321)).text
        client.cancel(99)
        await client.hear("error", reqId=99, code=321)
        client.ask("reqPositions")
        await client.hear("positionEnd")
        check_nothing_was_taken(served)


async def test_a_closed_market(kind: type[Client]) -> None:
    """PreSubmitted with the warning 399, which names the opening; a cancel is possible."""
    async with gateway("closed-market") as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 1))
        warning = await client.hear("error", reqId=order_id, code=399)
        assert "will not be placed at the exchange until" in warning.text
        assert client.story(order_id) == ["openOrder PreSubmitted", "orderStatus PreSubmitted", "error 399"]
        client.cancel(order_id)
        assert await client.hear("orderStatus", orderId=order_id, status="Cancelled")


async def test_an_order_preset(kind: type[Client]) -> None:
    """10349 about a missing tif is no refusal: the order is taken as DAY and fills."""
    async with gateway("tif-preset") as served, connected(kind, served) as client:
        order_id = client.place(client.order("BUY", 1, tif=""))
        await client.hear("orderStatus", orderId=order_id, status="Filled")
        assert client.story(order_id)[:2] == ["error 10349", "openOrder PreSubmitted"]
        assert client.all("openOrder")[0].order.tif == "DAY"
        assert len(served.sim.ledger.executions()) == 1
