"""A person's path in a real browser: password, login, second factor; then the first event fills."""

from __future__ import annotations

import time

import pytest

from tests.support.composed import PASSWORD, USER, VNC_PASSWORD, ComposedStack
from tests.support.screen import Screen

pytestmark = pytest.mark.timeout(900)


def test_nobody_is_logged_in_and_the_stack_says_so(stack: ComposedStack) -> None:
    """`up` came back although no login was there; the processor lives and waits for one."""
    said = stack.wait_state("awaiting_login")
    assert (said["words"], said["code"]) == ("waiting for second factor", 1)
    assert stack.inspect("event-processor")["State"]["Health"]["Status"] in {"starting", "healthy"}
    assert stack.inspect("ibkr")["State"]["Health"]["Status"] == "starting"
    assert stack.inspect("healthcheck")["State"]["ExitCode"] == 0


@pytest.mark.parametrize("silently", [False, True], ids=["refused", "unanswered"])
def test_a_page_of_which_a_part_was_lost_loads_itself_again(
    stack: ComposedStack, window: Screen, *, silently: bool
) -> None:
    """On a small server under load a connection may break: a person is asked for the password all the same."""
    lost = window.lose_once("core/rfb.js", silently=silently)
    window.open(stack.settings["VNC_WEB_PORT"])
    assert lost == ["core/rfb.js"]


def test_the_page_asks_for_a_password_and_refuses_a_wrong_one(stack: ComposedStack, window: Screen) -> None:
    """The first page leads straight to the question, and a mistake can be made good."""
    window.open(stack.settings["VNC_WEB_PORT"])
    window.picture("1-password")
    window.give_password("wrong-one")
    assert "password" in window.refused()
    window.give_password(VNC_PASSWORD)
    window.shown()
    window.picture("2-login-form")


def test_a_wrong_password_of_the_broker_is_shown(stack: ComposedStack, window: Screen) -> None:
    """“Login failed” in the window and in the log; the automator starts the gateway anew, and the form comes back."""
    window.log_in(USER, "not-it")
    stack.wait_login("failed")
    window.picture("3-login-failed")
    assert "Login failed" in stack.logs("ibkr")
    assert stack.health()["status"] == "awaiting_login"
    stack.wait_login("form")


def test_a_login_by_hand_makes_the_stack_ready(
    stack: ComposedStack, window: Screen, figures: dict[str, object]
) -> None:
    """Real keys in the window, a real tap on the practice phone; then the stack could trade, and `make` says so."""
    window.log_in(USER, PASSWORD)
    stack.wait_login("second_factor")
    window.picture("4-second-factor")
    began = time.monotonic()
    window.approve()
    assert stack.wait_state("ready")["words"] == "ready"
    figures["approved_to_ready_seconds"] = round(time.monotonic() - began, 1)
    window.picture("5-logged-in")
    status = stack.run("make", "status")
    assert status.returncode == 0, status.stdout + status.stderr
    stack.until(lambda: stack.inspect("ibkr")["State"]["Health"]["Status"] == "healthy", "the gateway being healthy")


def test_an_event_of_the_producer_fills(stack: ComposedStack) -> None:
    """Published with redis-cli by the user who may only publish; the broker's ledger has the shares."""
    stack.publish("first", {"SPY": 0.3, "TLT": 0.2})
    orders = stack.finished_once("first")
    assert sorted(order["symbol"] for order in orders) == ["SPY", "TLT"]
    assert stack.held("SPY") > 0


def test_images_and_memory_are_measured(stack: ComposedStack, figures: dict[str, object]) -> None:
    """Sizes of our images and memory of the containers, written down; the processor's memory stays below its limit."""
    images = {}
    for target in ("processor", "healthcheck", "relay", "novnc", "simulator"):
        found = stack.run("docker", "image", "inspect", "--format", "{{.Size}}", f"rebalancer-{target}:latest")
        images[target] = round(int(found.stdout) / 1e6)
    figures["image_megabytes"] = images
    used = {}
    for service in ("event-processor", "redis", "novnc", "api", "ibkr"):
        container = stack.inspect(service)["Name"].lstrip("/")
        line = stack.run("docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", container).stdout
        used[service] = line.partition(" /")[0]
    figures["memory"] = used
    assert "MiB" in used["event-processor"]
