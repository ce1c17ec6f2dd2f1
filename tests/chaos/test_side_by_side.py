"""Two processors with client ids of their own over a login with several accounts: they divide the accounts."""

from __future__ import annotations

import time
from collections import defaultdict

import pytest

from tests.chaos.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.processes import RunningProcess
from tests.support.producer import ACCOUNTS, PORTFOLIOS, Producer, scenario
from tests.support.stack import Stack

pytestmark = pytest.mark.timeout(120)

LEASE = 3
SLACK = 5
"""Beyond the lease: looking for accounts once a second and asking for a lease every two."""
NEVER_FILL = '[[fault]]\naction = "order"\nside = "SELL"\nnever_fill = true\n'
SECOND = {"CONSUMER_NAME": "processor-2", "IB_CLIENT_ID": "18"}


def both(start: StartStack, text: str) -> tuple[Stack, dict[int, RunningProcess]]:
    """Both processors, ready, by client id."""
    stack = start(text, LEASE_SECONDS=str(LEASE))
    stack.wait_session("ready")
    first = stack.processor
    stack.start(**SECOND)
    stack.wait_session("ready")
    return stack, {17: first, 18: stack.processor}


def test_each_event_is_worked_on_by_one(start: StartStack) -> None:
    """Both take part, every event's orders come from one of them, and every event is completed."""
    stack, _ = both(start, scenario())
    producer = Producer(stack)
    producer.live(6)
    producer.check_ends()
    by_event = defaultdict(set)
    for order in stack.ledger("order_accepted"):
        by_event[order["orderRef"].split("-")[0]].add(order["clientId"])
    assert all(len(clients) == 1 for clients in by_event.values())
    assert set.union(*by_event.values()) == {17, 18}


def test_killing_one_moves_its_accounts_to_the_other(start: StartStack) -> None:
    """Within the lease's time, with its orders out at the broker: the other one finishes what it began."""
    stack, processors = both(start, scenario(rest=NEVER_FILL))
    for account in ACCOUNTS:
        stack.publish(account, PORTFOLIOS[0], account=account)
        stack.wait_ledger("order_accepted", 2, account=account, side="SELL")
    owners = {order["account"]: order["clientId"] for order in stack.ledger("order_accepted")}
    victim = min(owners.values())
    survivor = processors[35 - victim]
    moving = [account for account, owner in owners.items() if owner == victim]
    since = len(survivor.lines)
    processors[victim].kill()
    killed_at = time.monotonic()
    for _ in moving:
        taken = survivor.wait_for_json(
            lambda line: line.get("event") == "lease.changed" and line["held"], since=since, seconds_max=LEASE + SLACK
        )
        since = survivor.json_lines().index(taken) + 1
    assert time.monotonic() - killed_at < LEASE + SLACK
    stack.control("release")
    for account in ACCOUNTS:
        stack.wait_final(account)
    check_ledger(stack, dict.fromkeys(ACCOUNTS, "completed"))
    bought_by = {
        order["clientId"] for order in stack.ledger("order_accepted", side="BUY") if order["account"] in moving
    }
    assert bought_by == {35 - victim}
