"""Requests to the processor and its answers, on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.commands import RedisCommands
from event_processor.adapters.redis.connection import RedisLink


@pytest.fixture
async def commands(redis_url: str) -> AsyncIterator[RedisCommands]:
    """Both ends of an empty server."""
    async with RedisLink(redis_url) as link:
        yield RedisCommands(link)


async def test_a_request_is_handed_out_once_and_answered(commands: RedisCommands) -> None:
    """The processor gets name and arguments, the asker the answer to its own request."""
    first = await commands.send("reconcile", {"account": "growth"})
    second = await commands.send("status", {})
    for expected in ((first, "reconcile", {"account": "growth"}), (second, "status", {})):
        found = await commands.next(1)
        assert found is not None
        assert (found.command_id, found.name, found.arguments) == expected
    assert await commands.next(0) is None
    await commands.reply(second, {"state": "ready"})
    await commands.reply(first, {"done": True})
    assert await commands.wait_reply(first, 1) == {"done": True}
    assert await commands.wait_reply(second, 1) == {"state": "ready"}


async def test_both_ends_wake_each_other(commands: RedisCommands) -> None:
    """Neither polls: the request wakes the processor, the answer the asker."""

    async def processor() -> None:
        command = await commands.next(5)
        assert command is not None
        await commands.reply(command.command_id, {"echo": command.name})

    serving = asyncio.create_task(processor())
    await asyncio.sleep(0.05)
    assert await asyncio.wait_for(commands.wait_reply(await commands.send("hello", {}), 5), 2) == {"echo": "hello"}
    await serving


async def test_a_stale_request_is_void(commands: RedisCommands) -> None:
    """A processor that comes late passes over what was asked too long ago."""
    await commands.send("place", {}, valid_seconds=0.05)
    fresh = await commands.send("status", {})
    await asyncio.sleep(0.1)
    found = await commands.next(0.1)
    assert found is not None
    assert found.command_id == fresh
    assert await commands.next(0) is None


async def test_a_request_to_one_processor_is_handed_to_nobody_else(redis_url: str) -> None:
    """Each answers what is asked of it by name, and of anybody."""
    async with RedisLink(redis_url) as link:
        first, second = RedisCommands(link, "one"), RedisCommands(link, "two")
        to_second = await RedisCommands(link).send("settle", {}, to="two")
        to_anybody = await RedisCommands(link).send("reconcile", {})
        heard = [await commands.next(0.1) for commands in (first, first, second)]
    assert [command and command.command_id for command in heard] == [to_anybody, None, to_second]


async def test_no_answer_is_none_in_time(commands: RedisCommands) -> None:
    """Waiting for a dead processor ends."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await commands.wait_reply(await commands.send("hello", {}), 0.2) is None
    assert loop.time() - started < 1


async def test_the_last_moment_of_a_wait_is_no_wait_without_end(commands: RedisCommands) -> None:
    """Less than a millisecond is left: to Redis a wait of 0 is one for ever, and the asker would hear of a Redis that
    did not answer in time instead of a processor that did not."""
    assert await commands.wait_reply("1", 0.0004) is None
    assert await commands.next(0.0004) is None


async def test_what_is_there_already_is_read_without_a_wait(commands: RedisCommands) -> None:
    """Also by whoever comes in the last moment."""
    command_id = await commands.send("hello", {})
    assert await commands.next(0) is not None
    await commands.reply(command_id, {"ok": True})
    assert await commands.wait_reply(command_id, 0) == {"ok": True}


async def test_an_answer_is_kept_for_an_asker_that_is_slow(commands: RedisCommands, redis_client: redis.Redis) -> None:
    """For a minute and no longer; requests that nobody takes are void, and gone, after half a minute."""
    command_id = await commands.send("hello", {})
    assert 25 < redis_client.ttl(keys.COMMANDS) <= 30
    assert 25 < redis_client.ttl(keys.command(command_id)) <= 30
    await commands.reply(command_id, {"ok": True})
    assert 55 < redis_client.ttl(keys.reply(command_id)) <= 60
