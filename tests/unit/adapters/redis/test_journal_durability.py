"""What makes a Redis unsafe is found and said with its fix."""

from __future__ import annotations

import pytest
import redis

from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.adapters.redis.journal_durability import state_findings
from event_processor.entrypoints.demo.redis_server import RedisServer
from event_processor.errors import StoreUnavailable


async def test_a_durable_server_has_no_findings(redis_url: str) -> None:
    """Append-only, synced on every write, never evicting: fit for real money."""
    async with RedisLink(redis_url) as link:
        assert await RedisJournal(link).check_durability() == []


@pytest.mark.parametrize(
    ("setting", "value"),
    [("appendonly", "no"), ("appendfsync", "everysec"), ("maxmemory-policy", "allkeys-lru")],
)
async def test_each_unsafe_setting_is_one_finding(own_redis_server: RedisServer, setting: str, value: str) -> None:
    """The finding names the setting, what it is, and the command that mends it."""
    async with RedisLink(own_redis_server.url) as link:
        await link.command("change", "CONFIG", "SET", setting, value)
        [finding] = await RedisJournal(link).check_durability()
    assert f"{setting} {value}" in finding
    assert f"CONFIG SET {setting} " in finding


async def test_a_server_that_hides_its_settings_is_a_finding(redis_url: str, redis_client: redis.Redis) -> None:
    """A managed Redis that forbids CONFIG and INFO is not taken for safe."""
    redis_client.acl_setuser("tester", enabled=True, passwords=["+x"], commands=["+ping"], keys=["~*"])
    async with RedisLink(redis_url.replace("redis://", "redis://tester:x@")) as link:
        findings = await RedisJournal(link).check_durability()
    redis_client.acl_deluser("tester")
    assert len(findings) == 4
    assert all("does not show" in finding and "allow our user" in finding for finding in findings)


async def test_a_replica_is_a_finding(own_redis_server: RedisServer) -> None:
    """A server that takes no writes is told at the start."""
    async with RedisLink(own_redis_server.url) as link:
        await link.command("follow", "REPLICAOF", "127.0.0.1", "1")
        findings = await RedisJournal(link).check_durability()
        await link.command("lead", "REPLICAOF", "NO", "ONE")
    assert [finding for finding in findings if "replica" in finding]


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"redis_version": "6.0.16"}, "6.2 or newer"),
        ({"redis_version": "7.2.4", "aof_last_write_status": "err"}, "append-only file"),
        ({}, "version 0"),
    ],
    ids=["old", "failing disk", "no version"],
)
def test_a_state_that_speaks_against_the_server_is_a_finding(info: dict[str, str], words: str) -> None:
    """Too old, or unable to write its file."""
    [finding] = state_findings(info)
    assert words in finding


async def test_a_server_that_is_away_is_no_finding(own_redis_server: RedisServer) -> None:
    """Not being able to ask is unavailability, not an answer."""
    own_redis_server.stop()
    async with RedisLink(own_redis_server.url) as link:
        with pytest.raises(StoreUnavailable):
            await RedisJournal(link).check_durability()
