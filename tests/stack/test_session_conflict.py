"""The owner logs in elsewhere while the gateway is logged in: what `yield` and `insist` make of it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.composed import VNC_PASSWORD, ComposedStack
from tests.support.screen import Screen

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposedStack]:
    """Logged in and ready."""
    made = ComposedStack(tmp_path_factory.mktemp("conflict"), f"conflict{os.getpid()}", GATEWAY_PATIENCE_SECONDS="2")
    try:
        made.compose("build", "--quiet", seconds=900)
        made.up("--no-build")
        made.log_in()
        yield made
    finally:
        made.remove()


def hold_up_fills(stack: ComposedStack) -> None:
    stack.control("order", "fill_delay_ms=2000", "count=4")


def begin(stack: ComposedStack, event_id: str, **weights: float) -> None:
    """Publish, and wait until the broker has taken an order of it."""
    before = len(stack.ledger("order_accepted"))
    stack.publish(event_id, weights)
    stack.until(lambda: len(stack.ledger("order_accepted")) > before, f"an order of {event_id} at the broker")


def test_yield_steps_back_for_the_owner(stack: ComposedStack, window: Screen) -> None:
    """The gateway ends and hesitates; told to go on it asks for the phone, the browser is back, the event ends once."""
    window.open(stack.settings["VNC_WEB_PORT"])
    window.give_password(VNC_PASSWORD)
    window.shown()
    window.picture("conflict-logged-in")
    hold_up_fills(stack)
    begin(stack, "yielded", SPY=0.2, TLT=0.3)
    starts = stack.inspect("ibkr")["RestartCount"]
    stack.control("owner_logs_in", "seconds=5")
    stack.until(lambda: stack.inspect("ibkr")["RestartCount"] > starts, "the gateway stepping back")
    stack.until(lambda: "waiting 60 s before the next login" in stack.logs("ibkr"), "the gateway hesitating")
    assert "The gateway stepped back" in stack.run("make", "status").stdout  # and not what it said before it ended
    assert stack.wait_state("contended")["words"] == "somebody else is logged in"
    window.lost()
    resumed = stack.run("make", "restart-gateway", seconds=150)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    stack.wait_login("second_factor")
    window.shown()
    window.picture("conflict-second-factor")
    stack.log_in()
    stack.finished_once("yielded", seconds=120)


def test_insist_takes_the_session_back(stack: ComposedStack) -> None:
    """The same gateway process goes on without a new second factor, and what was under way ends once."""
    stack.set(SESSION_POLICY="insist")
    stack.up("--no-build", "ibkr")
    stack.log_in()
    asked = stack.logs("ibkr").count("Second Factor Authentication initiated")
    hold_up_fills(stack)
    begin(stack, "insisted", SPY=0.4, TLT=0.1)
    stack.control("owner_logs_in", "seconds=30")
    stack.until(lambda: "Re-login to session" in stack.logs("ibkr"), "the gateway insisting")
    stack.wait_state("ready")
    stack.finished_once("insisted", seconds=120)
    assert stack.inspect("ibkr")["RestartCount"] == 0
    assert stack.logs("ibkr").count("Second Factor Authentication initiated") == asked
