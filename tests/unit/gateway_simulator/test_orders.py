from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway_simulator.events import Commissioned, Executed, OrderOpened, StatusReported
from gateway_simulator.model import Order
from tests.unit.gateway_simulator.conftest import MakeWorld, World


def test_a_market_order_is_reported_as_ibkr_reports_it(world: World) -> None:
    """A market buy goes PreSubmitted, Submitted, Filled twice, with the commission told last."""
    world.place(1)
    world.wait(0.02)
    assert world.client.statuses == ["PreSubmitted", "Submitted"]
    assert isinstance(world.client.heard[0], OrderOpened)
    world.wait(1)
    assert world.client.statuses == ["PreSubmitted", "Submitted", "Filled", "Filled"]
    told = [type(event) for event in world.client.heard]
    assert told.index(Commissioned) > told.index(Executed)
    assert told.index(Commissioned) > len(told) - 1 - told[::-1].index(StatusReported)


def test_a_fill_moves_cash_and_position(world: World) -> None:
    """A fill at the ask costs price times quantity plus commission, and the position has that cost."""
    world.place(1)
    world.wait(1)
    execution = world.sim.ledger.executions()[0]
    assert execution["price"] == "585.26"
    assert world.sim.ledger.cash("DU1234567") == {"USD": Decimal("94146.40")}
    assert world.sim.ledger.positions("DU1234567") == {"SPY": Decimal(10)}


def test_a_limit_order_rests_until_the_price_comes(world: World) -> None:
    """A buy limit below the market waits, and fills at the ask once the market has fallen to it."""
    world.limit(1, "500.00")
    world.wait(60)
    assert world.client.statuses[-1] == "Submitted"
    world.do("price", symbol="SPY", price="499.00")
    world.wait(1)
    assert world.client.statuses[-1] == "Filled"
    assert Decimal(str(world.sim.ledger.executions()[0]["price"])) <= Decimal(500)


def test_a_midprice_order_fills_between_bid_and_ask(world: World) -> None:
    """MIDPRICE trades at the middle of the spread."""
    world.place(1, order_type="MIDPRICE")
    world.wait(1)
    assert world.sim.ledger.executions()[0]["price"] == "585.20"


def test_an_adaptive_order_takes_longer_and_pays_less(world: World) -> None:
    """Adaptive with patience fills later than a plain order, inside the spread."""
    world.place(1, algo_strategy="Adaptive", algo_params=(("adaptivePriority", "Patient"),))
    world.wait(0.1)
    assert not world.client.executions
    world.wait(0.2)
    assert Decimal(str(world.sim.ledger.executions()[0]["price"])) < Decimal("585.26")


def test_an_immediate_order_that_cannot_trade_is_cancelled(world: World) -> None:
    """IOC away from the market ends as Cancelled with 202, unfilled."""
    world.limit(1, "500.00", tif="IOC")
    world.wait(1)
    assert world.client.statuses[-1] == "Cancelled"
    assert 202 in world.client.codes


@pytest.mark.parametrize(("order_type", "tif"), [("MOC", "DAY"), ("LOC", "DAY"), ("MKT", "OPG")])
def test_auction_orders_wait_for_their_auction(world: World, order_type: str, tif: str) -> None:
    """MOC, LOC and OPG orders stay PreSubmitted, without warning, and trade in the auction at the last price."""
    world.place(1, order_type=order_type, tif=tif, lmt_price=Decimal("600.00"))
    world.wait(3600)
    assert world.client.statuses == ["PreSubmitted"]
    assert world.client.codes == []
    assert world.do("auction") == {"orders": 1}
    assert world.client.statuses[-1] == "Filled"
    assert world.sim.ledger.executions()[0]["price"] == "585.20"


def test_a_close_order_trades_at_the_close_and_a_day_order_expires(make_world: MakeWorld) -> None:
    """In real hours MOC fills at 16:00 New York, an unfilled day order is cancelled then, GTC lives on."""
    world = make_world(market={"hours": "regular"})
    world.place(1, order_type="MOC")
    world.limit(2, "500.00")
    world.limit(3, "501.00", tif="GTC")
    world.wait(4 * 3600 - 1)
    assert world.client.executions == []
    world.wait(2)
    by_ref = {entry["orderRef"]: entry["status"] for entry in world.sim.ledger.of("order_state")}
    assert by_ref == {"ref-1": "Filled", "ref-2": "Cancelled", "ref-3": "Submitted"}
    world.do("price", symbol="SPY", price="450.00")
    world.wait(3 * 86400)
    assert len(world.client.executions) == 2


def test_an_order_outside_hours_waits_with_399(make_world: MakeWorld) -> None:
    """On a Saturday an order is PreSubmitted with 399, and fills when the market opens on Monday."""
    world = make_world(start=1795194000.0 + 86400, market={"hours": "regular"})
    world.place(1)
    world.wait(60)
    assert world.client.statuses == ["PreSubmitted"]
    assert world.client.codes == [399]
    world.wait(2 * 86400)
    assert world.client.statuses == ["PreSubmitted", "Submitted", "Filled", "Filled"]


REFUSALS: list[tuple[dict[str, Any], int]] = [
    ({"quantity": "0"}, 434),
    ({"quantity": "1.5"}, 10243),
    ({"symbol": "NOPERM"}, 201),
    ({"quantity": "1000"}, 201),
    ({"action": "SELL"}, 201),
    ({"order_type": "LMT", "lmt_price": Decimal("500.005")}, 110),
    ({"order_type": "TRAIL"}, 387),
    ({"order_type": "MOC", "tif": "GTC"}, 113),
    ({"account": "DU9"}, 321),
    ({"parent_id": 4}, 201),
]


@pytest.mark.parametrize(("fields", "code"), REFUSALS)
def test_an_order_that_breaks_a_rule_is_refused(world: World, fields: dict[str, Any], code: int) -> None:
    """Each rule refuses with IBKR's code, nothing is filled, and the ledger gives the same code."""
    world.place(1, **fields)
    world.wait(5)
    assert world.client.codes == [code]
    assert [entry["code"] for entry in world.sim.ledger.of("order_refused")] == [code]
    assert world.sim.ledger.executions() == []


def test_an_exchange_refusal_leaves_an_inactive_order(world: World) -> None:
    """After 201 the order is reported Inactive and is no open order."""
    world.place(1, quantity="1000")
    world.wait(1)
    assert world.client.statuses == ["Inactive"]
    assert world.sim.view().open_orders == []


def test_buying_power_counts_what_other_orders_may_still_cost(world: World) -> None:
    """Two resting buys that fit one by one but not together: the second is refused with 201."""
    world.limit(1, "500.00", quantity="120")
    world.limit(2, "500.00", quantity="120")
    world.wait(1)
    assert world.client.codes == [201]


def test_shares_already_for_sale_cannot_be_sold_again(make_world: MakeWorld) -> None:
    """In a cash account working sells count against the position."""
    held = [{"symbol": "SPY", "quantity": 10, "average_cost": 300}]
    world = make_world(account=[{"number": "DU1", "holdings": held}])
    world.limit(1, "700.00", "SELL", "6")
    world.limit(2, "700.00", "SELL", "6")
    world.wait(1)
    assert world.client.codes == [201]


def test_more_than_twenty_orders_on_one_side_are_refused(world: World) -> None:
    """The twenty-first working order on one side of one contract is refused; the other side is not."""
    for number in range(1, 22):
        world.limit(number, "100.00", quantity="1")
    world.wait(1)
    assert world.client.codes == [201]


def test_fractions_need_permission(make_world: MakeWorld) -> None:
    """With the permission a fractional order fills."""
    world = make_world(account=[{"number": "DU1", "fractional": True}])
    world.place(1, quantity="1.5")
    world.wait(1)
    assert world.sim.ledger.positions("DU1") == {"SPY": Decimal("1.5")}


def test_order_ids_cannot_be_used_twice(world: World) -> None:
    """An id at or below one already used is refused with 103, unless it names a working order."""
    world.place(5)
    world.wait(1)
    world.place(4)
    assert world.client.codes == [103]
    world.place(5)
    assert world.client.codes == [103, 104]


def test_a_working_order_can_be_changed(world: World) -> None:
    """Sending a working order again with another limit changes it; with another side it is refused (105)."""
    world.limit(1, "500.00")
    world.wait(1)
    world.limit(1, "501.00")
    world.wait(1)
    assert world.sim.view().open_orders[0].order.lmt_price == Decimal("501.00")
    world.limit(1, "501.00", "SELL")
    assert world.client.codes == [105]
    world.limit(1, "600.00")
    world.wait(1)
    assert world.client.statuses[-1] == "Filled"
    assert len(world.sim.ledger.orders_by_ref()["ref-1"]) == 1


def test_cancelling(world: World) -> None:
    """202 and Cancelled for a working order, 161 while it is being cancelled, 10148 after, 10147 when unknown."""
    world.limit(1, "500.00")
    world.wait(1)
    world.sim.desk.cancel(1, 1)
    world.sim.desk.cancel(1, 1)
    assert world.client.codes == [161]
    world.wait(1)
    world.sim.desk.cancel(1, 1)
    world.sim.desk.cancel(1, 99)
    assert world.client.codes == [161, 202, 10148, 10147]
    assert world.client.statuses[-2:] == ["PendingCancel", "Cancelled"]


def test_another_clients_order_cannot_be_cancelled(world: World) -> None:
    """A cancel names an order of its own client; another client gets 10147."""
    world.limit(1, "500.00")
    world.wait(1)
    other = world.again(client_id=2)
    world.sim.desk.cancel(2, 1)
    assert other.codes == [10147]


def test_a_fill_can_win_against_a_cancel(world: World) -> None:
    """A cancel that arrives with the fill ends in Filled, without 202."""
    world.place(1)
    world.wait(0.028)
    world.sim.desk.cancel(1, 1)
    world.wait(1)
    assert world.client.statuses[-1] == "Filled"
    assert 202 not in world.client.codes


def test_a_global_cancel_reaches_every_client(world: World) -> None:
    """Orders of all clients end, and each client hears of its own."""
    world.limit(1, "500.00")
    first = world.client
    second = world.again(client_id=2)
    world.limit(1, "500.00")
    world.wait(1)
    world.sim.desk.global_cancel(2)
    world.wait(1)
    assert first.statuses[-1] == second.statuses[-1] == "Cancelled"


def test_what_if_answers_and_places_nothing(world: World) -> None:
    """A what-if order returns margin and commission and leaves the book empty."""
    world.place(1, what_if=True)
    world.wait(1)
    (answer,) = [event for event in world.client.heard if isinstance(event, OrderOpened)]
    assert answer.state.commission == Decimal("1.0000")
    assert answer.state.init_margin_change == Decimal("5852.60")
    assert world.sim.book.orders == []


def test_a_missing_tif_is_noticed_by_a_preset(make_world: MakeWorld) -> None:
    """With an order preset, 10349 is told and the order lives and fills."""
    world = make_world(gateway={"tif_preset": True})
    world.place(1, tif="")
    world.wait(1)
    assert world.client.codes == [10349]
    assert world.client.statuses[-1] == "Filled"


def test_manual_orders_are_bound_by_client_zero(world: World) -> None:
    """An order from the gateway's window has no order id until client 0 binds it; then it can be cancelled."""
    world.do("manual_order", symbol="SPY", side="BUY", quantity=1, limit="500")
    client = world.again(client_id=0)
    world.sim.desk.bind_manual_orders(0)
    order_id = world.sim.view().open_orders[0].order.order_id
    world.sim.desk.cancel(0, order_id)
    world.wait(1)
    assert client.statuses[-1] == "Cancelled"


def test_yesterdays_executions_are_not_shown(world: World) -> None:
    """Executions and completed orders are those of the day; the ledger keeps them all."""
    world.place(1)
    world.wait(60)
    assert len(world.sim.view().fills) == len(world.sim.view().completed) == 1
    world.wait(86400)
    assert world.sim.view().fills == []
    assert world.sim.view().completed == []
    assert len(world.sim.ledger.executions()) == 1


def test_money_can_be_exchanged(world: World) -> None:
    """Buying EUR.USD moves dollars into euros and opens no position."""
    contract = world.sim.universe.by_symbol("EUR", sec_type="CASH").contract
    order = Order(action="BUY", total_quantity=Decimal(1000), order_type="MKT", tif="DAY")
    world.sim.desk.place(1, 1, contract, order)
    world.wait(1)
    cash = world.sim.ledger.cash("DU1234567")
    assert cash["EUR"] == 1000
    assert Decimal(98000) < cash["USD"] < Decimal(99000)
    assert world.sim.ledger.positions("DU1234567") == {}
