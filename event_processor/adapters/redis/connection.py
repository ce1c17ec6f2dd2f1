"""The link to one Redis server: every command bounded, every failure a StoreUnavailable in words.

The library's own retries are off, because it cannot know which commands may be repeated; the caller says
so with `repeat`. Bytes that are no UTF-8 travel as surrogates and come out as the bytes they were.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from event_processor.errors import ConfigurationError, StoreUnavailable

T = TypeVar("T")
Word = str | int

LOST = (exceptions.ConnectionError, exceptions.TimeoutError, OSError, TimeoutError)
"""Errors after which nobody knows whether the command was carried out."""

ADVICE: tuple[tuple[str, str], ...] = (
    (r"maxmemory", "it is full: raise maxmemory or give it more memory"),
    (r"MISCONF", "it cannot write to its disk: look at its log and at the free space"),
    (r"READONLY|read only replica", "it is a read-only replica: point REDIS_URL at the primary"),
    (r"LOADING|BusyLoading", "it is still loading its data"),
    (r"NOPERM|NoPermission", "its access rules do not allow this to our user"),
    (r"NOAUTH|WRONGPASS|Authentication", "it wants another user name or password: see REDIS_URL"),
    (r"Timeout", "it did not answer in time"),
)
"""What an error of the library or the server means for a person, by its name or words."""


class GroupMissing(StoreUnavailable):
    """The stream has no consumer group: it was never made, or Redis lost its data."""


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
    """A pool of connections to the server at `url` (`redis://`, `rediss://`, `unix://`).

    A password in the address wins over `password`. Nothing is opened before the first command.
    """

    def __init__(self, url: str, *, password: str | None = None, timing: Timing | None = None) -> None:
        self.timing = timing or Timing()
        try:
            self._client: Redis = Redis.from_url(
                url,
                password=password,
                protocol=2,
                decode_responses=True,
                encoding_errors="surrogateescape",
                socket_timeout=self.timing.answer,
                socket_connect_timeout=self.timing.connect,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise ConfigurationError(f"REDIS_URL cannot be read: {error}") from error
        self._execute: Callable[..., Awaitable[Any]] = self._client.execute_command

    async def command(self, what: str, *words: Word, repeat: bool = False) -> Any:  # noqa: ANN401
        """The reply to one command; `what` completes "Redis could not …"."""

        async def once() -> Any:  # noqa: ANN401
            return await self._execute(*words)

        return await self._run(what, once, repeat=repeat)

    async def commands(self, what: str, many: Sequence[Sequence[Word]], *, repeat: bool = False) -> list[Any]:
        """The replies to several commands of one slot, sent in one round trip, not as a transaction."""

        async def once() -> list[Any]:
            async with self._client.pipeline(transaction=False) as pipeline:
                for words in many:
                    pipeline.execute_command(*words)
                return await pipeline.execute()

        return await self._run(what, once, repeat=repeat) if many else []

    async def script(
        self, what: str, lua: str, keys: Sequence[str], arguments: Sequence[Word], *, repeat: bool = False
    ) -> Any:  # noqa: ANN401
        """What a script returns; sent by its digest, and whole only when the server does not know it."""
        script = self._client.register_script(lua)

        async def once() -> Any:  # noqa: ANN401
            return await script(keys=keys, args=arguments)

        return await self._run(what, once, repeat=repeat)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, what: str, once: Callable[[], Awaitable[T]], *, repeat: bool) -> T:
        try:
            async with asyncio.timeout(self.timing.total):
                return await self._tried(once, self.timing.tries if repeat else 1)
        except (exceptions.RedisError, OSError, TimeoutError) as error:
            kind = GroupMissing if "NOGROUP" in str(error) else StoreUnavailable
            raise kind(f"Redis could not {what}: {_reason(error)}") from error

    async def _tried(self, once: Callable[[], Awaitable[T]], tries: int) -> T:
        for number in range(1, tries):
            try:
                return await once()
            except LOST:
                await asyncio.sleep(self.timing.pause * number)
        return await once()


def _reason(error: Exception) -> str:
    known = f"{type(error).__name__} {error}"
    advice = next((advice for words, advice in ADVICE if re.search(words, known)), "")
    detail = str(error) or type(error).__name__
    return f"{advice} ({detail})" if advice else detail
