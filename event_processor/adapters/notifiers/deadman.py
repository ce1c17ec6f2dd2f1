"""Tells a dead-man switch outside that all is well: it raises the alarm when the pings stop.

Only silence means trouble: every such service understands that, whatever else its addresses can say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import structlog

PING_SECONDS_MAX = 10.0

_log = structlog.get_logger(__name__)


class Deadman:
    """GETs `url` every `seconds` while `alive`; a ping that fails is no reason to do anything but say so once."""

    def __init__(self, url: str, seconds: float, alive: Callable[[], bool]) -> None:
        self._url, self._seconds, self._alive = url, seconds, alive
        self._trouble: str | None = None

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=min(PING_SECONDS_MAX, self._seconds))
        async with aiohttp.ClientSession(timeout=timeout) as client:
            while True:
                if self._alive():
                    self._note(await self._ping(client))
                await asyncio.sleep(self._seconds)

    async def _ping(self, client: aiohttp.ClientSession) -> str:
        """What went wrong, or nothing. Never what the library says: that would name the URL."""
        try:
            async with client.get(self._url) as answer:
                return "" if answer.ok else f"answered {answer.status}"
        except TimeoutError:
            return "no answer in time"
        except Exception as error:  # noqa: BLE001 - whatever a ping raises must not end what it watches
            return type(error).__name__

    def _note(self, trouble: str) -> None:
        """One line for each change."""
        if trouble == self._trouble:
            return
        before, self._trouble = self._trouble, trouble
        if trouble:
            _log.warning("deadman.failed", reason=trouble)
        elif before is not None:
            _log.info("deadman.restored")
