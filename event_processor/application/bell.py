"""A bell that wakes whoever waits for "something changed"; the waiter then looks for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

_LEAST_SECONDS = 0.001
"""Whoever waits until a moment turns in circles when what is left is less than a timer can tell apart."""


class Bell:
    """Rung by anybody, heard by everybody waiting. A ring while nobody waits is remembered for the next
    wait of this bell, so a change between looking and waiting is never missed."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._linked: dict[Bell, None] = {}  # in order: a run must not depend on where objects lie

    def ring(self) -> None:
        """Wake the waiter of this bell and of every bell linked to it."""
        self._rung.set()
        for bell in tuple(self._linked):
            bell.ring()

    async def heard(self, seconds: float) -> bool:
        """Wait for a ring, at most so long; False when none came. One waiter per bell."""
        try:
            async with asyncio.timeout(max(seconds, _LEAST_SECONDS) if seconds > 0 else 0.0):
                await self._rung.wait()
        except TimeoutError:
            return self._rung.is_set()
        finally:
            self._rung.clear()
        return True

    @contextmanager
    def link(self, listener: Bell) -> Iterator[Bell]:
        """While the context lasts, ringing this bell rings the listener too."""
        self._linked[listener] = None
        try:
            yield listener
        finally:
            self._linked.pop(listener, None)
