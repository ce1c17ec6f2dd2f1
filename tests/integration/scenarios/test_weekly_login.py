"""The login that a person approves, and the gateway's restarts, from the outside."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.scenarios.conftest import StartStack
from tests.support.ledger_judge import check_ledger

EIGHT = dict.fromkeys(("SPY", "TLT", "GLD", "IEF", "VTI", "VEA", "VWO", "BND"), 0.12)
SUNDAY = """
[[fault]]
action = "sunday"
after_orders_accepted = 2
seconds = 1
"""
WINDOW = "http://localhost:6999"
SLOW_START_SECONDS = 15


def test_the_person_is_called_and_the_event_completes_by_itself(start: StartStack) -> None:
    """Sunday in the middle of a run: told to approve, with the link; after the approval nothing else is needed."""
    stack = start(SUNDAY, NOVNC_URL=WINDOW)
    stack.publish("one", EIGHT)
    assert WINDOW in stack.wait_session("awaiting_login")["advice"]
    needed = stack.wait_log("login.needed", prompt=1)
    assert needed["seconds"] == 180
    waiting = stack.cli("mfa", "--json", "--timeout", "1")
    assert waiting.returncode == 5
    shown = json.loads(waiting.stdout.splitlines()[-1])
    assert (shown["state"], shown["prompts"], shown["gateway_window"]) == ("awaiting_login", 1, WINDOW)
    stack.control("approve_login")
    assert stack.cli("mfa", "--timeout", "20").returncode == 0
    stack.wait_final("one")
    assert stack.wait_log("login.done")["since"] == needed["since"]
    check_ledger(stack, {"one": "completed"})


@pytest.mark.timeout(150)
def test_an_event_just_before_the_restart_is_sent_after_it(start: StartStack) -> None:
    """Orders of those minutes would be lost: `status` says what it waits for, and the ledger has none of them."""
    begun = datetime.now(UTC)
    restart = begun.replace(second=0, microsecond=0) + timedelta(minutes=1)
    if (restart - begun).total_seconds() < SLOW_START_SECONDS:
        restart += timedelta(minutes=1)
    seconds = (restart - begun).total_seconds()
    stack = start(
        f'[[fault]]\naction = "restart"\nat_seconds = {seconds:.1f}\nseconds = 2\n',
        AUTO_RESTART_TIME=f"{restart:%I:%M %p}",
        TWS_COLD_RESTART=f"{restart + timedelta(hours=12):%H:%M}",  # so that no day's restart asks for the login
        TIME_ZONE="UTC",
        RESTART_LEAD_SECONDS="120",
    )
    stack.wait_session("ready")
    stack.publish("one", EIGHT)
    told = stack.wait_log("event.waiting", reason_code="restart_soon")
    assert datetime.fromisoformat(told["until"]) == restart
    assert stack.wait_outcome("one", "deferred")["reason_code"] == "restart_soon"
    stack.until(lambda: stack.cli_json("status")["processor"]["waiting"], "the event in the status")
    [waiting] = stack.cli_json("status")["processor"]["waiting"]
    assert waiting["reason_code"] == "restart_soon"
    stack.wait_session("restarting", seconds=90)
    stack.wait_final("one", seconds=60)
    check_ledger(stack, {"one": "completed"})
    back = stack.ledger("client_connected")[-1]["time"]
    assert datetime.fromisoformat(back) > restart
    assert all(order["time"] > back for order in stack.ledger("order_received"))
