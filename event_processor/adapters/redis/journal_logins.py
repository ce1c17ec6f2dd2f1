"""Which processors there are, and which accounts each one's login has."""

from __future__ import annotations

from collections.abc import Sequence

from event_processor.adapters.redis import keys, scripts
from event_processor.adapters.redis.connection import RedisLink
from event_processor.domain.ids import AccountId
from event_processor.domain.whereabouts import Login

REMEMBERED_MS = 7 * 24 * 3600 * 1000
"""For how long the accounts of a processor that is gone are remembered: its events wait for it meanwhile."""


class RedisLogins:
    """Ages are told by the server's clock alone."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def announce(self, processor: str, accounts: Sequence[AccountId]) -> Sequence[Login]:
        """See `ports.Journal.announce`."""
        return await self._ask(processor, accounts)

    async def all(self) -> Sequence[Login]:
        """Every login heard of, by name of its processor; says nothing of its own."""
        return await self._ask("", ())

    async def _ask(self, processor: str, accounts: Sequence[AccountId]) -> Sequence[Login]:
        found = await self._link.script(
            "compare the logins",
            scripts.LOGINS,
            [keys.LOGINS],
            [REMEMBERED_MS, processor, " ".join(accounts)],
            repeat=True,
        )
        return [
            Login(name, tuple(AccountId(account) for account in text.split()), int(ago) / 1000)
            for name, text, ago in sorted(found)
        ]
