"""Prices, data permissions and holdings that are not as simple as the plain case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.integration.scenarios.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.stack import Stack

SELLS_WAIT = """
[[account]]
number = "DU1234567"
cash = { USD = 100 }
holdings = [{ symbol = "SPY", quantity = 100, average_cost = 112.40 }]

[[fault]]
action = "order"
side = "SELL"
never_fill = true
"""
ODD_LOTS = """
[[account]]
number = "DU1234567"
cash = { USD = 30000 }
holdings = [
  { symbol = "SPY", quantity = 10.4, average_cost = 500 },
  { symbol = "GLD", quantity = 3.7, average_cost = 200 },
  { symbol = "TLT", quantity = 200, average_cost = 95 },
]
"""
SHORT = """
[[account]]
number = "DU1234567"
cash = { USD = 60000 }
margin = 2
holdings = [{ symbol = "SPY", quantity = -20, average_cost = 500 }]
"""
MOVING = """
[market]
wander_bps = 30
"""


@pytest.mark.parametrize(("price", "outcome"), [("600", "completed"), ("560", "completed_adjusted")])
def test_sells_bring_another_price_than_planned(start: StartStack, price: str, outcome: str) -> None:
    """More: the buys go as planned. Less: they are trimmed to what the cash pays above the reserve."""
    stack = start(SELLS_WAIT)
    stack.publish("one", {"SPY": 0.1, "TLT": 0.4, "GLD": 0.45})
    stack.wait_ledger("order_accepted", side="SELL")
    stack.control("price", symbol="SPY", price=price)
    stack.control("release")
    final = stack.wait_final("one")
    check_ledger(stack, {"one": outcome}, reached=False)
    cash = Decimal(stack.ledger("cash")[-1]["amount"])
    reserve = Decimal(final["basis"]) * Decimal("0.05")
    bought = sum(Decimal(e["shares"]) * Decimal(e["price"]) for e in stack.ledger("execution", side="BOT"))
    assert cash > reserve - bought * Decimal("0.005") - 1


def test_prices_that_move_all_the_time(start: StartStack) -> None:
    """Orders go at the prices of the moment, and cash stays where the event wants it."""
    stack = start(MOVING)
    stack.publish("one", {"SPY": 0.4, "TLT": 0.3, "GLD": 0.25})
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"}, reached=False)
    assert Decimal(stack.ledger("cash")[-1]["amount"]) > 4_500


def test_fractions_that_are_held_are_left_as_fractions(start: StartStack) -> None:
    """Only whole shares are traded: what remains of a sold line is less than one share."""
    stack = start(ODD_LOTS)
    stack.publish("one", {"SPY": 0.5, "TLT": 0.5}, untargeted="liquidate")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert all(Decimal(order["quantity"]) % 1 == 0 for order in stack.ledger("order_received"))
    assert Decimal(stack.ledger("position", symbol="GLD")[-1]["quantity"]) == Decimal("0.7")


def test_a_short_position_is_bought_back(start: StartStack) -> None:
    """A target above zero turns a short line long, in one order."""
    stack = start(SHORT)
    stack.publish("one", {"SPY": 0.3, "TLT": 0.5})
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert len(stack.ledger("order_received")) == 2


@pytest.mark.parametrize(("mode", "sides"), [("buy_only", {"BUY"}), ("sell_only", {"SELL"})])
def test_one_direction_only(start: StartStack, mode: str, sides: set[str]) -> None:
    """`mode` leaves the other side's orders out."""
    stack = start(ODD_LOTS)
    stack.publish("one", {"SPY": 0.3, "TLT": 0.1, "GLD": 0.1}, mode=mode, completeness="partial", cash={"reserve": 0})
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"}, reached=False)
    assert {order["side"] for order in stack.ledger("order_received")} == sides


def test_delayed_prices_are_refused_unless_allowed(start: StartStack) -> None:
    """Without live data the event waits; with ALLOW_DELAYED_QUOTES on paper it is planned on delayed prices."""
    stack = start("delayed-data")
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    stack.wait_log("event.waiting", reason_code="quotes_unavailable")
    assert stack.processor.stop() == 0
    stack.start(ALLOW_DELAYED_QUOTES="true")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def test_a_halted_share_keeps_the_event_waiting(start: StartStack) -> None:
    """No bid and no ask: nothing is planned on yesterday's close; when the halt ends the event goes on."""
    stack = start("plain")
    stack.publish("one", {"HALT": 0.1, "SPY": 0.85})
    assert "HALT" in stack.wait_log("event.waiting", reason_code="quotes_unavailable")["reason"]
    assert stack.ledger("order_received") == []
    stack.control("halt", symbol="HALT", on=False)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def cash_settling(stack: Stack, since: datetime) -> bool:
    """Whether the processor, asked after `since`, still waits for the broker's cash to catch up."""
    said = stack.cli_json("status")["processor"]
    return datetime.fromisoformat(said["at"]) <= since or bool(said["cash_settling"])


@pytest.mark.parametrize("amount", [200_000, -20_000])
def test_money_comes_in_or_goes_out(start: StartStack, amount: int) -> None:
    """Soon after a run, but the broker's figure was once seen to be what the run had left: from then on all is news,
    and the next event works with it."""
    stack = start("[latency]\naccount_ms = 0\n")
    stack.publish("one", {"SPY": 0.3, "TLT": 0.3})
    stack.wait_final("one")
    ended = datetime.now(UTC)
    stack.until(lambda: not cash_settling(stack, ended), "the broker's cash being seen to be right")
    stack.control("cash", account="DU1234567", currency="USD", amount=amount)
    soon = datetime.now(UTC) + timedelta(seconds=4)
    stack.publish("two", {"SPY": 0.5, "TLT": 0.45}, not_before=soon.isoformat())
    stack.wait_final("two")
    check_ledger(stack, {"one": "completed", "two": "completed"})


def test_a_deposit_in_the_middle_of_a_run(start: StartStack) -> None:
    """Between sells and buys: it changes nothing about this event."""
    stack = start(SELLS_WAIT)
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    stack.wait_ledger("order_accepted", side="SELL")
    stack.control("cash", account="DU1234567", currency="USD", amount=20000)
    stack.control("release")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
