"""Orders that meet trouble at the exchange, reports that come late, twice or not at all."""

from __future__ import annotations

import pytest

from tests.integration.scenarios.conftest import StartStack
from tests.support.ledger_judge import check_ledger

THREE = {"SPY": 0.3, "TLT": 0.3, "GLD": 0.3}
NEVER_FILL = """
[[fault]]
action = "order"
symbol = "TLT"
never_fill = true
"""
LATE = """
[[fault]]
action = "order"
delay_ms = 3000
"""
LOST = """
[[fault]]
action = "order"
symbol = "TLT"
ack_lost = true
fill_delay_ms = 4000
"""
PAPER = "accounts: {{paper: {{account: DU1234567, armed: true, policy: {{{policy}}}}}}}"


@pytest.mark.parametrize(
    ("policy", "code", "last"), [("cancel", "unfilled", "Cancelled"), ("leave", "left_open", "Submitted")]
)
def test_an_order_that_never_fills(start: StartStack, policy: str, code: str, last: str) -> None:
    """At its time-out the order is cancelled, or left to work if the account's policy says so; the event says which."""
    stack = start("never-fill", accounts=PAPER.format(policy=f"on_timeout: {policy}"), ORDER_TIMEOUT_SECONDS="2")
    stack.publish("one", THREE)
    final = stack.wait_final("one")
    check_ledger(stack, {"one": "partial"})
    assert final["reason_code"] == code
    assert "TLT" in final["reason"]
    assert stack.ledger("order_state", symbol="TLT")[-1]["status"] == last
    assert stack.ledger("execution", symbol="TLT") == []


def test_the_owner_cancels_one_of_our_orders(start: StartStack) -> None:
    """A cancel that we did not ask for ends the order and is told; nothing is sent in its place."""
    stack = start(NEVER_FILL)
    stack.publish("one", THREE)
    [order] = stack.wait_ledger("order_accepted", symbol="TLT")
    stack.wait_outcome("one", "order_submitted")
    stack.control("cancel_order", perm_id=order["permId"], reason="cancelled by the owner")
    final = stack.wait_final("one")
    check_ledger(stack, {"one": "partial"})
    assert (final["reason_code"], "TLT" in final["reason"]) == ("unfilled", True)
    assert len(stack.ledger("order_received", symbol="TLT")) == 1


def test_an_order_that_the_gateway_swallows(start: StartStack) -> None:
    """Taken and never seen again: proven absent, it is sent once more under the same orderRef."""
    stack = start("swallowed-order")
    stack.publish("one", THREE)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    received = [order["orderRef"] for order in stack.ledger("order_received")]
    assert (len(received), len(set(received))) == (4, 3)


@pytest.mark.parametrize(
    "scenario",
    ["unruly-reports", "partial-fill", "tif-preset", "slow-lookups", LATE, LOST],
    ids=["unruly", "partial", "tif", "slow", "late", "lost"],
)
def test_reports_that_are_late_doubled_reversed_or_missing(start: StartStack, scenario: str) -> None:
    """However the broker tells it, each order is sent once and each fill counted once."""
    stack = start(scenario)
    stack.publish("one", THREE)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert len(stack.ledger("order_received")) == 3


def test_a_second_event_right_after_the_first_with_positions_that_lag(start: StartStack) -> None:
    """Published while the first still fills: the second is planned on what the first really left behind."""
    stack = start("lagging-positions")
    stack.publish("one", THREE)
    stack.wait_outcome("one", "order_submitted")
    stack.publish("two", {"SPY": 0.1, "TLT": 0.4, "QQQ": 0.45}, untargeted="liquidate")
    stack.wait_final("one")
    stack.wait_final("two")
    check_ledger(stack, {"one": "completed", "two": "completed"})


def test_an_order_that_the_broker_refuses(start: StartStack) -> None:
    """A definite refusal ends that order alone; the outcome carries the broker's words."""
    stack = start("plain")
    stack.publish("one", {"SPY": 0.5, "NOPERM": 0.2})
    final = stack.wait_final("one")
    check_ledger(stack, {"one": "partial"}, refused=1)
    assert final["reason_code"] == "order_refused"
    assert "No trading permissions" in final["reason"] or "permission" in final["reason"].lower()


def test_an_open_order_of_somebody_else_is_left_alone(start: StartStack) -> None:
    """A person's order on a contract we want: needs review, neither cancelled nor traded beside."""
    stack = start("plain")
    stack.wait_session("ready")
    perm_id = stack.control("manual_order", symbol="SPY", side="BUY", quantity=10, limit=100, account="DU1234567")[
        "permId"
    ]
    stack.publish("one", THREE)
    final = stack.wait_final("one")
    check_ledger(stack, {"one": "needs_review"})
    assert final["reason_code"] == "foreign_orders"
    assert stack.ledger("cancel_received") == []
    assert [order["permId"] for order in stack.ledger("order_accepted")] == [perm_id]


def test_an_open_order_of_somebody_else_may_be_ignored_by_policy(start: StartStack) -> None:
    """With `foreign_orders: ignore` the event is carried out beside it."""
    stack = start("plain", accounts=PAPER.format(policy="foreign_orders: ignore"))
    stack.wait_session("ready")
    stack.control("manual_order", symbol="SPY", side="BUY", quantity=10, limit=100, account="DU1234567")
    stack.publish("one", THREE)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert stack.ledger("cancel_received") == []
