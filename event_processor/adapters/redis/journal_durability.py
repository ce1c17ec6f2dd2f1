"""What makes a Redis unsafe for real money, in words with the fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from event_processor.adapters.redis.connection import RedisLink
from event_processor.errors import StoreUnavailable

VERSION_MIN = (6, 2)
WANTED = (
    ("appendonly", "yes", "it keeps no append-only file and forgets orders when it restarts"),
    ("appendfsync", "always", "it confirms writes before they are on disk; a power cut forgets orders"),
    ("maxmemory-policy", "noeviction", "when full it silently deletes records of orders"),
)
MIN_REPLICAS = "min-replicas-to-write"


async def durability_findings(link: RedisLink) -> Sequence[str]:
    """Every finding, for each server that takes our writes; none when each confirmed write survives a power cut,
    and as far as Redis can promise it a fail-over. Raises StoreUnavailable.
    """
    await link.everywhere("answer", "PING")
    return [*await _settings(link), *await _state(link)]


async def _settings(link: RedisLink) -> list[str]:
    findings = []
    for name, wanted, danger in WANTED:
        try:
            replies = await link.everywhere(f"tell its setting {name}", "CONFIG GET", name)
        except StoreUnavailable as error:
            findings.append(
                f"Redis does not show its setting {name}, which must be {wanted} ({error}); "
                "allow our user CONFIG GET, or use a Redis whose settings can be read"
            )
            continue
        found = {server: reply.get(name, "not there") for server, reply in replies.items()}
        findings += [
            f"{server} has {name} {value}: {danger}; set: CONFIG SET {name} {wanted}"
            for server, value in found.items()
            if value != wanted
        ]
    return findings


async def _state(link: RedisLink) -> list[str]:
    try:
        states = await link.everywhere("tell its state", "INFO")
    except StoreUnavailable as error:
        return [f"Redis does not show its state ({error}); allow our user INFO"]
    findings = [finding for info in states.values() for finding in state_findings(info)]
    followed = [server for server, info in states.items() if int(info.get("connected_slaves", 0))]
    return findings + (await _replicas(link, followed) if followed else [])


async def _replicas(link: RedisLink, followed: Sequence[str]) -> list[str]:
    """Replication runs behind: a primary that is cut off from its replicas must not go on confirming writes."""
    try:
        replies = await link.everywhere("tell its setting min-replicas-to-write", "CONFIG GET", MIN_REPLICAS)
    except StoreUnavailable:
        return []  # that it hides its settings has been said
    return [
        f"{server} has replicas and {MIN_REPLICAS} 0: cut off from them it confirms orders that a fail-over "
        f"forgets; set: CONFIG SET {MIN_REPLICAS} 1, with two replicas or more, so that one may be missing"
        for server, reply in replies.items()
        if server in followed and reply.get(MIN_REPLICAS, "0") == "0"
    ]


def state_findings(info: Mapping[str, Any]) -> list[str]:
    """What INFO tells against this server."""
    findings = []
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < VERSION_MIN:
        findings.append(f"Redis has version {version}: 6.2 or newer is needed; upgrade it")
    if info.get("aof_last_write_status", "ok") != "ok":
        findings.append("Redis failed to write its append-only file last time; look at its log and its disk")
    if info.get("role", "master") != "master":
        findings.append("this Redis is a replica and takes no writes; point REDIS_URL at the primary")
    return findings
