"""What one receiver still has to get: bounded, urgent first."""

from __future__ import annotations

from dataclasses import dataclass

from event_processor.adapters.notifiers.message import Message

BACKLOG_MAX = 100


@dataclass(slots=True, eq=False)
class Pending:
    """A message and how often its delivery was tried."""

    message: Message
    attempts: int = 0


class Backlog:
    """Keeps the newest and the most urgent. `lost` counts what had to go, or was given up."""

    def __init__(self, most: int = BACKLOG_MAX) -> None:
        self._most = most
        self._pending: list[Pending] = []
        self.lost = 0

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, message: Message) -> Message | None:
        """Add the message; returns the one that had to go: the oldest of the least urgent."""
        self._pending.append(Pending(message))
        if len(self._pending) <= self._most:
            return None
        gone = min(self._pending, key=lambda one: one.message.urgency)
        self.drop(gone)
        return gone.message

    def next(self, after: Pending | None = None) -> Pending | None:
        """The oldest of the most urgent; the one that failed just now only if it is alone."""
        others = [one for one in self._pending if one is not after] or self._pending
        return max(others, key=lambda one: one.message.urgency, default=None)

    def done(self, pending: Pending) -> bool:
        """It arrived; False when it was not here any more."""
        if pending not in self._pending:
            return False
        self._pending.remove(pending)
        return True

    def drop(self, pending: Pending) -> bool:
        """Give it up and count it; False when that was done before."""
        gone = self.done(pending)
        self.lost += gone
        return gone

    def empty(self) -> list[Message]:
        """Take out all that is left."""
        left = [one.message for one in self._pending]
        self._pending.clear()
        return left
