from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis

from event_processor.entrypoints.demo import redis_server
from event_processor.entrypoints.demo.redis_server import RedisServer
from event_processor.errors import StoreUnavailable


def setting(client: redis.Redis, name: str) -> str:
    return str(client.config_get(name)[name])


def test_the_server_keeps_every_write_on_disk(redis_client: redis.Redis) -> None:
    """It runs with what the processor demands of a durable store."""
    assert setting(redis_client, "appendonly") == "yes"
    assert setting(redis_client, "appendfsync") == "always"
    assert setting(redis_client, "maxmemory-policy") == "noeviction"
    assert setting(redis_client, "bind") == "127.0.0.1"


@pytest.mark.parametrize("end", [RedisServer.stop, RedisServer.kill])
def test_data_and_address_outlive_the_process(own_redis_server: RedisServer, end: object) -> None:
    """After a stop, and after SIGKILL, a new process answers on the same port with the same data."""
    server = own_redis_server
    port, first_pid = server.port, server.pid
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        client.set("kept", "yes")
    assert callable(end)
    end(server)
    assert server.pid is None
    server.start()
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        assert client.get("kept") == "yes"
    assert server.port == port
    assert server.pid not in {None, first_pid}


def test_a_frozen_server_stays_silent_until_thawed(own_redis_server: RedisServer) -> None:
    """A stalled host keeps the connection and answers nothing."""
    with redis.Redis.from_url(own_redis_server.url, socket_timeout=0.2) as client:
        client.ping()
        own_redis_server.freeze()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        own_redis_server.thaw()
    with redis.Redis.from_url(own_redis_server.url) as client:
        assert client.ping()


def test_leaving_the_context_leaves_nothing_behind() -> None:
    """Process and temporary folder are gone afterwards."""
    with RedisServer() as server:
        pid, folder = server.pid, server.directory
        assert folder.is_dir()
    assert not folder.exists()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_port_taken_in_the_meantime_is_not_ours(
    shared_redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losing the race for a port to another Redis is noticed, and another port is tried."""
    ports = iter([shared_redis_server.port, redis_server._free_port()])  # noqa: SLF001
    monkeypatch.setattr(redis_server, "_free_port", lambda: next(ports))
    with RedisServer(tmp_path) as server:
        assert server.port != shared_redis_server.port


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The end of the server's own log is in the error."""
    (tmp_path / "appendonlydir").write_text("in the way of the append-only folder")
    (tmp_path / "appendonly.aof").mkdir()
    server = RedisServer(tmp_path)
    with pytest.raises(StoreUnavailable, match=r"(?i)append"):
        server.start()
    assert server.pid is None
