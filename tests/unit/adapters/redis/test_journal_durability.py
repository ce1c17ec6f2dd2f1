"""What makes a Redis unsafe is found and said with its fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import pytest
import redis

from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.adapters.redis.journal_durability import MIN_REPLICAS, durability_findings, state_findings
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


SAFE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class Nodes:
    """Two servers that take our writes, as far as they are asked what they are."""

    def __init__(self, replicas: int, settings: Mapping[str, str]) -> None:
        """The first has so many replicas; both tell these settings."""
        self._replicas, self._settings = replicas, settings

    async def everywhere(self, _what: str, command: str, name: str = "") -> Mapping[str, object]:
        if command == "INFO":
            return {
                "Redis one": {"redis_version": "6.2.0", "connected_slaves": self._replicas},
                "Redis two": {"redis_version": "7.4.1", "connected_slaves": 0},
            }
        told = {name: self._settings[name]} if name in self._settings else {}
        return {"Redis one": told, "Redis two": told}


async def findings_of(replicas: int, settings: Mapping[str, str]) -> Sequence[str]:
    """What is found against them."""
    return await durability_findings(cast("RedisLink", Nodes(replicas, settings)))


async def test_a_server_with_replicas_that_confirms_without_them_is_a_finding() -> None:
    """A fail-over forgets what no replica has; a server that has none has nobody to wait for."""
    for settings in (SAFE, {**SAFE, MIN_REPLICAS: "0"}):
        [finding] = await findings_of(2, settings)
        assert finding.startswith(f"Redis one has replicas and {MIN_REPLICAS} 0")
        assert await findings_of(0, settings) == []
    assert await findings_of(2, {**SAFE, MIN_REPLICAS: "1"}) == []


async def test_a_setting_that_is_not_told_is_a_finding() -> None:
    """An empty answer is not taken for the safe value."""
    findings = await findings_of(0, {name: value for name, value in SAFE.items() if name != "appendfsync"})
    assert ["appendfsync not there" in finding for finding in findings] == [True, True]


async def test_a_server_that_is_away_is_no_finding(own_redis_server: RedisServer) -> None:
    """Not being able to ask is unavailability, not an answer."""
    own_redis_server.stop()
    async with RedisLink(own_redis_server.url) as link:
        with pytest.raises(StoreUnavailable):
            await RedisJournal(link).check_durability()
