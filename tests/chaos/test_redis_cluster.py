"""The store on a real Redis Cluster: keys in their slots, nodes found anew, and one whole rebalance."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import redis

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.commands import RedisCommands
from event_processor.adapters.redis.connection import RedisLink, Timing
from event_processor.adapters.redis.inbox import RedisInbox
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.adapters.redis.views import RedisViews
from event_processor.entrypoints.demo.redis_server import HOST, RedisServer
from event_processor.errors import LeaseLost, StoreUnavailable
from tests.support.builders import ACCOUNT, AT
from tests.support.ledger_judge import check_ledger
from tests.support.records import accepted, closed, note, planned, submitting
from tests.support.redis_groups import RedisCluster, ask, node_id, until
from tests.support.stack import Stack
from tests.support.stores import RedisBench

SLOT_SECONDS_MAX = 10
FILLS = """
[[account]]
number = "DU1234567"
cash = { USD = 100 }
holdings = [{ symbol = "SPY", quantity = 80, average_cost = 112.40 }]
[[fault]]
action = "order"
fill_delay_ms = 700
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """One cluster for the tests that leave it as it was."""
    with RedisCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
async def link(cluster: RedisCluster) -> AsyncIterator[RedisLink]:
    """A link to the emptied cluster."""
    for node in cluster.primaries:
        ask(node, "FLUSHALL")
    async with RedisLink(cluster.url) as link:
        yield link


async def test_the_journal_lives_in_one_slot(link: RedisLink) -> None:
    """Accept, lease, write, fence, outbox and read: every script and pipeline finds all its keys."""
    journal = RedisJournal(link)
    record = await journal.accept(accepted(), [note()])
    lease = await journal.acquire(ACCOUNT, "one", 30)
    assert lease is not None
    assert await journal.acquire(ACCOUNT, "two", 30) is None
    written = await journal.write(lease, submitting(planned(record)), [note(mark="sent")], sending=True)
    assert await RedisJournal(link).find(record.key) == written
    assert await RedisJournal(link).open_records() == [written]
    assert await journal.order_id_floor(1) == 7
    waiting = await journal.unpublished(10)
    await journal.published([outbox_id for outbox_id, _, _ in waiting])
    assert (len(waiting), await journal.unpublished(10)) == (2, [])
    assert (await journal.write(lease, closed(written), [])).revision == 3
    await journal.release(lease)
    with pytest.raises(LeaseLost):
        await journal.renew_lease(lease)


async def test_the_streams_and_the_requests_work_where_they_live(link: RedisLink) -> None:
    """Take, renew, acknowledge, dead-letter, put back, publish; and a request with its answer."""
    bench = RedisBench(link)
    entries = [await bench.add({"event": text}) for text in ("one", "two")]
    client = bench.client()
    first, second = await client.inbox.take(10, 1.0)
    assert await client.inbox.renew(entries) == ()
    await client.inbox.acknowledge([first.entry_id])
    await client.inbox.dead_letter(second, "unreadable", AT)
    assert await bench.pending() == set()
    views = RedisViews(link)
    [letter] = await views.dead_letters(10)
    assert await views.retry_dead(letter.dead_id)
    assert [entry.body for entry in await RedisInbox(link, "one", 5).take(10, 1.0)] == ["two"]
    await client.outcomes.publish([{"id": "1"}, {"id": "2"}])
    assert [outcome["id"] for outcome in await bench.published()] == ["1", "2"]
    commands = RedisCommands(link)
    command_id = await commands.send("status", {})
    command = await commands.next(1.0)
    assert command is not None
    await commands.reply(command.command_id, {"ok": True})
    assert await commands.wait_reply(command_id, 1.0) == {"ok": True}


async def test_every_node_that_holds_our_keys_is_checked(cluster: RedisCluster, link: RedisLink) -> None:
    """A finding names the node; the one with a replica must not confirm what no replica has."""
    alone = [node for node in cluster.primaries if node is not cluster.home]
    before = await RedisJournal(link).check_durability()
    assert any(f"{HOST}:{cluster.home.port} has replicas and min-replicas" in finding for finding in before)
    assert not any(f"{HOST}:{node.port}" in finding for finding in before for node in alone)
    for node in cluster.primaries:
        ask(node, "CONFIG", "SET", "appendfsync", "everysec")
    findings = [finding for finding in await RedisJournal(link).check_durability() if "appendfsync" in finding]
    for node in cluster.primaries:
        ask(node, "CONFIG", "SET", "appendfsync", "always")
    assert len(findings) == len({finding.split()[1] for finding in findings}) > 1


async def test_a_dead_letter_and_its_acknowledgement_may_be_on_different_nodes(link: RedisLink) -> None:
    """Then the letter comes first; a repeat, as after a crash between the steps, adds no second one."""
    await link.command("publish", "XADD", keys.EVENTS, "*", "event", "{broken")
    inbox = RedisInbox(link, "one", 30)
    [entry] = await inbox.take(1, 1)
    for _ in range(2):
        await inbox.dead_letter(entry, "not JSON", AT)
    assert await link.command("count", "XLEN", keys.DEAD) == 1
    assert (await link.command("look", "XPENDING", keys.EVENTS, keys.GROUP))["pending"] == 0


async def test_a_slot_that_moves_takes_the_journal_along(cluster: RedisCluster, link: RedisLink) -> None:
    """ASK while the slot is on its way: single keys are found, and a write of several waits, as Redis wants it. MOVED
    once it is there: the write counts once, and its script is sent anew.
    """
    journal = RedisJournal(link)
    record = await journal.accept(accepted(), [])
    lease = await journal.acquire(ACCOUNT, "one", 30)
    assert lease is not None
    source = cluster.home
    target = next(node for node in cluster.primaries if node is not source)
    slot = int(ask(source, "CLUSTER", "KEYSLOT", keys.FENCE))
    ask(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", node_id(source))
    ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", node_id(target))
    move(slot, source, target)
    assert await RedisJournal(link).find(record.key) == record
    with pytest.raises(StoreUnavailable, match="on its way to another node"):
        await journal.write(lease, planned(record), [])
    for node in (target, source):
        ask(node, "CLUSTER", "SETSLOT", slot, "NODE", node_id(target))
    ask(target, "SCRIPT", "FLUSH")
    record = await journal.write(lease, planned(record), [])
    record = await journal.write(lease, submitting(record), [note()])
    assert await RedisJournal(link).find(record.key) == record
    assert record.revision == 3
    ask(source, "CLUSTER", "SETSLOT", slot, "IMPORTING", node_id(target))
    ask(target, "CLUSTER", "SETSLOT", slot, "MIGRATING", node_id(source))
    move(slot, target, source)
    for node in (source, target):
        ask(node, "CLUSTER", "SETSLOT", slot, "NODE", node_id(source))
    assert await RedisJournal(link).find(record.key) == record


def move(slot: int, source: RedisServer, target: RedisServer) -> None:
    """All keys of the slot, as an operator's tool moves them."""
    names = ask(source, "CLUSTER", "GETKEYSINSLOT", slot, 1000)
    ask(source, "MIGRATE", HOST, target.port, "", 0, SLOT_SECONDS_MAX * 1000, "KEYS", *names)


def test_a_fail_over_in_the_middle_of_a_rebalance(tmp_path: Path) -> None:
    """The node that holds the journal is killed while orders work; its replica takes over, and the event comes to
    its one end, each order once."""
    (tmp_path / "cluster").mkdir()
    with RedisCluster(tmp_path / "cluster") as cluster, Stack(tmp_path, FILLS, started=False) as stack:
        stack.redis = cast(redis.Redis, cluster.client)
        stack.start(REDIS_URL=cluster.url)
        stack.publish("one", {"QQQ": 0.4, "TLT": 0.3, "SPY": 0.2})
        stack.wait_log("order.working")
        until(lambda: cluster.copied, "the replica knowing it")
        cluster.home.kill()
        stack.wait_log("store.lost")
        until(lambda: ask(cluster.replica, "ROLE")[0] == "master", "the replica taking over")
        stack.wait_final("one")
        check_ledger(stack, {"one": "completed"})
        stack.wait_log("store.restored")


async def test_a_node_that_is_away_is_unavailability(tmp_path: Path) -> None:
    """No answer is StoreUnavailable in words and within bounds, and the link works again when the node is back."""
    (tmp_path / "cluster").mkdir()
    timing = Timing(connect=0.3, answer=0.5, total=2.0)
    with RedisCluster(tmp_path / "cluster") as cluster:
        async with RedisLink(cluster.url, timing=timing) as link:
            journal = RedisJournal(link)
            record = await journal.accept(accepted(), [])
            cluster.replica.kill()
            cluster.home.kill()
            with pytest.raises(StoreUnavailable, match="Redis could not look an event up"):
                await journal.find(record.key)
            cluster.home.start()
            until(lambda: ask(cluster.home, "CLUSTER INFO")["cluster_state"] == "ok", "the node being back")
            assert await journal.find(record.key) == record
            again = replace(record, reason="told")
            lease = await journal.acquire(ACCOUNT, "one", 30)
            assert lease is not None
            assert (await journal.write(lease, again, [])).revision == 2
