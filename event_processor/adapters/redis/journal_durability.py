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


async def durability_findings(link: RedisLink) -> Sequence[str]:
    """Every finding; none when each confirmed write survives a power cut. Raises StoreUnavailable."""
    await link.command("answer", "PING", repeat=True)
    return [*await _settings(link), *await _state(link)]


async def _settings(link: RedisLink) -> list[str]:
    findings = []
    for name, wanted, danger in WANTED:
        try:
            reply = await link.command(f"tell its setting {name}", "CONFIG GET", name, repeat=True)
        except StoreUnavailable as error:
            findings.append(
                f"Redis does not show its setting {name}, which must be {wanted} ({error}); "
                "allow our user CONFIG GET, or use a Redis whose settings can be read"
            )
            continue
        found = reply.get(name, "not there")
        if found != wanted:
            findings.append(f"Redis has {name} {found}: {danger}; set: CONFIG SET {name} {wanted}")
    return findings


async def _state(link: RedisLink) -> list[str]:
    try:
        info = await link.command("tell its state", "INFO", repeat=True)
    except StoreUnavailable as error:
        return [f"Redis does not show its state ({error}); allow our user INFO"]
    return state_findings(info)


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
