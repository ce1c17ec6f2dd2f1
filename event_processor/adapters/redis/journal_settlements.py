"""What people have settled: one hash per account, one field per question; the first word on a question stays."""

from __future__ import annotations

from collections.abc import Sequence

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.codec import dump, load
from event_processor.adapters.redis.connection import RedisLink
from event_processor.domain.ids import AccountId
from event_processor.domain.settlement import Settlement


class RedisSettlements:
    """All methods raise StoreUnavailable."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def settle(self, account: AccountId, settlement: Settlement, kept_ms: int) -> Settlement:
        """See `ports.Journal.settle`; all of the account's are kept for so long from now on."""
        name = keys.settlements(account)
        _, stored, _ = await self._link.commands(
            "store a settlement",
            [
                ("HSETNX", name, settlement.mark, dump(settlement)),
                ("HGET", name, settlement.mark),
                ("PEXPIRE", name, kept_ms),
            ],
            repeat=True,
        )
        return load(Settlement, stored)

    async def of(self, account: AccountId) -> Sequence[Settlement]:
        """See `ports.Journal.settlements`."""
        stored = await self._link.command("list settlements", "HVALS", keys.settlements(account), repeat=True)
        return sorted((load(Settlement, text) for text in stored), key=lambda one: (one.at, one.mark))
