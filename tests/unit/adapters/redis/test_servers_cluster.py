"""Which node of a cluster a command is sent to, and when it is looked where the keys are by now."""

from __future__ import annotations

from typing import cast

import pytest
from redis import exceptions
from redis.asyncio import RedisCluster
from redis.crc import key_slot

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.servers import HOMES, ClusterServers, Word

LOST = exceptions.ConnectionError("the node is gone")


class Node:
    """One node, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Topology:
    """Counts how often it was looked where the keys are; the look itself may fail."""

    def __init__(self) -> None:
        self.looks = 0
        self.failures: list[Exception] = []

    async def initialize(self) -> None:
        self.looks += 1
        if self.failures:
            raise self.failures.pop()


class Cluster:
    """Stands in for redis-py's client: the keys of even slots live on one node, those of odd ones on another."""

    def __init__(self) -> None:
        self.nodes_manager = Topology()
        self.sent: list[tuple[str, Word]] = []
        self.failures: list[Exception] = []
        self._nodes = (Node("even"), Node("odd"))

    async def initialize(self) -> None:
        pass

    def get_node_from_key(self, key: str) -> Node:
        return self._nodes[key_slot(key.encode()) % 2]

    async def execute_command(self, *words: Word, target_nodes: Node) -> str:
        if self.failures:
            raise self.failures.pop()
        self.sent.append((target_nodes.name, words[0]))
        return "done"

    def pipeline(self) -> Batch:
        return Batch(self)


class Batch:
    """Commands that are sent together."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._commands: list[tuple[Node, tuple[Word, ...]]] = []

    def execute_command(self, *words: Word, target_nodes: Node) -> None:
        self._commands.append((target_nodes, words))

    async def execute(self) -> list[str]:
        return [await self._cluster.execute_command(*words, target_nodes=node) for node, words in self._commands]


def servers(cluster: Cluster) -> ClusterServers:
    """The product's side of the stand-in."""
    return ClusterServers(cast("RedisCluster", cluster))


def home(key: str) -> str:
    """The node where the key lives."""
    return Cluster().get_node_from_key(key).name


@pytest.mark.parametrize("key", ["a", "b", keys.FENCE, keys.EVENTS])
async def test_every_form_of_command_goes_to_the_node_of_its_key(key: str) -> None:
    """Also a script, whose key comes third, and a read of a stream, whose key comes last but one."""
    cluster = Cluster()
    with_key: list[tuple[Word, ...]] = [
        ("GET", key),
        ("EVALSHA", "digest", 1, key, "argument"),
        ("EVAL", "return 1", 1, key, "argument"),
        ("XREADGROUP", "GROUP", keys.GROUP, "one", "COUNT", 5, "STREAMS", key, ">"),
    ]
    for words in with_key:
        await servers(cluster).send(*words)
        assert await servers(cluster).send_all([words]) == ["done"]
    assert cluster.sent == [(home(key), words[0]) for words in with_key for _ in range(2)]


async def test_each_node_that_holds_a_key_of_ours_is_asked_once() -> None:
    """That of the journal is among them, whatever the streams' nodes are."""
    cluster = Cluster()
    named = {f"Redis {home(key)}" for key in (keys.EVENTS, keys.OUTCOMES, keys.DEAD, keys.FENCE)}
    assert set(await servers(cluster).everywhere("PING")) == named
    assert len(cluster.sent) == len(named)


async def test_the_slot_of_the_journal_counts_among_those_in_use() -> None:
    """None of the streams lives there, so that its node is asked only because it is named."""
    streams = {key_slot(name.encode()) for name in (keys.EVENTS, keys.OUTCOMES, keys.DEAD)}
    assert key_slot(keys.FENCE.encode()) not in streams
    assert {key_slot(name.encode()) for name in HOMES} == {*streams, key_slot(keys.FENCE.encode())}


@pytest.mark.parametrize("batch", [False, True])
async def test_a_lost_node_makes_it_look_where_the_keys_are_by_now(batch: bool) -> None:
    """Before the next command, and again when that look fails; an answer, even a refusal, is no reason to."""
    cluster = Cluster()
    ours = servers(cluster)

    async def send() -> None:
        await (ours.send_all([("SET", "a", "1")]) if batch else ours.send("SET", "a", "1"))

    await send()
    cluster.failures = [exceptions.ResponseError("refused")]
    with pytest.raises(exceptions.ResponseError):
        await send()
    await send()
    assert cluster.nodes_manager.looks == 0
    cluster.failures = [LOST]
    with pytest.raises(exceptions.ConnectionError):
        await send()
    cluster.nodes_manager.failures = [LOST]
    with pytest.raises(exceptions.ConnectionError):
        await send()
    await send()
    assert cluster.nodes_manager.looks == 2
    await send()
    assert cluster.nodes_manager.looks == 2
