"""What was told already, kept over restarts of the processor."""

from __future__ import annotations

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.ports import Clock


class RedisReminders:
    """See `Reminders` in `application/login_watch.py`; each processor has its own."""

    def __init__(self, link: RedisLink, processor: str, clock: Clock) -> None:
        self._link, self._processor = link, processor
        self._mark = clock.now().isoformat()

    async def first(self, what: str, seconds: float) -> bool:
        """Raises StoreUnavailable. Who asks again because an answer was lost is answered as before."""
        name = keys.reminder(self._processor, what)
        keep = ("SET", name, f"{self._mark} {what}", "NX", "PX", int(seconds * 1000))
        _, kept = await self._link.commands("remember a reminder", [keep, ("GET", name)], repeat=True)
        return bool(kept == f"{self._mark} {what}")
