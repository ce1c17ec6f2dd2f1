"""The stores every suite of a store port runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from event_processor.adapters.redis.connection import RedisLink
from tests.support.stores import MemoryBench, RedisBench, Store


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty store: in memory, and a real Redis."""
    if request.param == "memory":
        yield MemoryBench()
        return
    async with RedisLink(request.getfixturevalue("redis_url")) as link:
        yield RedisBench(link)
