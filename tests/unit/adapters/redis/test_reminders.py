from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.reminders import RedisReminders
from event_processor.entrypoints.demo.redis_server import RedisServer
from event_processor.errors import StoreUnavailable

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)


class StartedAt:
    """A clock that shows when a process was started."""

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes

    def now(self) -> datetime:
        return AT + timedelta(minutes=self._minutes)

    def monotonic(self) -> float:
        return 60.0 * self._minutes


async def test_each_processor_tells_a_thing_once_whatever_restarts(redis_url: str, redis_client: redis.Redis) -> None:
    """A later start of the same one knows of it; another processor and another thing have notes of their own."""
    async with RedisLink(redis_url) as link:
        first, again, other = (RedisReminders(link, name, StartedAt(at)) for at, name in enumerate(("a", "a", "b")))
        assert await first.first("sunday", 60)
        assert not await again.first("sunday", 60)
        assert await other.first("sunday", 60)
        assert await again.first("monday", 60)
    assert 50 < redis_client.ttl(keys.reminder("a", "sunday")) <= 60


async def test_who_asks_again_is_answered_as_before(redis_url: str) -> None:
    """An answer that was lost on the way does not cost the reminder."""
    async with RedisLink(redis_url) as link:
        reminders = RedisReminders(link, "a", StartedAt(0))
        assert [await reminders.first("sunday", 60) for _ in range(2)] == [True, True]


async def test_a_store_that_is_away_is_not_an_answer(own_redis_server: RedisServer) -> None:
    """Neither told nor untold: it raises."""
    async with RedisLink(own_redis_server.url) as link:
        own_redis_server.stop()
        with pytest.raises(StoreUnavailable):
            await RedisReminders(link, "a", StartedAt(0)).first("sunday", 60)
