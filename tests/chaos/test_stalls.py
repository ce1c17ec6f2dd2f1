"""A host that stalls for longer than the lease: another processor takes over, and the first must not trade."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.producer import PORTFOLIOS, scenario
from tests.support.stack import ACCOUNT

LEASE = 2


@pytest.mark.parametrize(
    ("kind", "count", "side"),
    [
        ("order_received", 1, "SELL"),
        ("order_accepted", 2, "SELL"),
        ("execution", 2, "SLD"),
        ("order_accepted", 1, "BUY"),
    ],
)
def test_a_processor_that_wakes_up_late_sends_nothing(start: StartStack, kind: str, count: int, side: str) -> None:
    """Frozen at the first order, with all sells out, when they are filled, among the buys; thawed in the middle of
    the other's next run, it finds its lease gone.
    """
    stack = start(scenario([ACCOUNT], fill_ms=700), LEASE_SECONDS=str(LEASE))
    stack.publish("one", PORTFOLIOS[0])
    stack.wait_ledger(kind, count, side=side)
    first = stack.processor
    first.freeze()
    stack.start(CONSUMER_NAME="processor-2", IB_CLIENT_ID="18")
    stack.wait_log("lease.changed", held=True)
    sent_by_first = len(stack.ledger("order_received", clientId=17))
    stack.wait_final("one")
    stack.publish("two", PORTFOLIOS[1])
    stack.wait_ledger("order_accepted", 1, clientId=18, side="SELL")
    since = len(first.lines)
    first.thaw()
    first.wait_for_json(lambda line: line.get("event") == "lease.changed" and not line["held"], since=since)
    stack.wait_final("two")
    check_ledger(stack, {"one": "completed", "two": "completed"})
    assert len(stack.ledger("order_received", clientId=17)) == sent_by_first
