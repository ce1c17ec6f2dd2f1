"""The event stream on a real Redis, beyond what every inbox must do."""

from __future__ import annotations

from typing import Any

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.inbox import DEAD_MARK_SECONDS, RedisInbox
from event_processor.errors import StoreUnavailable
from tests.support.builders import AT


class OneStep(RedisLink):
    """A link that breaks before any acknowledgement on its own."""

    async def command(self, what: str, *words: Any, repeat: bool = False) -> Any:  # noqa: ANN401 - as the link has it
        if words[0] == "XACK":
            raise StoreUnavailable(what)
        return await super().command(what, *words, repeat=repeat)


async def test_a_dead_letter_and_its_acknowledgement_are_one_step(redis_url: str) -> None:
    """On one server nothing can come between them, so that no entry is handed out again after its burial."""
    async with OneStep(redis_url) as link:
        await link.command("publish", "XADD", keys.EVENTS, "*", "event", "{broken")
        [entry] = await RedisInbox(link, "one", 30).take(1, 1)
        await RedisInbox(link, "one", 30).dead_letter(entry, "not JSON", AT)
        assert await link.command("count", "XLEN", keys.DEAD) == 1
        assert (await link.command("look", "XPENDING", keys.EVENTS, keys.GROUP))["pending"] == 0
        assert await RedisInbox(link, "one", 30).take(1, 0) == []


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


async def test_the_mark_of_a_dead_letter_runs_out(redis_url: str) -> None:
    """It tells a repeat for a month, and does not stay for ever."""
    async with RedisLink(redis_url) as link:
        await link.command("publish", "XADD", keys.EVENTS, "*", "event", "{broken")
        inbox = RedisInbox(link, "one", 30)
        [entry] = await inbox.take(1, 1)
        await inbox.dead_letter(entry, "not JSON", AT)
        left_ms = await link.command("look", "PTTL", keys.dead_mark(entry.entry_id))
        assert 0.9 * DEAD_MARK_SECONDS * 1000 < left_ms <= DEAD_MARK_SECONDS * 1000
