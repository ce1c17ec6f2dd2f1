"""A stack in live mode: what differs from the day on paper."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from healthcheck.probes import Found, probe_gateway
from tests.support.composed import HOST, ComposedStack

pytestmark = pytest.mark.timeout(400)

LIVE = "U1234567"
ARMED = f"accounts:\n  growth:\n    account: {LIVE}\n    armed: true\n"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposedStack]:
    """Live mode is one word in `.env`; the gateway logs in by itself and waits for the phone."""
    made = ComposedStack(
        tmp_path_factory.mktemp("live"), f"live{os.getpid()}", TRADING_MODE="live", GATEWAY_PATIENCE_SECONDS="2"
    )
    try:
        made.compose("build", "--quiet", seconds=900)
        made.up("--no-build")
        made.log_in()
        yield made
    finally:
        made.remove()


def test_the_live_gateway_is_reached_on_the_same_port(stack: ComposedStack) -> None:
    """4003 inside, 127.0.0.1:API_PORT outside, as on paper; nobody edits anything but the mode."""
    processor = stack.inspect("event-processor")["Config"]["Env"]
    assert {"GATEWAY_PORT=4003", "TRADING_MODE=live", "IB_PORT=4001"} <= set(processor)
    assert probe_gateway(HOST, int(stack.settings["API_PORT"]), 2).found is Found.ANSWERED
    listeners = stack.compose("exec", "-T", "ibkr", "cat", "/proc/net/tcp")
    assert f":{4003:04X} " in listeners
    assert f":{4004:04X} " not in listeners


def test_a_live_account_that_is_not_armed_trades_nothing(stack: ComposedStack) -> None:
    """The event is refused with the reason, and the broker never sees an order."""
    stack.publish("unarmed", {"SPY": 0.3}, account=LIVE)
    assert stack.wait_outcome("unarmed")["reason_code"] == "not_armed"
    assert stack.ledger("order_received") == []


def test_an_armed_live_account_trades(stack: ComposedStack) -> None:
    """Arming is a line in the accounts file; `up` makes it count without touching the gateway's login."""
    (stack.folder / "accounts.yaml").write_text(ARMED, encoding="utf-8")
    stack.set(ACCOUNTS_FILE="./accounts.yaml")
    gateway = stack.inspect("ibkr")["Id"]
    stack.up("--no-build")
    stack.wait_state("ready")
    assert stack.inspect("ibkr")["Id"] == gateway
    stack.publish("armed", {"SPY": 0.3, "TLT": 0.2}, account=LIVE)
    stack.finished_once("armed")
    assert {(order["account"], order["symbol"]) for order in stack.ledger("order_accepted")} == {
        (LIVE, "SPY"),
        (LIVE, "TLT"),
    }
