"""How a day ends: down with an event in flight, up again, and what keeps a stack from starting."""

from __future__ import annotations

import socket

import pytest

from tests.support.composed import HOST, ComposedStack

pytestmark = pytest.mark.timeout(400)


def test_down_and_up_with_an_event_in_flight(stack: ComposedStack) -> None:
    """`down` logs out tidily; after `up` and a login the event goes on from its journal and finishes once."""
    stack.log_in()
    stack.control("order", "never_fill=true", "count=2")
    before = len(stack.ledger("order_accepted"))
    stack.publish("over-night", {"SPY": 0.2, "TLT": 0.3})
    stack.until(lambda: len(stack.ledger("order_accepted")) > before, "an order at the broker")
    down = stack.run("make", "down", seconds=200)
    assert down.returncode == 0, down.stdout + down.stderr
    assert "no tidy log-out" not in down.stdout + down.stderr
    assert stack.compose("ps", "--all", "--quiet") == ""
    stack.up()
    stack.log_in()
    stack.control("release")
    stack.finished_once("over-night", seconds=200)


def test_a_port_in_use_is_named(stack: ComposedStack) -> None:
    """`make up` starts nothing, says which port it is and what to do."""
    stack.compose("down", seconds=200)
    with socket.create_server((HOST, int(stack.settings["API_PORT"]))):
        up = stack.run("make", "up", seconds=200)
    assert up.returncode != 0
    assert stack.settings["API_PORT"] in up.stdout + up.stderr
    assert stack.compose("ps", "--all", "--quiet") == ""


def test_a_missing_secret_is_named(stack: ComposedStack) -> None:
    """Compose names the file that is not there, and starts nothing."""
    stack.compose("down", seconds=200)
    secret = stack.folder / "secrets/redis_processor_password"
    kept = secret.read_bytes()
    secret.unlink()
    try:
        up = stack.run("docker", "compose", "up", "--detach", seconds=120)
    finally:
        secret.write_bytes(kept)
        secret.chmod(0o600)
    assert up.returncode != 0
    assert "redis_processor_password" in up.stdout + up.stderr


def test_a_mode_that_does_not_exist_is_refused(stack: ComposedStack) -> None:
    """Neither the trading mode nor the session policy can be misspelt unnoticed."""
    for name in ("TRADING_MODE", "SESSION_POLICY"):
        said = stack.run("env", f"{name}=papre", "docker", "compose", "config", "--quiet")
        assert said.returncode != 0
        assert "papre" in said.stderr
