"""Redis takes no more writes: no order leaves that is not written down, and all goes on when there is room."""

from __future__ import annotations

import sys

import pytest

from tests.integration.chaos.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.producer import PORTFOLIOS, scenario
from tests.support.redis_groups import until
from tests.support.stack import ACCOUNT, Stack

if sys.platform == "linux":
    import resource

NEVER_FILL = '[[fault]]\naction = "order"\nside = "SELL"\nnever_fill = true\n'
SELLS = 2
ROOM = 2000
"""Bytes: less than what the fills of the sells take."""


def selling(start: StartStack) -> Stack:
    """An event whose sells wait at the broker."""
    stack = start(scenario([ACCOUNT], rest=NEVER_FILL))
    stack.publish("one", PORTFOLIOS[0])
    stack.wait_ledger("order_accepted", SELLS, side="SELL")
    stack.wait_log("order.working")
    return stack


def test_its_memory_is_full(start: StartStack) -> None:
    """`noeviction` with maxmemory reached: writes are refused, the fills of the sells release no buy, and with room
    again they do.
    """
    stack = selling(start)
    stack.redis.config_set("maxmemory", 1)
    assert stack.control("release")["released"] == SELLS
    stack.wait_ledger("execution", SELLS)
    nothing_leaves(stack)
    assert stack.processor.exit_code is None
    stack.redis.config_set("maxmemory", 0)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def test_a_new_event_waits_while_the_memory_is_full(start: StartStack) -> None:
    """An event that was on the stream before is neither lost nor begun."""
    stack = start(scenario([ACCOUNT]), started=False)
    stack.publish("one", PORTFOLIOS[0])
    stack.redis.config_set("maxmemory", 1)
    stack.start()
    lost = stack.wait_log("store.lost")
    assert "it is full: raise maxmemory" in lost["reason"]
    assert stack.ledger("order_received") == []
    stack.redis.config_set("maxmemory", 0)
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux sets limits of a running process")
def test_its_disk_is_full(start: StartStack) -> None:
    """The append-only file cannot grow (RLIMIT_FSIZE cuts a write short as a full disk does): with `appendfsync
    always` Redis ends rather than confirm what it cannot keep. No order leaves meanwhile; with room again it loads
    its file, and the event is finished.
    """
    stack = selling(start)
    file = stack.redis_server.directory / "appendonly.aof"
    pid = stack.redis_server.pid
    assert pid is not None
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (file.stat().st_size + ROOM, resource.RLIM_INFINITY))
    assert stack.control("release")["released"] == SELLS
    stack.wait_ledger("execution", SELLS)
    stack.wait_log("store.lost")
    until(lambda: stack.redis_server.pid is None, "Redis ending")
    assert "Short write" in stack.redis_server.log_file.read_text()
    nothing_leaves(stack)
    stack.redis_server.start()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def nothing_leaves(stack: Stack) -> None:
    """For long enough that a processor that goes on regardless would have bought."""
    with pytest.raises(AssertionError, match="0 of 1 order_received"):
        stack.wait_ledger("order_received", 1, side="BUY", seconds=2)
