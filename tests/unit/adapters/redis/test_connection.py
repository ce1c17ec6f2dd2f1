"""The link: addresses, passwords, and errors in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis
from redis import exceptions

from event_processor.adapters.redis import servers
from event_processor.adapters.redis.connection import RedisLink, Timing
from event_processor.errors import ConfigurationError, StoreUnavailable

WAIT = ("BLPOP", "nothing", 0)
QUICK = Timing(connect=0.3, answer=0.3, total=1.0, pause=0.01, tries=3)


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    """A link to an empty server."""
    async with RedisLink(redis_url, timing=QUICK) as link:
        yield link


@pytest.mark.parametrize("url", ["", "localhost", "http://localhost", "redis://h?db=x"])
def test_an_address_that_cannot_be_read_is_a_configuration_error(url: str) -> None:
    """A wrong REDIS_URL is told at the start and by its name."""
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        RedisLink(url)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0", "unix:///nowhere/redis.sock?db=0"])
async def test_a_server_that_is_not_there_is_unavailable(url: str) -> None:
    """Every kind of address is understood, and nobody answering is StoreUnavailable in words."""
    async with RedisLink(url, timing=QUICK) as link:
        with pytest.raises(StoreUnavailable, match="Redis could not say hello: "):
            await link.command("say hello", "PING")


async def test_a_password_is_taken_from_beside_the_address_or_from_it(
    redis_url: str, redis_client: redis.Redis
) -> None:
    """The address wins; a missing or wrong password says what to do and does not show it."""
    redis_client.acl_setuser("tester", enabled=True, passwords=["+right"], commands=["+ping"], keys=["~*"])
    as_user = redis_url.replace("redis://", "redis://tester@")
    in_url = redis_url.replace("redis://", "redis://tester:right@")
    for url, password in ((as_user, "right"), (in_url, "wrong")):
        async with RedisLink(url, password=password, timing=QUICK) as link:
            assert await link.command("say hello", "PING")
    async with RedisLink(as_user, password="secret-but-wrong", timing=QUICK) as link:
        with pytest.raises(StoreUnavailable, match="user name or password") as refused:
            await link.command("say hello", "PING")
    assert "secret" not in str(refused.value)
    async with RedisLink(in_url, timing=QUICK) as link:
        with pytest.raises(StoreUnavailable, match="access rules"):
            await link.command("read", "GET", "x")
    redis_client.acl_deluser("tester")


async def test_a_call_is_bounded(link: RedisLink) -> None:
    """A command that would block for ever is given up in time."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(StoreUnavailable, match="in time"):
        await link.command("wait", "BLPOP", "nothing", 0, repeat=True)
    assert loop.time() - started < QUICK.total + 0.5


async def test_an_answer_is_final(link: RedisLink, redis_client: redis.Redis) -> None:
    """A command the server refused is not sent again, even with leave to repeat it."""
    redis_client.set("text", "no number")
    failing = "redis.call('INCR', KEYS[1]) redis.call('INCR', KEYS[2])"
    with pytest.raises(StoreUnavailable, match="integer"):
        await link.script("count", failing, ["tries", "text"], [], repeat=True)
    assert redis_client.get("tries") == "1"


async def test_bytes_that_are_no_text_come_back_as_they_were(link: RedisLink, redis_client: redis.Redis) -> None:
    """A value that is not UTF-8 is neither an error nor changed on its way through us."""
    raw = b"\xff\xfe{not text}"
    redis_client.set("raw", raw)
    text = await link.command("read", "GET", "raw")
    await link.command("write", "SET", "copy", text)
    assert redis_client.eval("return redis.call('GET', KEYS[1]) == redis.call('GET', KEYS[2])", 2, "raw", "copy")


async def test_several_commands_share_one_round_trip(link: RedisLink) -> None:
    """Replies come in order; none are asked for nothing."""
    assert await link.commands("count", [("INCR", "n"), ("INCR", "n"), ("GET", "n")]) == [1, 2, "2"]
    assert await link.commands("count", []) == []


async def test_a_cancelled_command_leaves_no_stale_reply(link: RedisLink) -> None:
    """After a cancellation the next command gets its own answer."""
    waiting = asyncio.create_task(link.command("wait", "BLPOP", "nothing", "0.2"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [await link.command("echo", "ECHO", str(n)) for n in range(5)] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(("repeat", "tries"), [(False, 1), (True, 3)])
async def test_what_may_not_be_repeated_is_sent_once(
    redis_client: redis.Redis, repeat: bool, tries: int, batch: bool
) -> None:
    """Nobody knows what became of it, and only the caller knows whether a second time does harm: entries of a read
    whose answer was lost would wait unseen."""
    url = "redis://{host}:{port}/{db}".format(**redis_client.connection_pool.connection_kwargs)
    async with RedisLink(url, timing=Timing(connect=5, answer=0.5, total=30, pause=0.01, tries=3)) as link:
        before = redis_client.info("commandstats").get("cmdstat_blpop", {"calls": 0})["calls"]
        call = link.commands("wait", [WAIT], repeat=repeat) if batch else link.command("wait", *WAIT, repeat=repeat)
        with pytest.raises(StoreUnavailable):
            await call
        assert redis_client.info("commandstats")["cmdstat_blpop"]["calls"] - before == tries


class Failing:
    """Servers that fail in this way as often as they are told to, each time at once, and then answer."""

    def __init__(self, error: Exception, times: int) -> None:
        self._error, self.left = error, times

    async def send(self, *_: object) -> str:
        await asyncio.sleep(0)
        self.left -= 1
        if self.left >= 0:
            raise self._error
        return "answer"

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ConnectionError("gone"),
        exceptions.TimeoutError("silent"),
        exceptions.RedisClusterException("moving"),
        OSError("no route"),
        TimeoutError("silent"),
    ],
    ids=repr,
)
async def test_each_way_of_losing_the_server_is_borne_twice(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """With leave to repeat: a server that is replaced meanwhile, as in a cluster, costs nobody an event's time."""
    failing = Failing(error, 2)
    monkeypatch.setattr(servers, "open_servers", lambda *_: failing)
    async with RedisLink("redis://nowhere", timing=QUICK) as link:
        assert await link.command("read", "GET", "x", repeat=True) == "answer"
        failing.left = 1
        with pytest.raises(StoreUnavailable):
            await link.command("read", "GET", "x")


async def test_all_tries_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: whoever asks has other work, such as a lease that runs out."""
    monkeypatch.setattr(servers, "open_servers", lambda *_: Failing(OSError("gone"), 1000))
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with RedisLink("redis://nowhere", timing=Timing(total=0.3, pause=0.1, tries=50)) as link:
        with pytest.raises(StoreUnavailable, match="in time"):
            await link.command("read", "GET", "x", repeat=True)
    assert loop.time() - started < 1


class Deaf:
    """Servers whose client drops a cancellation that comes as the answer does."""

    async def send(self, *_: object) -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return "answer"
        return "too late"

    async def close(self) -> None:
        pass


async def test_a_cancellation_that_the_client_dropped_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop of ours that was told to end would go on for ever otherwise."""
    monkeypatch.setattr(servers, "open_servers", lambda *_: Deaf())
    async with RedisLink("redis://nowhere") as link:
        reading = asyncio.create_task(link.command("read", "GET", "x"))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
