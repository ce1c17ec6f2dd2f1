"""The session with the broker is lost, taken away or not there yet."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.integration.scenarios.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.stack import Stack

EIGHT = dict.fromkeys(("SPY", "TLT", "GLD", "IEF", "VTI", "VEA", "VWO", "BND"), 0.12)
COMPETING = """
[[fault]]
action = "compete"
after_orders_accepted = 3
every = 1
"""
LOGGED_OUT = """
[[fault]]
action = "require_login"
"""
LINK_LOST = """
[[fault]]
action = "link_down"
after_orders_accepted = 3
seconds = 2
data_kept = false
"""
RESTART = """
[[fault]]
action = "restart"
after_orders_accepted = 4
seconds = 2
ids_back = 3
"""
SUNDAY = """
[[fault]]
action = "sunday"
after_orders_accepted = 2
seconds = 1
"""
DROPPED_UNREAD = """
[[fault]]
action = "order"
skip = 2
count = 1
drop = "received"
"""
SLOW_OPENING, START_MAX = 20, 10


def ready(stack: Stack) -> tuple[int, str]:
    """What /readyz answers: the code, and the word for the state."""
    code, body = stack.get("/readyz")
    return code, json.loads(body)["status"]


def test_a_competing_session_in_the_middle_of_a_run(start: StartStack) -> None:
    """The owner logs in elsewhere: the processor waits, says why and what to do, and finishes afterwards."""
    stack = start(COMPETING)
    stack.publish("one", EIGHT)
    told = stack.wait_session("contended")
    assert "Log out there" in told["advice"]
    assert ready(stack) == (503, "contended")
    stack.control("owner_leaves")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert ready(stack)[0] == 200


def test_a_gateway_that_nobody_is_logged_in_to_at_the_start(start: StartStack) -> None:
    """TCP is accepted and silent: the event waits for the second factor, whatever that takes, and completes."""
    stack = start(LOGGED_OUT)
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    told = stack.wait_session("awaiting_login")
    assert "Approve the login" in told["advice"]
    assert ready(stack) == (503, "awaiting_login")
    stack.wait_outcome("one", "accepted")
    stack.control("approve_login")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


@pytest.mark.parametrize("scenario", ["lost-acknowledgement", DROPPED_UNREAD], ids=["accepted", "unread"])
def test_the_connection_drops_around_an_order(start: StartStack, scenario: str) -> None:
    """Whether the order was accepted or never read: it is found or sent again, and exists once."""
    stack = start(scenario)
    stack.publish("one", EIGHT)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert len(stack.ledger("client_connected")) == 2


def test_orders_fill_while_we_are_away(start: StartStack) -> None:
    """Fills that nobody heard are found by looking, and booked once."""
    stack = start("fills-while-away")
    stack.publish("one", EIGHT)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


@pytest.mark.parametrize("orders", ["hold", "lose", "reject"])
def test_the_link_to_ibkr_is_lost_for_a_while(start: StartStack, orders: str) -> None:
    """1100, later 1101: orders that were held, lost or rejected meanwhile are each accepted once in the end."""
    stack = start(LINK_LOST + f'orders = "{orders}"\n')
    stack.publish("one", EIGHT)
    stack.wait_final("one")
    lost = stack.ledger("order_refused", code=504)
    check_ledger(stack, {"one": "completed"}, refused=len(lost))
    assert stack.wait_session("link_lost")["code"] == 1100


def test_the_daily_restart_in_the_middle_of_a_run(start: StartStack) -> None:
    """The gateway goes and comes back with nextValidId behind the ids in use: no order is lost or doubled."""
    stack = start(RESTART)
    stack.publish("one", EIGHT)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    ids = [order["orderId"] for order in stack.ledger("order_accepted")]
    assert len(set(ids)) == len(ids)


def test_a_read_only_api_is_waited_for(start: StartStack) -> None:
    """Every order is refused with 321: the event waits and says what to change, then goes on by itself."""
    stack = start("read-only")
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    told = stack.wait_session("read_only")
    assert "Read-Only API" in told["advice"]
    assert ready(stack) == (503, "read_only")
    assert stack.ledger("order_accepted") == []
    stack.control("read_only", on=False)
    stack.wait_final("one", seconds=45)
    check_ledger(stack, {"one": "completed"}, refused=len(stack.ledger("order_refused", code=321)))


def test_without_market_data_the_event_waits_and_says_what_is_missing(start: StartStack) -> None:
    """No plan is made without a price; with the subscription bought the event goes on."""
    stack = start("no-market-data")
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    told = stack.wait_log("event.waiting", reason_code="quotes_unavailable")
    assert "no market data subscription" in told["reason"]
    assert "SPY" in told["reason"]
    assert "TLT" in told["reason"]
    assert stack.ledger("order_received") == []
    stack.control("market_data", permission="live")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


@pytest.mark.timeout(150)
def test_a_closed_market_defers_the_event_to_the_next_session(start: StartStack) -> None:
    """`deferred` says until when; `status` shows it; no order leaves before, and the opening is enough."""
    left = 60 - datetime.now(UTC).timestamp() % 60
    seconds = left if left > SLOW_OPENING else left + 60
    stack = start(f'[market]\nhours = "closed_until"\nclosed_until_s = {seconds - START_MAX:.1f}\n')
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    deferred = stack.wait_outcome("one", "deferred")
    opening = datetime.fromisoformat(deferred["until"])
    [waiting] = stack.cli_json("status")["processor"]["waiting"]
    assert (waiting["reason_code"], datetime.fromisoformat(waiting["until"])) == ("market_closed", opening)
    stack.wait_final("one", seconds=90)
    check_ledger(stack, {"one": "completed"})
    assert all(datetime.fromisoformat(order["time"]) >= opening for order in stack.ledger("order_received"))


def test_the_weekly_login_in_the_middle_of_a_run(start: StartStack) -> None:
    """Sunday: the gateway restarts and waits for the second factor; after the approval the event is finished."""
    stack = start(SUNDAY)
    stack.publish("one", EIGHT)
    stack.wait_session("awaiting_login")
    stack.control("approve_login")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


@pytest.mark.parametrize(("door", "state"), [("refuse", "down"), ("slam", "awaiting_login")])
def test_a_gateway_that_comes_up_last(start: StartStack, door: str, state: str) -> None:
    """Connections are refused, or closed at once: the first try after that is over comes within about a second."""
    stack = start(f'[[fault]]\naction = "{door}"\n')
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    stack.wait_outcome("one", "accepted")
    stack.wait_log("event.waiting", reason_code=f"session_{state}")
    assert ready(stack) == (503, state)
    stack.control("open")
    stack.wait_ledger("client_connected", seconds=2)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
