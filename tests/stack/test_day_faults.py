"""What breaks on a server, on the stack that is up: each event still comes to its one end, each order once."""

from __future__ import annotations

import pytest
from ib_async import IB

from healthcheck.probes import Found, probe_gateway
from tests.support.composed import USER, ComposedStack
from tests.support.stack import NOT_FINAL

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def automated(stack: ComposedStack) -> None:
    """The user name is in the settings: from now on the login automator types, and people only approve."""
    stack.set(IB_USERNAME=USER)
    stack.up()


@pytest.fixture(autouse=True)
def logged_in(stack: ComposedStack, automated: None) -> None:
    """Each test begins where the one before should have left off, and as if the gateway had never been thrown out."""
    stack.log_in()
    stack.forget_starts()


def hold_up_fills(stack: ComposedStack, milliseconds: int, orders: int = 4) -> None:
    """The next orders fill late, so that something can happen in between."""
    stack.control("order", f"fill_delay_ms={milliseconds}", f"count={orders}")


def begin(stack: ComposedStack, event_id: str, **weights: float) -> None:
    """Publish, and wait until the broker has taken an order of it."""
    before = len(stack.ledger("order_accepted"))
    stack.publish(event_id, weights)
    stack.until(lambda: len(stack.ledger("order_accepted")) > before, f"an order of {event_id} at the broker")


def test_the_published_port_speaks_to_other_programs(stack: ComposedStack) -> None:
    """127.0.0.1:API_PORT answers the version offer, and an unmodified ib_async reads the positions beside us."""
    port = int(stack.settings["API_PORT"])
    assert probe_gateway("127.0.0.1", port, 2).found is Found.ANSWERED
    ib = IB()
    ib.connect("127.0.0.1", port, clientId=77, timeout=10, readonly=True)
    try:
        held = {one.contract.symbol: int(one.position) for one in ib.positions()}
    finally:
        ib.disconnect()
    assert held["SPY"] == stack.held("SPY")


def test_the_gateway_is_killed_with_orders_out(stack: ComposedStack) -> None:
    """The restart policy brings it back, a login is needed as with the real one, and the event finishes once."""
    hold_up_fills(stack, 1500)
    begin(stack, "gateway-killed", SPY=0.2, TLT=0.1)
    stack.kill_process("ibkr")
    assert stack.wait_state("awaiting_login", "down")["words"] in {"waiting for second factor", "down"}
    stack.log_in()
    assert len(stack.finished_once("gateway-killed", seconds=120)) == 2


def test_redis_is_killed_and_nothing_is_lost(stack: ComposedStack) -> None:
    """SIGKILL between publication and end: what was confirmed is read back from its append-only file."""
    hold_up_fills(stack, 3000)
    begin(stack, "redis-killed", SPY=0.3, TLT=0.2)
    stack.publish("redis-killed-too", {"SPY": 0.25, "TLT": 0.25})
    stack.kill_process("redis")
    stack.finished_once("redis-killed", seconds=120)
    assert len(stack.finished_once("redis-killed-too", seconds=120)) == 2


def test_the_processor_is_killed_in_the_middle(stack: ComposedStack) -> None:
    """It finds its orders at the broker again; none is placed a second time."""
    hold_up_fills(stack, 4000)
    begin(stack, "processor-killed", SPY=0.2, TLT=0.1)
    stack.kill_process("event-processor")
    assert len(stack.finished_once("processor-killed", seconds=120)) == 2


def test_the_owner_logs_in_elsewhere_for_half_a_minute(stack: ComposedStack) -> None:
    """The stack says that somebody else is logged in, the event waits, and finishes when they have left."""
    stack.control("compete", "seconds=30")
    assert stack.wait_state("contended")["words"] == "somebody else is logged in"
    stack.publish("contended", {"SPY": 0.3, "TLT": 0.2})
    stack.wait_outcome("contended", "accepted")
    assert len(stack.finished_once("contended", seconds=120)) == 2


def test_the_second_factor_is_missed_twice(stack: ComposedStack) -> None:
    """The Sunday restart asks for the phone; two requests run out, the third is approved, and what waited goes on."""
    asked = stack.logs("ibkr").count("Second Factor Authentication initiated")
    stack.control("sunday")
    stack.wait_login("second_factor", seconds=90)
    stack.publish("sunday", {"SPY": 0.25, "TLT": 0.25})
    for missed in (1, 2):
        stack.control("miss")
        stack.until(
            lambda missed=missed: (  # type: ignore[misc]
                stack.logs("ibkr").count("Second Factor Authentication initiated") > asked + missed
            ),
            "a new request",
        )
    assert stack.wait_state("awaiting_login")["words"] == "waiting for second factor"
    stack.wait_login("second_factor")
    stack.control("approve")
    stack.wait_state("ready", seconds=90)
    assert len(stack.finished_once("sunday", seconds=120)) == 2


def test_the_processor_stops_tidily_with_orders_out(stack: ComposedStack) -> None:
    """SIGTERM ends it by itself within its grace; started again it finds its orders, and the event finishes once."""
    hold_up_fills(stack, 4000)
    begin(stack, "stopped", SPY=0.1, TLT=0.3)
    stack.compose("stop", "event-processor", seconds=90)
    assert stack.inspect("event-processor")["State"]["ExitCode"] == 0
    assert {told["outcome"] for told in stack.outcomes("stopped")} <= NOT_FINAL
    stack.compose("start", "event-processor")
    assert len(stack.finished_once("stopped", seconds=120)) == 2
