"""The servers behind an address: what is sent to whom, and when a connection is given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from event_processor.adapters.redis.connection import RedisLink, Timing
from event_processor.entrypoints.demo.redis_server import RedisServer
from event_processor.errors import StoreUnavailable

QUICK = Timing(connect=0.3, answer=0.3, total=1.0, tries=1)
TLS_HANDSHAKE = b"\x16"


class Listener:
    """Keeps what it is told, and refuses it all."""

    def __init__(self) -> None:
        self.heard = b""
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Listener]:
        server = await asyncio.start_server(self._listen, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while words := await reader.read(4096):
            self.heard += words
            writer.write(b"-ERR no\r\n" * words.count(b"*"))
        writer.close()


async def heard_from(form: str) -> bytes:
    """What a link with an address of this form tells the server there first."""
    async with Listener().open() as listener:
        async with RedisLink(form.format(f"127.0.0.1:{listener.port}"), password="hunter2", timing=QUICK) as link:
            with pytest.raises(StoreUnavailable):
                await link.command("read", "GET", "x")
        return listener.heard


@pytest.mark.parametrize("form", ["rediss://{}/0", "rediss+cluster://{}", "rediss+sentinel://{}/main"])
async def test_an_address_that_asks_for_encryption_sends_nothing_in_the_clear(form: str) -> None:
    """A password least of all, whatever kind of servers there are."""
    assert (await heard_from(form)).startswith(TLS_HANDSHAKE)


@pytest.mark.parametrize("form", ["redis://{}/0", "redis+cluster://{}", "redis+cluster://ann@{}", "redis://ann@{}/0"])
async def test_a_server_is_told_user_and_password_first(form: str) -> None:
    """The user of the address, if it names one, with the password beside it."""
    heard = await heard_from(form)
    assert b"AUTH" in heard
    assert b"hunter2" in heard
    assert (b"ann" in heard) is ("ann" in form)


@pytest.mark.parametrize("form", ["redis+sentinel://{}/main", "redis+sentinel://ann:hunter2@{}/main"])
async def test_the_password_of_the_primary_is_not_told_to_a_sentinel(form: str) -> None:
    """It is asked where the primary is, and learns no secret by that."""
    heard = await heard_from(form)
    assert b"SENTINEL" in heard
    assert b"hunter2" not in heard


@pytest.mark.parametrize(
    ("change", "code"),
    [(("REPLICAOF", "127.0.0.1", "1"), "replica"), (("CONFIG", "SET", "min-replicas-to-write", "1"), "replicas")],
    ids=["replica", "cut off"],
)
async def test_a_server_that_takes_no_writes_any_more_is_connected_to_anew(
    own_redis_server: RedisServer, change: tuple[str, ...], code: str
) -> None:
    """By then another one may be the primary, alone or in a batch; any other refusal leaves the connection as it is."""
    async with RedisLink(own_redis_server.url, timing=QUICK) as link:
        first = await link.command("look", "CLIENT", "ID")
        with pytest.raises(StoreUnavailable, match="integer"):
            await link.commands("count", [("SET", "x", "text"), ("INCR", "x")])
        assert await link.command("look", "CLIENT", "ID") == first
        await link.command("change", *change)
        with pytest.raises(StoreUnavailable, match=code):
            await link.command("write", "SET", "x", "1")
        second = await link.command("look", "CLIENT", "ID")
        with pytest.raises(StoreUnavailable, match=code):
            await link.commands("write", [("SET", "x", "1")])
        assert len({first, second, await link.command("look", "CLIENT", "ID")}) == 3


async def test_a_refusal_within_a_batch_is_no_answer(own_redis_server: RedisServer) -> None:
    """What the server did not do is never taken for done because its neighbours were."""
    async with RedisLink(own_redis_server.url, timing=QUICK) as link:
        await link.command("write", "SET", "text", "no number")
        with pytest.raises(StoreUnavailable, match="integer"):
            await link.commands("count", [("INCR", "n"), ("INCR", "text"), ("INCR", "n")])
