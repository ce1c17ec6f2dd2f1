"""Redis takes no more writes: no order leaves that is not written down, and all goes on when there is room."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from event_processor.entrypoints.demo.redis_server import RedisServer
from tests.chaos.conftest import StartStack
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


def selling(start: StartStack, server: RedisServer | None = None, client: redis.Redis | None = None) -> Stack:
    """An event whose sells wait at the broker; on a Redis of the test's own, with its client, if there is one."""
    stack = start(scenario([ACCOUNT], rest=NEVER_FILL), started=False)
    stack.redis = client or stack.redis
    stack.start(REDIS_URL=(server or stack.redis_server).url)
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
    assert "it is full: raise maxmemory" in stack.wait_log("store.lost")["reason"]
    nothing_leaves(stack)
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False)  # noqa: S607
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S607


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is Linux's")
def test_its_disk_is_full(start: StartStack, small_disk: Path, tmp_path: Path) -> None:
    """With `appendfsync always` Redis ends rather than confirm what it cannot keep. No order leaves meanwhile; with
    room again it loads its file, and the event is finished.
    """
    log = tmp_path / "redis-on-small-disk.log"
    with RedisServer(small_disk, {"logfile": str(log)}) as server, connected(server) as client:
        stack = selling(start, server, client)
        ballast = small_disk / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        assert stack.control("release")["released"] == SELLS
        stack.wait_ledger("execution", SELLS)
        stack.wait_log("store.lost")
        until(lambda: server.pid is None, "Redis ending")
        assert "Can't recover from AOF write error" in log.read_text()
        nothing_leaves(stack)
        ballast.unlink()
        server.start()
        stack.wait_final("one")
        check_ledger(stack, {"one": "completed"})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux sets limits of a running process")
def test_its_file_is_cut_short(start: StartStack) -> None:
    """Redis dies in the middle of a write (its file reached a size limit): the part of a record at the end was never
    confirmed, and the event is finished without it.
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
    nothing_leaves(stack)
    stack.redis_server.start()
    assert "Truncating the AOF" in stack.redis_server.log_file.read_text()
    stack.wait_final("one")
    check_ledger(stack, {"one": "completed"})


def connected(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def nothing_leaves(stack: Stack) -> None:
    """For long enough that a processor that goes on regardless would have bought."""
    with pytest.raises(AssertionError, match="0 of 1 order_received"):
        stack.wait_ledger("order_received", 1, side="BUY", seconds=2)
