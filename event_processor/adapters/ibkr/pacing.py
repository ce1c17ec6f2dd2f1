"""Never more than so many messages in any one second, whoever sends them.

A log of when each message left and a count of places promised but not used yet; a place is free while both
together are below the limit. ib_async's own throttle counts in bursts and lets up to 70 messages into one
second as the receiver sees it, so it is off and this stands in its place.
"""

from __future__ import annotations

import asyncio
from collections import deque

MESSAGES_PER_SECOND_MAX = 50
"""IBKR's limit for all messages of a client together (TWS API, "Order Limitations")."""

_WINDOW_SECONDS = 1.05
"""A little over a second: messages may travel closer together than they left."""
_PROMISE_SECONDS_MAX = 10.0
"""A place that was taken and not used by then is free again."""


class Pacer:
    """Hands out places to send; orders and cancels first."""

    def __init__(self, messages_per_second: int) -> None:
        """`messages_per_second` is at most 50 (ValueError)."""
        if not 1 <= messages_per_second <= MESSAGES_PER_SECOND_MAX:
            raise ValueError(f"messages_per_second must be 1 to {MESSAGES_PER_SECOND_MAX}")
        self._limit = messages_per_second
        self._slow_until = 0.0
        self._left: deque[float] = deque()
        self._promised: deque[float] = deque()
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._patient: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def slot(self, *, urgent: bool = False) -> None:
        """Wait for a place and take it; `sent` uses it up."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._patient).append(place)
        self._hand_out()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back(1)
            raise

    def give_back(self, places: int) -> None:
        """Return places that were taken and will not be used."""
        for _ in range(min(places, len(self._promised))):
            self._promised.pop()
        self._hand_out()

    def sent(self) -> None:
        """One message left just now."""
        if self._promised:
            self._promised.popleft()
        self._left.append(_now())
        self._hand_out()

    @property
    def may_send(self) -> bool:
        """Whether a message may leave now: a place is promised, or one is free."""
        free = self._free()
        return bool(self._promised) or free > 0

    def slow_down(self, seconds: float) -> None:
        """Halve the rate for so long."""
        self._slow_until = _now() + seconds

    def _free(self) -> int:
        now = _now()
        while self._left and self._left[0] + _WINDOW_SECONDS <= now:  # as the timer in _hand_out counts
            self._left.popleft()
        while self._promised and self._promised[0] + _PROMISE_SECONDS_MAX <= now:
            self._promised.popleft()
        limit = max(1, self._limit // 2) if now < self._slow_until else self._limit
        return limit - len(self._left) - len(self._promised)

    def _hand_out(self) -> None:
        while self._waiting() and self._free() > 0:
            place = (self._urgent or self._patient).popleft()
            self._promised.append(_now())
            place.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting():
            self._timer = asyncio.get_running_loop().call_at(self._next_change(), self._hand_out)

    def _waiting(self) -> bool:
        for queue in (self._urgent, self._patient):
            while queue and queue[0].done():
                queue.popleft()
        return bool(self._urgent or self._patient)

    def _next_change(self) -> float:
        changes = [_now() + _WINDOW_SECONDS]
        if self._left:
            changes.append(self._left[0] + _WINDOW_SECONDS)
        if self._promised:
            changes.append(self._promised[0] + _PROMISE_SECONDS_MAX)
        return min(changes)


def _now() -> float:
    return asyncio.get_running_loop().time()
