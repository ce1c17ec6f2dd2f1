"""A host that stalls for long after its lease has gone: another processor takes over, and the first must not trade."""

from __future__ import annotations

import time

import pytest

from gateway_simulator.symbols import STOCKS_AND_FUNDS
from tests.chaos.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.processes import RunningProcess
from tests.support.producer import PORTFOLIOS, Producer, scenario
from tests.support.stack import ACCOUNT, Entry, Stack

FIRST, SECOND = 17, 18
"""Their client ids: the ledger tells by them whose orders they are."""
LEASE = 2
STALL_SECONDS = LEASE + 20
WIDE = dict.fromkeys([line.split("|")[0] for line in STOCKS_AND_FUNDS.split("\n") if line][:30], 0.03)
"""More orders than one batch has, or than leave in a second."""


class Stall:
    """The stack's processor, frozen from now on, and another one that has taken over."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._first: RunningProcess = stack.processor
        self._first.freeze()
        self._ends_at = time.monotonic() + STALL_SECONDS
        stack.start(CONSUMER_NAME="processor-2", IB_CLIENT_ID=str(SECOND), IB_MESSAGES_PER_SECOND="45")
        stack.wait_log("lease.changed", held=True)
        self.sent_before = self._sent()

    @property
    def seconds_left(self) -> float:
        return self._ends_at - time.monotonic()

    def end(self) -> None:
        """Thaw it, and wait until it has found its lease gone."""
        since = len(self._first.lines)
        self._first.thaw()
        self._first.wait_for_json(lambda line: line.get("event") == "lease.changed" and not line["held"], since=since)

    def check(self) -> None:
        """By the ledger: the first has sent nothing more, and what was accepted since is the other one's."""
        assert self._sent() == self.sent_before
        later = self._stack.ledger("order_accepted")[len(self.sent_before) :]
        assert {order["clientId"] for order in later} == {SECOND}

    def _sent(self) -> list[Entry]:
        return self._stack.ledger("order_received", clientId=FIRST)


@pytest.mark.timeout(180)
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
    """Frozen at the first order, with all sells out, when they are filled, among the buys. The other one finishes
    that event and goes on for twenty seconds; thawed in the middle of its next run, the first finds its lease gone.
    """
    stack = start(scenario([ACCOUNT], fill_ms=700), LEASE_SECONDS=str(LEASE))
    producer = Producer(stack, [ACCOUNT])
    producer.feed()
    stack.wait_ledger(kind, count, side=side)
    stall = Stall(stack)
    producer.live(stall.seconds_left)
    producer.finish()
    sells = len(stack.ledger("order_accepted", side="SELL"))
    producer.feed()
    stack.wait_ledger("order_accepted", sells + 1, side="SELL")
    stall.end()
    producer.check_ends()
    stall.check()


@pytest.mark.timeout(180)
def test_what_was_marked_and_had_not_left_never_leaves(start: StartStack) -> None:
    """Frozen in the middle of a batch that is written down as being sent: the other one looks for all of it and sends
    what is missing. Twenty seconds later the first goes on where it stood, and must not.
    """
    stack = start("large", LEASE_SECONDS=str(LEASE), IB_MESSAGES_PER_SECOND="10")
    stack.publish("one", WIDE)
    stack.wait_ledger("order_received", 3)
    stall = Stall(stack)
    assert len(stall.sent_before) < len(WIDE), "it was frozen too late to have anything left"
    stack.wait_final("one")
    stack.until(lambda: stall.seconds_left <= 0, "the end of the stall")
    stall.end()
    stack.publish("two", PORTFOLIOS[0])
    stack.wait_final("two")
    check_ledger(stack, {"one": "completed", "two": "completed"})
    stall.check()
