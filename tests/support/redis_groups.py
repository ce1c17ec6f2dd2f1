"""Several real Redis servers that belong together: a cluster, and a primary with a replica under Sentinels.

with RedisCluster(folder) as cluster:
    cluster.url  # redis+cluster://127.0.0.1:40001,127.0.0.1:40002,127.0.0.1:40003
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import ConstantBackoff
from redis.cluster import RedisCluster as ClusterClient
from redis.crc import key_slot
from redis.retry import Retry
from redis.sentinel import Sentinel

from event_processor.adapters.redis import keys
from event_processor.entrypoints.demo.redis_binary import find_redis_server
from event_processor.entrypoints.demo.redis_server import HOST, RedisServer
from tests.support.processes import RunningProcess

SLOTS = 16384
NODES = 3
SENTINELS = 3
NAME = "main"
DOWN_MILLISECONDS = 1000
LOOK_SECONDS = 0.02
SECONDS_MAX = 20.0
PATIENCE = Retry(ConstantBackoff(0.1), 200)
"""A reader outlives a fail-over."""


class RedisCluster:
    """Three primaries that share the slots, and a replica of the one that holds the journal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends = ExitStack()
        self.primaries: list[RedisServer] = []

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            self.primaries = [self._node(ends, f"node-{number}") for number in range(NODES)]
            for number, node in enumerate(self.primaries):
                slots = range(SLOTS * number // NODES, SLOTS * (number + 1) // NODES)
                ask(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                ask(node, "CLUSTER", "ADDSLOTS", *slots)
                ask(node, "CLUSTER", "MEET", HOST, self.primaries[0].port)
            until(lambda: all(_complete(node, NODES) for node in self.primaries), "the cluster agreeing")
            self.replica = self._node(ends, "replica")
            ask(self.replica, "CLUSTER", "MEET", HOST, self.primaries[0].port)
            nodes = [*self.primaries, self.replica]
            until(lambda: all(_complete(node, NODES + 1) for node in nodes), "the replica being known")
            ask(self.replica, "CLUSTER", "REPLICATE", node_id(self.home))
            until(lambda: _replicas(self.home) == 1, "the replica following")
            self.client = ends.enter_context(
                ClusterClient(host=HOST, port=self.primaries[0].port, decode_responses=True, retry=PATIENCE)
            )
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    @property
    def url(self) -> str:
        """The address for REDIS_URL."""
        return "redis+cluster://" + ",".join(f"{HOST}:{node.port}" for node in self.primaries)

    @property
    def home(self) -> RedisServer:
        """The node that got the slot of the journal in the beginning."""
        return self.primaries[key_slot(keys.FENCE.encode()) * NODES // SLOTS]

    @property
    def copied(self) -> bool:
        """Whether the replica has everything that its primary had a moment before."""
        return _copied(self.home, self.replica)

    def _node(self, ends: ExitStack, name: str) -> RedisServer:
        folder = self._folder / name
        folder.mkdir()
        options = {"cluster-enabled": "yes", "cluster-node-timeout": str(DOWN_MILLISECONDS)}
        return ends.enter_context(RedisServer(folder, options))


class SentinelGroup:
    """A primary, its replica, and three Sentinels that watch them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends = ExitStack()
        self._ports: list[int] = []

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            self.primary, self.replica = (self._server(ends, name) for name in ("primary", "replica"))
            ask(self.replica, "REPLICAOF", HOST, self.primary.port)
            until(lambda: _replicas(self.primary) == 1, "the replica following")
            for number in range(SENTINELS):
                self._ports.append(self._sentinel(ends, number))
            self._sentinels = Sentinel([(HOST, port) for port in self._ports], socket_timeout=1)
            until(self._complete, "the Sentinels knowing each other")
            self.client = ends.enter_context(
                self._sentinels.master_for(NAME, decode_responses=True, retry=PATIENCE, socket_timeout=2)
            )
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sentinel in self._sentinels.sentinels:
            sentinel.close()
        self._ends.close()

    @property
    def url(self) -> str:
        """The address for REDIS_URL."""
        return "redis+sentinel://" + ",".join(f"{HOST}:{port}" for port in self._ports) + f"/{NAME}"

    @property
    def primary_port(self) -> int:
        """Where the Sentinels say the primary is."""
        return int(self._states()[0]["port"])

    @property
    def copied(self) -> bool:
        """Whether the replica has everything that the primary had a moment before."""
        return _copied(self.primary, self.replica)

    def fail_over(self) -> None:
        """Ask a Sentinel to promote the replica though nothing is wrong."""
        self._sentinels.sentinels[0].execute_command("SENTINEL", "FAILOVER", NAME)

    def _server(self, ends: ExitStack, name: str) -> RedisServer:
        folder = self._folder / name
        folder.mkdir()
        return ends.enter_context(RedisServer(folder, {"repl-diskless-sync-delay": "0"}))

    def _sentinel(self, ends: ExitStack, number: int) -> int:
        port = free_port()
        file = self._folder / f"sentinel-{number}.conf"
        file.write_text(
            f"port {port}\nbind {HOST}\n"
            f"sentinel monitor {NAME} {HOST} {self.primary.port} 2\n"
            f"sentinel down-after-milliseconds {NAME} {DOWN_MILLISECONDS}\n"
            f"sentinel failover-timeout {NAME} 5000\n",
            encoding="utf-8",
        )
        process = ends.enter_context(
            RunningProcess([find_redis_server(), file, "--sentinel"], self._folder / f"sentinel-{number}.log")
        )
        process.wait_for_line("+monitor")
        return port

    def _complete(self) -> bool:
        return all((one["num-other-sentinels"], one["num-slaves"]) == (SENTINELS - 1, 1) for one in self._states())

    def _states(self) -> list[Any]:
        """What each Sentinel says of the primary."""
        return [sentinel.sentinel_master(NAME) for sentinel in self._sentinels.sentinels]


def ask(server: RedisServer, *words: str | int) -> Any:  # noqa: ANN401 - whatever Redis says
    """One command to this very server."""
    with redis.Redis(host=HOST, port=server.port, decode_responses=True, socket_timeout=5) as client:
        return client.execute_command(*words)


def node_id(server: RedisServer) -> str:
    """What the cluster calls this node."""
    return str(ask(server, "CLUSTER", "MYID"))


def until(condition: Callable[[], object], what: str, seconds: float = SECONDS_MAX) -> None:
    """Look until the condition holds; `AssertionError` when it does not in time."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"no sign of {what} in {seconds} s"
        pause.wait(LOOK_SECONDS)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _complete(node: RedisServer, nodes: int) -> bool:
    info: Any = ask(node, "CLUSTER INFO")
    return (info["cluster_state"], int(info["cluster_known_nodes"])) == ("ok", nodes)


def _replicas(server: RedisServer) -> int:
    info: Any = ask(server, "INFO")
    return sum(1 for number in range(info["connected_slaves"]) if info[f"slave{number}"]["state"] == "online")


def _copied(primary: RedisServer, replica: RedisServer) -> bool:
    before: Any = ask(primary, "INFO")
    after: Any = ask(replica, "INFO")
    return bool(after["slave_repl_offset"] >= before["master_repl_offset"])
