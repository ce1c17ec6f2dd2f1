"""What a person does and sees beside a running stack: pause and resume, the commands, health and metrics."""

from __future__ import annotations

import json

from tests.integration.scenarios.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.stack import ACCOUNT

TWO = {"SPY": 0.5, "TLT": 0.45}
SELLS_WAIT = """
[[account]]
number = "DU1234567"
cash = { USD = 100 }
holdings = [{ symbol = "SPY", quantity = 80, average_cost = 112.40 }]

[[fault]]
action = "order"
side = "SELL"
never_fill = true
"""
PATIENT = {"ORDER_TIMEOUT_SECONDS": "120"}
"""Nothing is cancelled, however long the commands take on a busy machine."""


def test_trading_is_paused_before_an_event_comes(start: StartStack) -> None:
    """Everything paused: not ready, the event waits and says why; resumed, it is carried out."""
    stack = start()
    stack.wait_session("ready")
    assert stack.cli("pause", "--reason", "holiday").returncode == 0
    stack.wait_log("trading.pause_changed", paused=True)
    assert json.loads(stack.get("/readyz")[1])["status"] == "paused"
    stack.publish("one", TWO)
    assert "holiday" in stack.wait_log("event.waiting", reason_code="paused")["reason"]
    assert stack.ledger("order_received") == []
    assert stack.cli("resume").returncode == 0
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def test_trading_is_paused_in_the_middle_of_a_run(start: StartStack) -> None:
    """Orders at the broker go on, new ones wait; resumed, the buys follow."""
    stack = start(SELLS_WAIT, **PATIENT)
    stack.publish("one", {"SPY": 0.2, "QQQ": 0.7})
    stack.wait_ledger("order_accepted", side="SELL")
    assert stack.cli("pause", ACCOUNT).returncode == 0
    stack.control("release")
    stack.wait_outcome("one", "order_filled")
    [event] = [line for line in stack.cli_json("status")["recent"] if line["event_id"] == "one"]
    assert event["outcome"] is None
    assert stack.ledger("order_received", side="BUY") == []
    assert stack.cli("resume", ACCOUNT).returncode == 0
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def test_the_commands_show_a_running_event(start: StartStack) -> None:
    """`status`, `events`, `orders` and `reconcile` agree with the ledger, in the middle of a run."""
    stack = start(SELLS_WAIT, **PATIENT)
    stack.publish("one", {"SPY": 0.2, "QQQ": 0.7})
    [order] = stack.wait_ledger("order_accepted", side="SELL")
    stack.wait_outcome("one", "order_submitted")
    status = stack.cli_json("status")["processor"]
    assert (status["session"]["state"], status["session"]["accounts"]) == ("ready", [ACCOUNT])
    [event] = stack.cli_json("events", "--open")["events"]
    assert (event["event_id"], event["stage"], len(event["orders"])) == ("one", "planned", 2)
    shown = {line["side"].upper(): line for line in stack.cli_json("orders")}
    assert (shown["SELL"]["perm_id"], shown["SELL"]["state"]) == (order["permId"], "working")
    assert (shown["BUY"]["perm_id"], shown["BUY"]["state"]) == (0, "recorded")
    compared = {line["side"].upper(): line for line in stack.cli_json("reconcile")["lines"]}
    assert compared["SELL"]["decision"] == "adopt"
    stack.control("release")
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    [event] = stack.cli_json("events", "show", "one")
    assert event["outcome"] == "completed"
    assert {line["name"] for line in event["timeline"]} >= {"event.claimed", "plan.recorded", "order.executed"}


def test_publish_waits_for_the_end_and_plan_only_looks(start: StartStack) -> None:
    """`rebalancer publish --wait` and `rebalancer plan` from the command line, with their exit codes."""
    stack = start()
    planned = stack.cli("plan", ACCOUNT, "SPY=50%", "TLT=45%", "--json")
    assert (planned.returncode, json.loads(planned.stdout)["reason_code"]) == (0, "dry_run")
    assert stack.ledger("order_received") == []
    done = stack.cli("publish", ACCOUNT, "SPY=50%", "TLT=45%", "--id", "one", "--wait", "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "completed"), done.stderr
    failed = stack.cli("publish", ACCOUNT, "NOSUCH=50%", "--id", "two", "--wait", "--json")
    assert (failed.returncode, json.loads(failed.stdout)["outcome"]) == (1, "failed"), failed.stderr
    events = {line["event_id"]: line["outcome"] for line in stack.cli_json("events")["events"]}
    dry = next(event_id for event_id in events if event_id not in {"one", "two"})
    check_ledger(stack, {"one": "completed", "two": "failed", dry: "completed"})


def test_readiness_follows_the_session_and_metrics_count_outcomes(start: StartStack) -> None:
    """Alive from the start, ready only when it could trade; no account or symbol appears in the metrics."""
    stack = start('[[fault]]\naction = "silent"\n')
    stack.wait_session("awaiting_login")
    assert (stack.get("/livez")[0], stack.get("/readyz")[0]) == (200, 503)
    stack.control("open")
    stack.wait_session("ready")
    assert stack.get("/readyz")[0] == 200
    stack.publish("one", TWO)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    code, metrics = stack.get("/metrics")
    assert code == 200
    assert 'rebalancer_events_total{outcome="completed"} 1.0' in metrics
    assert 'rebalancer_session_state{state="ready"} 1.0' in metrics
    assert ACCOUNT not in metrics
    assert "SPY" not in metrics


def test_an_account_that_needs_review_is_held_until_a_person_resumes_it(start: StartStack) -> None:
    """Traded by hand in the middle of a run: the positions cannot be explained, the next event waits."""
    stack = start(SELLS_WAIT, **PATIENT)
    stack.publish("one", {"SPY": 0.2, "QQQ": 0.7})
    stack.wait_ledger("order_accepted", side="SELL")
    stack.control("manual_order", symbol="SPY", side="SELL", quantity=5, account=ACCOUNT)
    stack.control("clear_faults")
    stack.control("release")
    final = stack.wait_final("one")
    assert (final["outcome"], final["reason_code"]) == ("needs_review", "position_mismatch")
    stack.publish("two", {"SPY": 0.2, "QQQ": 0.7})
    stack.wait_log("event.waiting", reason_code="held")
    assert stack.cli("resume", ACCOUNT).returncode == 0
    stack.wait_final("two")
    ends = {"one": "needs_review", "two": stack.outcomes("two")[-1]["outcome"]}
    assert ends["two"] in {"completed", "no_change"}
    check_ledger(stack, ends)


def test_logs_are_json_and_mask_the_account(start: StartStack) -> None:
    """Every line is one object with a name and a level; no account number stands in any of them."""
    stack = start()
    stack.publish("one", TWO)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})
    lines = stack.processor.lines
    assert all({"event", "level", "timestamp"} <= json.loads(line).keys() for line in lines)
    assert not any(ACCOUNT in line for line in lines)
    assert {"event.claimed", "plan.recorded", "order.submitted", "event.closed"} <= {
        line["event"] for line in stack.processor.json_lines()
    }
