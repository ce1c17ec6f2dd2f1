"""Look-ups that several may want at once: each is a message, or three, of those that IBKR allows a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """One kind of look-up. Whoever asks while one runs shares the next: an answer is never older than its question."""

    def __init__(self, look: Callable[[], Awaitable[T]], one_at_a_time: asyncio.Lock) -> None:
        """`one_at_a_time` is held while a look-up runs; kinds that must not run beside each other share it."""
        self._look, self._lock = look, one_at_a_time
        self._next: asyncio.Task[T] | None = None

    async def ask(self) -> T:
        """The answer of a look-up that begins from now on; its error goes to everybody who asked."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._run())
            self._next.add_done_callback(_look_at_error)
        return await asyncio.shield(self._next)

    async def _run(self) -> T:
        async with self._lock:
            self._next = None
            return await self._look()


def _look_at_error(task: asyncio.Task[T]) -> None:
    """Whoever asked gets the error; when all of them were cancelled, nobody is left to want it."""
    if not task.cancelled():
        task.exception()
