"""The link to Redis: every command bounded, every failure a StoreUnavailable in words.

The library's own retries are off, because it cannot know which commands may be repeated; the caller says
so with `repeat`. Bytes that are no UTF-8 travel as surrogates and come out as the bytes they were.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from event_processor.adapters.redis import servers
from event_processor.errors import ConfigurationError, StoreUnavailable

T = TypeVar("T")
Word = servers.Word

LOST = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.RedisClusterException, OSError, TimeoutError)
"""Errors after which nobody knows whether the command was carried out, or where it should have gone."""

ADVICE: tuple[tuple[str, str], ...] = (
    (r"maxmemory", "it is full: raise maxmemory or give it more memory"),
    (r"MISCONF", "it cannot write to its disk: look at its log and at the free space"),
    (r"READONLY|read only replica", "it is a read-only replica: point REDIS_URL at the primary"),
    (r"NOREPLICAS", "it has too few replicas to take a write: bring them back (min-replicas-to-write)"),
    (r"CLUSTERDOWN|[Ss]lots? .*not covered", "no node of the cluster serves our keys: look at CLUSTER INFO"),
    (r"TRYAGAIN|TTL exhausted", "the slot of our keys is on its way to another node of the cluster"),
    (r"Cluster cannot be connected", "no node of the cluster answers"),
    (r"MasterNotFound", "the Sentinels know no primary of that name, or it is down and not replaced yet"),
    (r"LOADING|BusyLoading", "it is still loading its data"),
    (r"NOPERM|NoPermission", "its access rules do not allow this to our user"),
    (r"NOAUTH|WRONGPASS|Authentication", "it wants another user name or password: see REDIS_URL"),
    (r"Timeout", "it did not answer in time"),
)
"""What an error of the library or the server means for a person, by its name or words."""


class GroupMissing(StoreUnavailable):
    """The stream has no consumer group: it was never made, or Redis lost its data."""


class SlotsApart(StoreUnavailable):
    """The keys of one step live in different slots of a cluster. It had no effect."""


KINDS = ((r"NOGROUP", GroupMissing), (r"CROSSSLOT|CrossSlot", SlotsApart))
"""Failures that a caller can do something about."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Bounds in seconds: `answer` for one reply, `total` for one call with its `tries`."""

    connect: float = 2.0
    answer: float = 3.0
    total: float = 8.0
    pause: float = 0.1
    tries: int = 3

    @property
    def block(self) -> float:
        """The longest a blocking command may wait at the server; well inside the time for a reply."""
        return self.answer / 2


class RedisLink:
    """Connections to what is at `url`: one server (`redis://`, `rediss://`, `unix://`), a cluster
    (`redis+cluster://host:port,host:port`) or the primary of some Sentinels (`redis+sentinel://host:port/name`).

    A password in the address wins over `password`. Nothing is opened before the first command.
    """

    def __init__(self, url: str, *, password: str | None = None, timing: Timing | None = None) -> None:
        self.timing = timing or Timing()
        options = {
            "password": password,
            "protocol": 2,
            "decode_responses": True,
            "encoding_errors": "surrogateescape",
            "socket_timeout": self.timing.answer,
            "socket_connect_timeout": self.timing.connect,
            "retry": Retry(NoBackoff(), 0),
        }
        try:
            self._servers = servers.open_servers(url, options)
        except ValueError as error:
            raise ConfigurationError(f"REDIS_URL cannot be read: {error}") from error

    async def command(self, what: str, *words: Word, repeat: bool = False) -> Any:  # noqa: ANN401
        """The reply to one command; `what` completes "Redis could not …"."""
        return await self._run(what, lambda: self._servers.send(*words), repeat=repeat)

    async def commands(self, what: str, many: Sequence[Sequence[Word]], *, repeat: bool = False) -> list[Any]:
        """The replies to several commands of one slot, sent in one round trip, not as a transaction."""
        return await self._run(what, lambda: self._servers.send_all(many), repeat=repeat) if many else []

    async def everywhere(self, what: str, *words: Word) -> Mapping[str, Any]:
        """The reply of every server that takes our writes to one command without a key; repeated."""
        return await self._run(what, lambda: self._servers.everywhere(*words), repeat=True)

    async def script(
        self, what: str, lua: str, keys: Sequence[str], arguments: Sequence[Word], *, repeat: bool = False
    ) -> Any:  # noqa: ANN401
        """What a script returns; sent by its digest, and whole only when the server does not know it, as after a
        restart or a fail-over. The first key says where it runs; all live in its slot.
        """
        words = (len(keys), *keys, *arguments)
        digest = hashlib.sha1(lua.encode(), usedforsecurity=False).hexdigest()

        async def once() -> Any:  # noqa: ANN401
            try:
                return await self._servers.send("EVALSHA", digest, *words)
            except exceptions.NoScriptError:
                return await self._servers.send("EVAL", lua, *words)

        return await self._run(what, once, repeat=repeat)

    async def close(self) -> None:
        """Close every connection."""
        await self._servers.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, what: str, once: Callable[[], Awaitable[T]], *, repeat: bool) -> T:
        try:
            async with asyncio.timeout(self.timing.total):
                found = await self._tried(once, self.timing.tries if repeat else 1)
        except (exceptions.RedisError, exceptions.RedisClusterException, OSError, TimeoutError) as error:
            known = f"{type(error).__name__} {error}"
            kind = next((kind for words, kind in KINDS if re.search(words, known)), StoreUnavailable)
            raise kind(f"Redis could not {what}: {_reason(error)}") from error
        _heed_cancellation()
        return found

    async def _tried(self, once: Callable[[], Awaitable[T]], tries: int) -> T:
        for number in range(1, tries):
            try:
                return await once()
            except LOST:
                await asyncio.sleep(self.timing.pause * number)
        return await once()


def _heed_cancellation() -> None:
    """Before Python 3.12 `asyncio.wait_for`, which the client library uses, may drop a cancellation that comes as
    its answer does; a loop of ours would then never end."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _reason(error: Exception) -> str:
    known = f"{type(error).__name__} {error}"
    advice = next((advice for words, advice in ADVICE if re.search(words, known)), "")
    detail = str(error) or type(error).__name__
    return f"{advice} ({detail})" if advice else detail
