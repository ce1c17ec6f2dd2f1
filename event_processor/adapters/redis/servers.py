"""The servers behind REDIS_URL: one, the primary that Sentinels name, or the nodes of a cluster.

Each kind sends a command where its key lives and, after a failure, finds out anew where that is. redis-py's own
clients follow the cluster's and the Sentinels' answers; which node a command goes to is said here, because for
some commands redis-py would first ask a node that may be the dead one.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.sentinel import Sentinel

from event_processor.adapters.redis import keys

Word = str | int

CLUSTER, SENTINEL = "+cluster", "+sentinel"
CLUSTER_PORT, SENTINEL_PORT = 6379, 26379
WHOLE = "Redis"
"""What a single server is called where nodes of a cluster go by their address."""
TOPOLOGY = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ClusterError, OSError, TimeoutError)
"""Errors after which the cluster may look different."""
REPLACED = re.compile(r"READONLY|NOREPLICAS|read only replica")
HOMES = (keys.EVENTS, keys.OUTCOMES, keys.DEAD, keys.FENCE)
"""One key of every slot in use."""


class Servers(Protocol):
    """Raises what redis-py raises; a command is sent once."""

    async def send(self, *words: Word) -> Any: ...  # noqa: ANN401
    async def send_all(self, many: Sequence[Sequence[Word]]) -> list[Any]: ...
    async def everywhere(self, *words: Word) -> Mapping[str, Any]: ...
    async def close(self) -> None: ...


class SingleServer:
    """One server, or the one primary that the Sentinels name at the moment of connecting."""

    def __init__(self, client: Redis, sentinel: Sentinel | None = None) -> None:
        self._client, self._sentinel = client, sentinel
        self._execute: Callable[..., Any] = client.execute_command

    async def send(self, *words: Word) -> Any:  # noqa: ANN401
        """The reply to one command."""
        async with self._asking_again():
            return await self._execute(*words)

    async def send_all(self, many: Sequence[Sequence[Word]]) -> list[Any]:
        """The replies to several commands, in one round trip."""
        async with self._asking_again(), self._client.pipeline(transaction=False) as pipeline:
            for words in many:
                pipeline.execute_command(*words)
            return await pipeline.execute()

    async def everywhere(self, *words: Word) -> Mapping[str, Any]:
        """The reply of each server that takes our writes, by its name."""
        return {WHOLE: await self.send(*words)}

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
        if self._sentinel is not None:
            await self._sentinel.aclose()

    @asynccontextmanager
    async def _asking_again(self) -> AsyncIterator[None]:
        """A primary that takes no writes may have been replaced: connect anew, wherever that leads."""
        try:
            yield
        except exceptions.ResponseError as error:
            if REPLACED.search(str(error)):
                await self._client.connection_pool.disconnect(inuse_connections=False)
            raise


class ClusterServers:
    """The nodes of a cluster; MOVED and ASK are followed, since the node that says so did not carry out anything."""

    def __init__(self, client: RedisCluster) -> None:
        self._client = client
        self._stale = False
        self._execute: Callable[..., Any] = client.execute_command
        self._pipeline: Callable[[], Any] = client.pipeline

    async def send(self, *words: Word) -> Any:  # noqa: ANN401
        """The reply to one command, from the primary that holds its key."""
        return await self._ask(await self._home(_key(words)), *words)

    async def send_all(self, many: Sequence[Sequence[Word]]) -> list[Any]:
        """The replies to several commands of one slot, in one round trip."""
        node = await self._home(_key(many[0]))
        pipeline = self._pipeline()
        for words in many:
            pipeline.execute_command(*words, target_nodes=node)
        try:
            found: list[Any] = await pipeline.execute()
        except TOPOLOGY:
            self._stale = True
            raise
        return found

    async def everywhere(self, *words: Word) -> Mapping[str, Any]:
        """The reply of each primary that takes our writes, by its address."""
        nodes = {node.name: node for node in [await self._home(key) for key in HOMES]}
        return {f"{WHOLE} {name}": await self._ask(node, *words) for name, node in nodes.items()}

    async def close(self) -> None:
        """Close every connection; redis-py's own closing leaves some open after a failure."""
        await self._client.aclose()
        for nodes in ("nodes_cache", "startup_nodes"):
            await self._client.nodes_manager.aclose(nodes)

    async def _ask(self, node: ClusterNode, *words: Word) -> Any:  # noqa: ANN401
        try:
            return await self._execute(*words, target_nodes=node)
        except TOPOLOGY:
            self._stale = True
            raise

    async def _home(self, key: str) -> ClusterNode:
        await self._client.initialize()
        if self._stale:
            await self._client.nodes_manager.initialize()
            self._stale = False
        node = self._client.get_node_from_key(key)
        if node is None:
            raise exceptions.SlotNotCoveredError(f"no node holds {key}")
        return node


def open_servers(url: str, options: Mapping[str, Any]) -> Servers:
    """The servers at this address; connects to nothing. `ValueError` when the address cannot be read."""
    parts = urlsplit(url)
    if parts.scheme.endswith((CLUSTER, SENTINEL)):
        login = {"username": parts.username, "password": parts.password}
        given: dict[str, Any] = {**options, **{name: value for name, value in login.items() if value}}
        if parts.scheme.startswith("rediss"):
            given["ssl"] = True
        hosts = parts.netloc.rpartition("@")[2]
        if parts.scheme.endswith(CLUSTER):
            nodes = [ClusterNode(host, port) for host, port in _addresses(hosts, CLUSTER_PORT)]
            return ClusterServers(RedisCluster(startup_nodes=nodes, **given))
        return _under_sentinels(_addresses(hosts, SENTINEL_PORT), parts.path.strip("/"), given)
    return SingleServer(Redis.from_url(url, **options))


def _under_sentinels(hosts: list[tuple[str, int]], name: str, options: dict[str, Any]) -> Servers:
    if not name:
        raise ValueError("the name of the primary is missing at its end")
    own = {word: value for word, value in options.items() if word not in {"username", "password"}}
    made: Callable[..., Sentinel] = Sentinel
    sentinel = made(hosts, sentinel_kwargs=own, **options)
    return SingleServer(sentinel.master_for(name), sentinel)


def _addresses(hosts: str, port: int) -> list[tuple[str, int]]:
    found = [urlsplit(f"//{host}") for host in hosts.split(",")]
    if not all(one.hostname for one in found):
        raise ValueError("a host is missing")
    return [(str(one.hostname), one.port or port) for one in found]


def _key(words: Sequence[Word]) -> str:
    """The key that says where a command belongs."""
    if words[0] in {"EVALSHA", "EVAL"}:
        return str(words[3])
    if words[0] == "XREADGROUP":
        return str(words[words.index("STREAMS") + 1])
    return str(words[1])
