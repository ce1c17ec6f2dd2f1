"""Processes die, stop, hang, or are there twice: the processor's own, and Redis."""

from __future__ import annotations

import json

import pytest

from tests.integration.scenarios.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.stack import Stack

MIXED = """
[[account]]
number = "DU1234567"
cash = { USD = 100 }
holdings = [
  { symbol = "SPY", quantity = 80, average_cost = 112.40 },
  { symbol = "TLT", quantity = 150, average_cost = 631.20 },
  { symbol = "GLD", quantity = 60, average_cost = 12.10 },
]
"""
SELLS_WAIT = (
    MIXED
    + """
[[fault]]
action = "order"
side = "SELL"
never_fill = true
"""
)
SLOW_FILLS = (
    MIXED
    + """
[[fault]]
action = "order"
fill_delay_ms = 700
"""
)
SLOWER_FILLS = """
[[fault]]
action = "order"
fill_delay_ms = 5000
"""
TARGETS = {"QQQ": 0.3, "VTI": 0.3, "SPY": 0.2, "TLT": 0.1, "GLD": 0.05}
SELLS = 3


def test_killed_between_sells_and_buys(start: StartStack) -> None:
    """SIGKILL while the sells work; they fill while nobody listens: the new process books them and buys."""
    stack = start(SELLS_WAIT)
    stack.publish("one", TARGETS)
    stack.wait_ledger("order_accepted", SELLS, side="SELL")
    stack.processor.kill()
    assert stack.ledger("order_received", side="BUY") == []
    assert stack.control("release")["released"] == SELLS
    stack.start()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


@pytest.mark.parametrize(
    ("kind", "count", "side"),
    [
        ("order_received", 1, "SELL"),
        ("execution", 1, "SLD"),
        ("execution", SELLS, "SLD"),
        ("order_accepted", 1, "BUY"),
        ("execution", 2, "BOT"),
    ],
)
def test_killed_at_any_moment(start: StartStack, kind: str, count: int, side: str) -> None:
    """SIGKILL at the first order, between fills, before the buys, among them, at the end: the event comes to
    the same end, each order once."""
    stack = start(SLOW_FILLS)
    stack.publish("one", TARGETS)
    stack.wait_ledger(kind, count, side=side)
    stack.restart()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def test_stopped_in_good_order_in_the_middle_of_a_run(start: StartStack) -> None:
    """SIGTERM: it ends with 0 within seconds, sends nothing new, and the next process finishes the event."""
    stack = start(SELLS_WAIT)
    stack.publish("one", TARGETS)
    stack.wait_ledger("order_accepted", SELLS, side="SELL")
    assert stack.processor.stop() == 0
    stack.control("release")
    stack.start()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert stack.processor.json_lines()


def test_redis_is_away_for_five_seconds(start: StartStack) -> None:
    """Stopped and started again while orders work: their fills are booked afterwards, and readiness said so."""
    stack = start(SLOWER_FILLS)
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    stack.wait_ledger("order_accepted", 2)
    stack.wait_log("order.working")
    stack.redis_server.stop()
    stack.wait_log("store.lost")
    code, body = stack.get("/readyz")
    assert (code, json.loads(body)["status"]) == (503, "store_lost")
    stack.wait_ledger("execution", 2)
    stack.redis_server.start()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    stack.wait_log("store.restored")


def test_redis_is_killed_and_comes_back(start: StartStack) -> None:
    """SIGKILL: what it had confirmed is on its disk, and the run goes on from there."""
    stack = start(SLOW_FILLS)
    stack.publish("one", TARGETS)
    stack.wait_ledger("order_accepted", SELLS)
    stack.redis_server.kill()
    stack.wait_ledger("execution", 1)
    stack.redis_server.start()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def test_redis_and_the_processor_are_killed_together(start: StartStack) -> None:
    """The whole machine loses power while orders work; both come back and the event is finished."""
    stack = start(SLOW_FILLS)
    stack.publish("one", TARGETS)
    stack.wait_ledger("order_accepted", SELLS)
    stack.redis_server.kill()
    stack.processor.kill()
    stack.redis_server.start()
    stack.start()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def test_the_processor_starts_before_redis(start: StartStack) -> None:
    """No error: it waits for the store, as for the gateway."""
    stack = start(started=False)
    stack.redis_server.stop()
    stack.start()
    stack.wait_log("store.lost")
    stack.redis_server.start()
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


@pytest.mark.parametrize("name", ["processor-1", "processor-2"])
def test_a_second_processor_is_started_by_mistake(start: StartStack, name: str) -> None:
    """Same client id, own name or the same one: the gateway lets one in, the other says why it waits; every
    event is carried out once, even one that only the second could take."""
    stack = start()
    stack.wait_session("ready")
    first = stack.processor
    stack.start(CONSUMER_NAME=name)
    told = stack.wait_session("client_id_in_use")
    assert "Another program is connected with my client id" in told["advice"]
    first.freeze()
    stack.publish("one", {"SPY": 0.5, "TLT": 0.45})
    stack.wait_outcome("one", "accepted")
    first.thaw()
    stack.publish("two", {"SPY": 0.2, "TLT": 0.75})
    finals = {event_id: stack.wait_final(event_id)["outcome"] for event_id in ("one", "two")}
    assert finals["one"] in {"completed", "superseded"}
    check_ledger(stack, {"one": finals["one"], "two": "completed"})


def test_a_frozen_processor_is_succeeded_by_another(start: StartStack) -> None:
    """A stalled host: after its lease ran out another one with its own client id takes over, and when the first
    wakes up it sends nothing more for this event."""
    stack = start(SELLS_WAIT, LEASE_SECONDS="2")
    stack.publish("one", TARGETS)
    stack.wait_ledger("order_accepted", SELLS, side="SELL")
    first = stack.processor
    first.freeze()
    stack.start(CONSUMER_NAME="processor-2", IB_CLIENT_ID="18")
    stack.wait_log("event.claimed")
    stack.control("release")
    stack.wait_ledger("order_accepted", 1, side="BUY")
    first.thaw()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    assert {order["clientId"] for order in stack.ledger("order_accepted", side="BUY")} == {18}


def test_the_processor_dies_while_the_gateway_restarts(start: StartStack) -> None:
    """Killed, and back before the gateway is: it waits, looks, and finishes under ids that were moved back."""
    stack = start(SLOW_FILLS)
    stack.publish("one", TARGETS)
    stack.wait_ledger("order_accepted", SELLS)
    stack.control("restart", seconds=3, ids_back=SELLS)
    stack.restart()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def test_settings_that_are_wrong_stop_the_start(start: StartStack) -> None:
    """All mistakes at once, in words with the fix, and the exit code for wrong use."""
    stack: Stack = start(started=False)
    process = stack.start(IB_PORT="none", TRADING_MODE="live?", ORDER_TIMEOUT_SECONDS="-1")
    assert process.wait() == 2
    said = "\n".join(process.lines)
    assert all(name in said for name in ("IB_PORT", "TRADING_MODE", "ORDER_TIMEOUT_SECONDS"))
