"""For how long a processor that is gone is known, on a real Redis."""

from __future__ import annotations

import asyncio

import redis

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.journal_logins import RedisLogins
from tests.support.builders import ACCOUNT

DAY_SECONDS = 24 * 3600


def last_heard(client: redis.Redis, name: str, days_ago: float) -> None:
    """A processor told its account so many days ago, and never since."""
    seconds, _ = client.time()
    client.hset(keys.LOGINS, name, f"{int((seconds - days_ago * DAY_SECONDS) * 1000)} {ACCOUNT}")


async def test_a_processor_that_is_gone_is_known_for_a_week(redis_url: str, redis_client: redis.Redis) -> None:
    """Its events wait for it so long, as its account is nobody else's; then it is forgotten for good."""
    last_heard(redis_client, "on holiday", days_ago=6.9)
    last_heard(redis_client, "scrapped", days_ago=7.1)
    async with RedisLink(redis_url) as link:
        [known] = await RedisLogins(link).all()
    assert (known.processor, known.accounts) == ("on holiday", (ACCOUNT,))
    assert redis_client.hkeys(keys.LOGINS) == ["on holiday"]


async def test_a_silence_is_told_in_seconds(redis_url: str, redis_client: redis.Redis) -> None:
    """By it others judge whether a processor lives."""
    last_heard(redis_client, "silent", days_ago=1)
    async with RedisLink(redis_url) as link:
        logins = RedisLogins(link)
        await logins.announce("talking", ())
        await asyncio.sleep(0.05)
        silent, talking = await logins.all()
    assert DAY_SECONDS - 2 < silent.seconds_ago < DAY_SECONDS + 60
    assert 0.04 < talking.seconds_ago < 20
