"""Pauses and holds: who stopped trading where, and why."""

from __future__ import annotations

from collections.abc import Sequence

from event_processor.adapters.redis import keys, scripts
from event_processor.adapters.redis.codec import dump, load
from event_processor.adapters.redis.connection import RedisLink
from event_processor.domain.ids import AccountId
from event_processor.errors import TradingPaused
from event_processor.ports import Pause

ALL = "all"


class RedisPauses:
    """A pause and a hold of one scope stand side by side; the latest word on each counts."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def all(self) -> Sequence[Pause]:
        """See `ports.Journal.pauses`; oldest first."""
        stored = await self._link.command("list the pauses", "HGETALL", keys.PAUSES, repeat=True)
        return sorted((load(Pause, text) for text in stored.values()), key=lambda pause: (pause.at, pause.scope))

    async def set(self, pause: Pause) -> None:
        """See `ports.Journal.pause`."""
        await self._link.command("store a pause", "HSET", keys.PAUSES, _field(pause), dump(pause), repeat=True)

    async def lift_this(self, pause: Pause) -> bool:
        """See `ports.Journal.lift`. Not repeated by itself: the repeat could not tell its own effect from another's."""
        return bool(await self._link.script("lift a pause", scripts.LIFT, [keys.PAUSES], [_field(pause), dump(pause)]))

    async def lift(self, scope: str) -> bool:
        """See `ports.Journal.resume`."""
        names = (_paused(scope), _held(scope))
        return bool(await self._link.command("lift a pause", "HDEL", keys.PAUSES, *names, repeat=True))


def pause_fields(account: AccountId) -> list[str]:
    """Every field whose presence forbids sending for this account."""
    return [_paused(ALL), _held(ALL), _paused(account), _held(account)]


def trading_paused(pause: Pause) -> TradingPaused:
    """The error that says who stopped what, and how to go on."""
    what = "trading" if pause.scope == ALL else f"trading of {pause.scope}"
    how = "held for review" if pause.held else "paused"
    return TradingPaused(
        f"{what} is {how} since {pause.at:%Y-%m-%d %H:%M:%S} UTC: {pause.reason}",
        reason_code="held" if pause.held else "paused",
    )


def _field(pause: Pause) -> str:
    return _held(pause.scope) if pause.held else _paused(pause.scope)


def _paused(scope: str) -> str:
    return f"pause:{scope}"


def _held(scope: str) -> str:
    return f"hold:{scope}"
