"""The lease of an account: one owner at a time, with a token that only grows."""

from __future__ import annotations

from event_processor.adapters.redis import keys, scripts
from event_processor.adapters.redis.connection import RedisLink, Word
from event_processor.domain.ids import AccountId
from event_processor.errors import LeaseLost
from event_processor.ports import Lease


def lease_value(lease: Lease) -> str:
    """What the lease's key holds while it is in force."""
    return f"{lease.token}:{lease.owner}"


class RedisLeases:
    """Time runs out by the server's clock alone; every step is one script and may be repeated."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def acquire(self, account: AccountId, owner: str, seconds: float) -> Lease | None:
        """See `ports.Journal.acquire`."""
        names = [keys.lease(account), keys.FENCE]
        token = await self._link.script(
            "acquire a lease", scripts.ACQUIRE, names, [owner, _milliseconds(seconds)], repeat=True
        )
        return Lease(account, owner, int(token), seconds) if token else None

    async def renew(self, lease: Lease) -> None:
        """See `ports.Journal.renew_lease`."""
        words: list[Word] = [lease_value(lease), _milliseconds(lease.seconds)]
        if not await self._link.script(
            "renew a lease", scripts.RENEW_LEASE, [keys.lease(lease.account)], words, repeat=True
        ):
            raise LeaseLost

    async def release(self, lease: Lease) -> None:
        """See `ports.Journal.release`."""
        await self._link.script(
            "release a lease", scripts.RELEASE, [keys.lease(lease.account)], [lease_value(lease)], repeat=True
        )


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
