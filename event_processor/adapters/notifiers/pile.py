"""A bounded pile of messages: when it is full the oldest of the least urgent goes, and is counted."""

from __future__ import annotations

from event_processor.adapters.notifiers.message import Told

PILE_MAX = 100


class Pile:
    """Messages in the order they came."""

    def __init__(self, most: int = PILE_MAX) -> None:
        self._most = most
        self._told: list[Told] = []
        self._missing = 0

    def __len__(self) -> int:
        return len(self._told)

    def add(self, told: Told) -> Told | None:
        """Keep the message; returns the one that had to go for it."""
        self._told.append(told)
        if len(self._told) <= self._most:
            return None
        gone = min(self._told, key=lambda one: one.message.urgency)
        self._told.remove(gone)
        self._missing += 1
        return gone

    def empty(self) -> tuple[list[Told], int]:
        """All that is kept, and how many had to go; the pile begins anew."""
        told, missing = self._told, self._missing
        self._told, self._missing = [], 0
        return told, missing
