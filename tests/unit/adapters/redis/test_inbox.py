"""The event stream on a real Redis, beyond what every inbox must do."""

from __future__ import annotations

from typing import Any

import pytest

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink, SlotsApart, Timing
from event_processor.adapters.redis.inbox import RedisInbox
from event_processor.errors import StoreUnavailable
from tests.support.builders import AT

DAY_MS = 24 * 3600 * 1000


class OneStep(RedisLink):
    """A link that breaks before any acknowledgement on its own."""

    async def command(self, what: str, *words: Any, repeat: bool = False) -> Any:  # noqa: ANN401 - as the link has it
        if words[0] == "XACK":
            raise StoreUnavailable(what)
        return await super().command(what, *words, repeat=repeat)


class LostReplies(RedisLink):
    """A link that loses the replies of as many reads as it is told to, after they were carried out."""

    to_lose = 0

    async def command(self, what: str, *words: Any, repeat: bool = False) -> Any:  # noqa: ANN401 - as the link has it
        reply = await super().command(what, *words, repeat=repeat)
        if words[0] == "XREADGROUP" and self.to_lose:
            self.to_lose -= 1
            raise StoreUnavailable(what)
        return reply


class Noting(RedisLink):
    """A link that notes what its last script was told."""

    told: tuple[Any, ...] = ()

    async def script(self, what: str, lua: str, keys: Any, arguments: Any, *, repeat: bool = False) -> Any:  # noqa: ANN401 - as the link has it
        self.told = tuple(arguments)
        return await super().script(what, lua, keys, arguments, repeat=repeat)


class Apart(RedisLink):
    """A link to a cluster that keeps the event stream and the dead letters on different nodes."""

    async def script(self, what: str, lua: str, names: Any, arguments: Any, *, repeat: bool = False) -> Any:  # noqa: ANN401 - as the link has it
        if keys.DEAD in names and keys.EVENTS in names:
            raise SlotsApart(what)
        return await super().script(what, lua, names, arguments, repeat=repeat)


async def test_what_is_done_with_is_forgotten(redis_url: str) -> None:
    """Acknowledged or buried, an entry is no longer named with every look at the stream, which would grow for ever."""
    async with Noting(redis_url) as link:
        inbox = RedisInbox(link, "one", 0.001)
        for body in ("done", "{broken", "in work"):
            await link.command("publish", "XADD", keys.EVENTS, "*", "event", body)
        done, broken, kept = await inbox.take(3, 1)
        await inbox.acknowledge([done.entry_id])
        await inbox.dead_letter(broken, "not JSON", AT)
        await inbox.renew([kept.entry_id])
        await inbox.take(3, 0.01)
        named = {str(word) for word in link.told} & {done.entry_id, broken.entry_id, kept.entry_id}
        assert named == {kept.entry_id}


async def test_without_its_group_every_entry_is_lost(redis_url: str) -> None:
    """Nothing says any more that they are ours: somebody else may be handed them."""
    async with RedisLink(redis_url) as link:
        inbox = RedisInbox(link, "one", 30)
        await link.command("publish", "XADD", keys.EVENTS, "*", "event", "first")
        [entry] = await inbox.take(1, 1)
        assert await inbox.renew([entry.entry_id]) == ()
        await link.command("remove the group", "XGROUP", "DESTROY", keys.EVENTS, keys.GROUP)
        assert await inbox.renew([entry.entry_id]) == (entry.entry_id,)
        assert [again.entry_id for again in await inbox.take(1, 0)] == [entry.entry_id]


async def test_an_entry_whose_reply_was_lost_comes_with_the_next_take(redis_url: str) -> None:
    """The server counts it as ours though nobody saw it; it does not wait for the next start, nor for its lease."""
    async with LostReplies(redis_url) as link:
        inbox = RedisInbox(link, "one", 3600)
        assert await inbox.take(10, 0) == []
        await link.command("publish", "XADD", keys.EVENTS, "*", "event", "first")
        link.to_lose = 1
        with pytest.raises(StoreUnavailable):
            await inbox.take(10, 1)
        assert [(entry.body, entry.deliveries) for entry in await inbox.take(10, 0)] == [("first", 2)]


async def test_a_dead_letter_and_its_acknowledgement_are_one_step(redis_url: str) -> None:
    """On one server nothing can come between them, so that no entry is handed out again after its burial."""
    async with OneStep(redis_url) as link:
        await link.command("publish", "XADD", keys.EVENTS, "*", "event", "{broken")
        [entry] = await RedisInbox(link, "one", 30).take(1, 1)
        await RedisInbox(link, "one", 30).dead_letter(entry, "not JSON", AT)
        assert await link.command("count", "XLEN", keys.DEAD) == 1
        assert (await link.command("look", "XPENDING", keys.EVENTS, keys.GROUP))["pending"] == 0
        assert await RedisInbox(link, "one", 30).take(1, 0) == []


async def test_on_a_cluster_a_buried_entry_is_acknowledged_by_itself(redis_url: str) -> None:
    """One step cannot do both there; left pending it would be handed out, and buried, with every start."""
    async with Apart(redis_url) as link:
        await link.command("add", "XADD", keys.EVENTS, "*", "event", "{bad")
        inbox = RedisInbox(link, "one", 60)
        [entry] = await inbox.take(1, 0)
        await inbox.dead_letter(entry, "not JSON", AT)
        assert await RedisInbox(link, "one", 60).take(1, 0) == []
        assert await link.command("look", "XLEN", keys.DEAD) == 1


async def test_what_was_handed_out_is_not_again_by_a_group_that_was_made_anew(redis_url: str) -> None:
    """Somebody removed the group, which forgets with it who works on what."""
    async with RedisLink(redis_url) as link:
        inbox = RedisInbox(link, "one", 30)
        await link.command("publish", "XADD", keys.EVENTS, "*", "event", "first")
        [first] = await inbox.take(1, 1)
        await link.command("remove the group", "XGROUP", "DESTROY", keys.EVENTS, keys.GROUP)
        await link.command("publish", "XADD", keys.EVENTS, "*", "event", "second")
        again = [entry.body for _ in range(3) for entry in await inbox.take(10, 0)]
        assert (first.body, again) == ("first", ["second"])


async def test_a_silence_longer_than_an_answer_may_take_is_no_failure(redis_url: str) -> None:
    """The server is asked to wait for less than that at a time."""
    async with RedisLink(redis_url, timing=Timing(answer=0.8)) as link:
        assert await RedisInbox(link, "one", 60).take(1, 1.8) == []


async def test_the_mark_of_a_dead_letter_runs_out(redis_url: str) -> None:
    """It tells a repeat for a month, and does not stay for ever."""
    async with RedisLink(redis_url) as link:
        await link.command("publish", "XADD", keys.EVENTS, "*", "event", "{broken")
        inbox = RedisInbox(link, "one", 30)
        [entry] = await inbox.take(1, 1)
        await inbox.dead_letter(entry, "not JSON", AT)
        left_ms = await link.command("look", "PTTL", keys.dead_mark(entry.entry_id))
        assert 29 < left_ms / DAY_MS <= 30
