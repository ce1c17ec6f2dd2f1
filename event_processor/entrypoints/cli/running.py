"""How every command runs: settings, the link to Redis, and errors turned into words and exit codes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import typer

from event_processor.adapters.redis.connection import RedisLink
from event_processor.entrypoints.cli.exits import Exit, exit_for_error
from event_processor.entrypoints.cli.screen import complain, note
from event_processor.errors import ProcessorError
from event_processor.settings import Settings


def redis_link(settings: Settings) -> RedisLink:
    """The link to the Redis of the settings."""
    password = settings.redis_password.get_secret_value() if settings.redis_password else None
    return RedisLink(settings.redis_url.get_secret_value(), password=password)


@asynccontextmanager
async def connected() -> AsyncIterator[RedisLink]:
    """The link to Redis, as the environment says, for the length of one command."""
    async with redis_link(Settings.load()) as link:
        yield link


def carry_out(work: Callable[[], Awaitable[Exit]]) -> None:
    """Run one command's work and leave with its exit code; expected failures become words, never tracebacks."""

    async def main() -> Exit:
        return await work()

    try:
        code = asyncio.run(main())
    except ProcessorError as error:
        complain(error, redis=_redis_shown())
        code = exit_for_error(error)
    except KeyboardInterrupt:
        note("interrupted")
        code = Exit.INTERRUPTED
    raise typer.Exit(code)


def _redis_shown() -> str:
    try:
        return Settings.load().redis_shown
    except ProcessorError:
        return ""
