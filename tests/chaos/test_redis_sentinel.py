"""The store behind Redis Sentinel: the primary is found by its name, and again after a fail-over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink, Timing
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.entrypoints.demo.redis_server import HOST
from event_processor.errors import StoreUnavailable
from tests.support.ledger_judge import check_ledger
from tests.support.records import accepted
from tests.support.redis_groups import SentinelGroup, ask, until
from tests.support.stack import Stack

FILLS = """
[[account]]
number = "DU1234567"
cash = { USD = 100 }
holdings = [
  { symbol = "SPY", quantity = 80, average_cost = 112.40 },
  { symbol = "TLT", quantity = 150, average_cost = 631.20 },
]
[[fault]]
action = "order"
fill_delay_ms = 700
"""
TARGETS = {"QQQ": 0.3, "VTI": 0.3, "SPY": 0.2, "TLT": 0.1}
QUICK = Timing(connect=0.3, answer=0.5, total=2.0)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[SentinelGroup]:
    """A primary, a replica, three Sentinels."""
    (tmp_path / "redis-group").mkdir()
    with SentinelGroup(tmp_path / "redis-group") as group:
        yield group


@pytest.mark.parametrize("side", ["SELL", "BUY"])
def test_a_fail_over_in_the_middle_of_a_rebalance(group: SentinelGroup, tmp_path: Path, side: str) -> None:
    """The primary is killed once the replica has what it confirmed, which Redis promises for no single moment; the
    processor waits, finds the promoted replica, and the event comes to its one end with each order once."""
    with Stack(tmp_path, FILLS, started=False) as stack:
        stack.redis = group.client
        stack.start(REDIS_URL=group.url)
        stack.publish("one", TARGETS)
        until(lambda: working(stack, side) == 2 and group.copied, "orders working, and the replica knowing it")
        group.primary.kill()
        stack.wait_final("one")
        check_ledger(stack, {"one": "completed"})
        assert group.primary_port == group.replica.port
        stack.publish("two", {"SPY": 0.5, "TLT": 0.45})
        stack.wait_final("two")
        check_ledger(stack, {"one": "completed", "two": "completed"})


def working(stack: Stack, side: str) -> int:
    """How many orders of this side the journal knows to work."""
    told = [line for line in stack.processor.json_lines() if line.get("event") == "order.working"]
    return sum(line["side"] == side for line in told)


async def test_scripts_are_sent_again_after_a_fail_over(group: SentinelGroup) -> None:
    """The promoted replica has never seen our scripts, nor is it known before it is promoted."""
    async with RedisLink(group.url, timing=QUICK) as link:
        journal = RedisJournal(link)
        record = await journal.accept(accepted(), [])
        ask(group.replica, "SCRIPT", "FLUSH")
        group.primary.kill()
        with pytest.raises(StoreUnavailable):
            await journal.find(record.key)
        until(lambda: ask(group.replica, "ROLE")[0] == "master", "the replica taking over")
        until(lambda: group.primary_port == group.replica.port, "the Sentinels saying so")
        assert await journal.find(record.key) == record
        assert await journal.accept(accepted(), []) == record
        other = await journal.accept(accepted("event-2"), [])
        assert other.revision == 1


async def test_a_primary_that_was_replaced_is_left(group: SentinelGroup) -> None:
    """A fail-over while the old primary lives on: once it refuses writes, the Sentinels are asked again."""
    async with RedisLink(group.url, timing=QUICK) as link:
        journal = RedisJournal(link)
        await journal.accept(accepted(), [])
        group.fail_over()
        until(lambda: group.primary_port == group.replica.port, "the Sentinels naming the other one")
        ask(group.primary, "REPLICAOF", HOST, group.replica.port)
        with contextlib.suppress(StoreUnavailable):
            await journal.accept(accepted("event-2"), [])
        record = await journal.accept(accepted("event-2"), [])
        assert ask(group.replica, "EXISTS", keys.event(record.key)) == 1


async def test_an_unknown_name_is_told(group: SentinelGroup) -> None:
    """A wrong name, or no primary: in words that say where to look."""
    async with RedisLink(group.url.replace("/main", "/other"), timing=QUICK) as link:
        with pytest.raises(StoreUnavailable, match="the Sentinels know no primary of that name"):
            await RedisJournal(link).check_durability()
