"""Contracts the broker has named, kept over restarts so that they need not be looked up again.

A saving, never a need: whatever goes wrong here, the contract counts as unknown and is looked up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.codec import dump, load
from event_processor.adapters.redis.connection import RedisLink
from event_processor.domain.contract import Contract, ContractQuery
from event_processor.errors import InvariantViolated, StoreUnavailable

KEPT_MS = 3 * 24 * 3600 * 1000
PATIENCE_SECONDS = 0.5
_AWAY = (StoreUnavailable, InvariantViolated, TimeoutError)


@dataclass(frozen=True, slots=True)
class _Kept:
    query: ContractQuery
    contract: Contract
    fetched_at: datetime


class RedisContracts:
    """See `ContractStore` in the broker's adapter. One key per query; each is gone three days after it was kept."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def load(self, queries: Sequence[ContractQuery]) -> Mapping[ContractQuery, tuple[Contract, datetime]]:
        names = [keys.contract(query) for query in queries]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                texts = await self._link.command("recall contracts", "MGET", *names)
        except _AWAY:
            return {}
        read = {query: _read(text) for query, text in zip(queries, texts, strict=True) if text is not None}
        return {query: (kept.contract, kept.fetched_at) for query, kept in read.items() if kept and kept.query == query}

    async def save(self, found: Mapping[ContractQuery, tuple[Contract, datetime]]) -> None:
        words = [
            ("SET", keys.contract(query), dump(_Kept(query, contract, fetched_at)), "PX", KEPT_MS)
            for query, (contract, fetched_at) in found.items()
        ]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._link.commands("keep contracts", words)
        except _AWAY:
            return  # they are looked up again after the next start


def _read(text: str) -> _Kept | None:
    """None for what another version has written."""
    try:
        return load(_Kept, text)
    except InvariantViolated:
        return None
