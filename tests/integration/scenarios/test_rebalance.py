"""Rebalances in which the gateway behaves: what is asked for is what the ledger shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.scenarios.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.stack import Stack

MIXED = """
[[account]]
number = "DU1234567"
cash = { USD = 4000 }
holdings = [
  { symbol = "SPY", quantity = 80, average_cost = 112.40 },
  { symbol = "TLT", quantity = 150, average_cost = 631.20 },
  { symbol = "GLD", quantity = 60, average_cost = 12.10 },
  { symbol = "SPY", sec_type = "OPT", quantity = 2, average_cost = 2410 },
]
"""
WIDE = """
[gateway]
pacing = "window"

[[account]]
number = "DU1234567"
cash = { USD = 1000000 }
"""


def held(stack: Stack, sec_type: str = "STK", account: str = "DU1234567") -> dict[str, Decimal]:
    """Positions as the ledger shows them last."""
    entries = stack.ledger("position", secType=sec_type, account=account)
    return {entry["symbol"]: Decimal(entry["quantity"]) for entry in entries}


def test_a_plain_rebalance_from_cash(start: StartStack) -> None:
    """Cash becomes the wanted portfolio, each order once, and the outcome says what the ledger says."""
    stack = start("plain")
    stack.publish("one", {"SPY": 0.4, "TLT": 0.3, "GLD": 0.25})
    final = stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    kinds = [data["outcome"] for data in stack.outcomes("one")]
    assert kinds[:2] == ["accepted", "planned"]
    assert (kinds.count("order_submitted"), kinds.count("order_filled")) == (3, 3)
    assert {symbol: Decimal(line["quantity"]) for symbol, line in final["weights"].items()} == held(stack)


def test_sells_and_buys_are_sized_by_the_market_and_not_by_average_cost(start: StartStack) -> None:
    """Holdings bought far from today's price: sells come first and positions end within one share of target."""
    stack = start(MIXED)
    stack.publish("one", {"SPY": 0.3, "TLT": 0.5, "QQQ": 0.2}, untargeted="liquidate")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    sides = [order["side"] for order in stack.ledger("order_accepted")]
    assert sides == sorted(sides, reverse=True)
    assert set(sides) == {"BUY", "SELL"}


@pytest.mark.parametrize(("untargeted", "gold"), [("keep", 60), ("liquidate", 0)])
def test_what_no_target_names_is_kept_or_sold_and_options_never_are(
    start: StartStack, untargeted: str, gold: int
) -> None:
    """Stocks follow `untargeted`; an option, though of a named symbol, is not touched."""
    stack = start(MIXED)
    stack.publish("one", {"SPY": 0.6, "TLT": 0.4}, untargeted=untargeted)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert held(stack)["GLD"] == gold
    assert held(stack, "OPT") == {"SPY": 2}


def test_a_partial_event_changes_only_what_it_names(start: StartStack) -> None:
    """Weights that sum to less are shares of the whole account; everything else stays."""
    stack = start(MIXED)
    stack.publish("one", completeness="partial", targets=[{"symbol": "TLT", "weight": 0.05}])
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert {order["symbol"] for order in stack.ledger("order_accepted")} == {"TLT"}


def test_quantities_and_values_are_targets_too(start: StartStack) -> None:
    """Shares are met exactly, rounded down to whole ones; money within one share."""
    stack = start("plain")
    targets: list[dict[str, Any]] = [
        {"symbol": "SPY", "quantity": 50},
        {"symbol": "GLD", "quantity": 10.7},
        {"symbol": "TLT", "value": 20000},
        {"con_id": 320227571, "weight": 0.1},
    ]
    stack.publish("one", completeness="partial", targets=targets)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert [held(stack)[symbol] for symbol in ("SPY", "GLD")] == [Decimal(50), Decimal(10)]


def test_two_currencies_are_weighed_in_the_base_currency(start: StartStack) -> None:
    """Shares in euro and in dollar, one of them of a symbol that trades in both."""
    stack = start("two-currencies")
    targets: list[dict[str, Any]] = [
        {"symbol": "SPY", "weight": 0.5},
        {"symbol": "EUNL", "currency": "EUR", "weight": 0.15},
        {"symbol": "SAP", "currency": "EUR", "weight": 0.1},
        {"symbol": "ABC", "currency": "EUR", "weight": 0.05},
    ]
    stack.publish("one", targets=targets, cash={"reserve": 0.2})
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert {order["currency"] for order in stack.ledger("order_accepted", symbol="ABC")} == {"EUR"}


def test_a_dry_run_plans_and_places_nothing(start: StartStack) -> None:
    """The plan is published whole, the event ends completed, and no order reaches the gateway."""
    stack = start(MIXED)
    stack.publish("one", {"SPY": 0.5, "TLT": 0.5}, dry_run=True)
    final = stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert final["reason_code"] == "dry_run"
    assert stack.wait_outcome("one", "planned")["orders"]
    assert stack.ledger("order_received") == []


def test_the_same_targets_again_change_nothing(start: StartStack) -> None:
    """One pass reaches the target: the next event with the same targets has nothing to do."""
    stack = start(MIXED)
    for event_id in ("one", "two"):
        stack.publish(event_id, {"SPY": 0.5, "TLT": 0.3, "VEA": 0.15})
        stack.wait_final(event_id)
    check_ledger(stack, {"one": "completed", "two": "no_change"})


def test_two_accounts_are_rebalanced_side_by_side(start: StartStack) -> None:
    """Events for two accounts of one login reach their own targets, and the third account is left alone."""
    stack = start("multi-account")
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45}, account="DU1234567")
    stack.publish("two", {"SPY": 0.2, "GLD": 0.7}, account="DU7654321")
    stack.wait_final("one")
    stack.wait_final("two")
    check_ledger(stack, {"one": "completed", "two": "completed"})
    assert {order["account"] for order in stack.ledger("order_received")} == {"DU1234567", "DU7654321"}


def test_a_wide_portfolio_keeps_the_pace(start: StartStack) -> None:
    """Eighty lines at a gateway that counts every window of one second strictly: nothing is thrown away."""
    stack = start(WIDE)
    stack.publish("one", {f"S{number:03d}": 0.0118 for number in range(1, 81)})
    stack.wait_final("one", seconds=50)
    check_ledger(stack, {"one": "completed"})
    assert stack.ledger("pacing_violation") == []


def test_the_account_policy_decides_reserve_and_order_style(start: StartStack) -> None:
    """By alias; marketable limits at legal prices, and the larger of the two reserves."""
    policy = "accounts: {growth: {account: DU1234567, armed: true, policy: "
    stack = start(accounts=policy + "{order_style: marketable_limit, cash_reserve: 0.2}}}")
    stack.publish("one", {"SPY": 0.6, "TLT": 0.4}, account="growth")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"}, reached=False)
    orders = stack.ledger("order_accepted")
    assert {order["orderType"] for order in orders} == {"LMT"}
    assert all(Decimal(order["limitPrice"]) % Decimal("0.01") == 0 for order in orders)
    cash = Decimal(stack.ledger("cash")[-1]["amount"])
    assert 19_500 < cash < 20_700
