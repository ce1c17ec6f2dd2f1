"""Contracts kept over restarts: exact, and never in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import redis

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.contract_store import PATIENCE_SECONDS, RedisContracts
from event_processor.domain.contract import Contract, ContractQuery, TradingInterval
from event_processor.domain.ids import ConId
from event_processor.entrypoints.demo.redis_server import RedisServer

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)
HOURS = (TradingInterval(AT, AT + timedelta(hours=6)),)
SPY = ContractQuery(symbol="SPY")
FOUND = {
    SPY: (Contract(ConId(756733), "SPY", primary_exchange="ARCA", liquid_hours=HOURS), AT),
    ContractQuery(symbol="BRK B", currency="EUR"): (Contract(ConId(7), "BRK B", min_tick=Decimal("0.005")), AT),
    ContractQuery(con_id=ConId(8), currency=""): (Contract(ConId(8), "CLOSED", liquid_hours=()), AT),
}


async def test_contracts_come_back_equal(redis_url: str, redis_client: redis.Redis) -> None:
    """Whatever is kept is known after a restart, for some days; what was never kept is not."""
    async with RedisLink(redis_url) as link:
        await RedisContracts(link).save(FOUND)
    async with RedisLink(redis_url) as link:
        assert await RedisContracts(link).load([*FOUND, ContractQuery(symbol="TLT")]) == FOUND
    assert 1 < redis_client.ttl(keys.contract(SPY)) / 86_400 <= 3


@pytest.mark.parametrize("text", ["no JSON", '{"v": 2}', '{"v": 1, "query": {}}'])
async def test_what_cannot_be_read_is_not_known(redis_url: str, redis_client: redis.Redis, text: str) -> None:
    """Another version's text costs a look-up, and the others are known all the same."""
    async with RedisLink(redis_url) as link:
        store = RedisContracts(link)
        await store.save(FOUND)
        redis_client.set(keys.contract(SPY), text)
        assert await store.load(list(FOUND)) == {query: known for query, known in FOUND.items() if query != SPY}


async def test_a_key_answers_only_for_its_own_query(redis_url: str, redis_client: redis.Redis) -> None:
    """What is stored names its query: a mixed-up key is not believed."""
    other = replace(SPY, symbol="TLT")
    async with RedisLink(redis_url) as link:
        store = RedisContracts(link)
        await store.save(FOUND)
        redis_client.rename(keys.contract(SPY), keys.contract(other))
        assert await store.load([other]) == {}


async def test_a_store_that_is_away_hurts_nobody(own_redis_server: RedisServer) -> None:
    """Stopped or hung: nothing is known, nothing is raised, and it takes no longer than its patience."""
    async with RedisLink(own_redis_server.url) as link:
        store = RedisContracts(link)
        await store.save(FOUND)
        own_redis_server.freeze()
        try:
            assert await store.load([SPY]) == {}
            await store.save(FOUND)
        finally:
            own_redis_server.thaw()
        own_redis_server.stop()
        assert await store.load([SPY]) == {}
        await store.save(FOUND)
    assert PATIENCE_SECONDS < 1
