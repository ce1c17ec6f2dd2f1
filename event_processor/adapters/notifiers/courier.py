"""Brings messages to one receiver: again after failures, with growing pauses, and not for ever."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from event_processor.adapters.notifiers.backlog import Backlog, Pending
from event_processor.adapters.notifiers.message import Count, Message, Urgency

PAUSE_SECONDS = 5.0
PAUSE_SECONDS_MAX = 300.0
ATTEMPTS_MAX = 8
ATTEMPTS_URGENT_MAX = 24
LAST_FAILURES_MAX = 3
"""Failed deliveries after which a courier that is closed gives up."""

_log = structlog.get_logger(__name__)


class DeliveryFailed(Exception):
    """The receiver did not take the message, or nobody knows whether it did; says why, without secrets."""


class Receiver(Protocol):
    """One place where messages go. `name` may be shown to anybody."""

    @property
    def name(self) -> str: ...

    async def send(self, message: Message) -> None:
        """Deliver, in a bounded time. Raises DeliveryFailed."""


class Courier:
    """`post` never waits; `run` delivers until `close`, and then what is left as far as that works."""

    def __init__(self, receiver: Receiver, count: Count) -> None:
        self._receiver, self._count = receiver, count
        self._backlog = Backlog()
        self._news, self._hurry = asyncio.Event(), asyncio.Event()
        self._closing = False
        self._failures = 0

    def post(self, message: Message) -> None:
        """Take the message over."""
        gone = self._backlog.put(message)
        if gone:
            self._count(gone, "dropped")
        self._news.set()
        if message.urgency is Urgency.NOW:
            self._hurry.set()

    def close(self) -> None:
        """Deliver what is here, trying nothing twice."""
        self._closing = True
        self._news.set()
        self._hurry.set()

    def leave(self) -> int:
        """Give up all that is left and say how much that was."""
        left = self._backlog.empty()
        for message in left:
            self._count(message, "dropped")
        return len(left)

    async def run(self) -> None:
        """Deliver until closed."""
        failed: Pending | None = None
        last_failures = 0
        while True:
            self._news.clear()
            self._hurry.clear()
            pending = self._backlog.next(after=failed)
            if pending is None:
                if self._closing:
                    return
                await self._news.wait()
                continue
            failed = None if await self._deliver(pending) else pending
            if failed and not self._closing:
                await self._pause()
            elif failed:
                last_failures += 1
                if last_failures >= LAST_FAILURES_MAX:
                    return
                self._drop(failed, "dropped")

    async def _deliver(self, pending: Pending) -> bool:
        pending.attempts += 1
        try:
            await self._receiver.send(pending.message)
        except DeliveryFailed as error:
            self._failed(pending, str(error))
            return False
        self._backlog.done(pending)
        self._count(pending.message, "sent")
        if self._failures:
            _log.info("notifications.restored", receiver=self._receiver.name)
        self._failures = 0
        self._tell_losses()
        return True

    def _failed(self, pending: Pending, reason: str) -> None:
        self._failures += 1
        if self._failures == 1:
            _log.warning("notifications.failing", receiver=self._receiver.name, reason=reason)
        most = ATTEMPTS_URGENT_MAX if pending.message.urgency is Urgency.NOW else ATTEMPTS_MAX
        if pending.attempts >= most:
            self._drop(pending, "failed")

    def _drop(self, pending: Pending, outcome: str) -> None:
        if self._backlog.drop(pending):
            self._count(pending.message, outcome)

    def _tell_losses(self) -> None:
        if not self._backlog.lost:
            return
        lost, self._backlog.lost = self._backlog.lost, 0
        self._backlog.put(
            Message(
                topic=None,
                urgency=Urgency.NEWS,
                title=f"{lost} messages were lost",
                text=f"They could not be delivered here in time: {lost} in all, the least urgent first.",
                advice="`rebalancer status` and the log have everything.",
            )
        )

    async def _pause(self) -> None:
        """Wait before the next try; something urgent, or the end, cuts it short."""
        seconds = min(PAUSE_SECONDS * 2.0 ** (self._failures - 1), PAUSE_SECONDS_MAX)
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return
