"""Which message goes out when: the same thing once, few at a time, and at night only what is urgent."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import UTC, tzinfo

import structlog

from event_processor.adapters.notifiers.message import Count, Message, Told, Urgency, as_one
from event_processor.adapters.notifiers.pile import Pile
from event_processor.adapters.notifiers.quiet import QuietHours
from event_processor.ports import Clock

SAME_SECONDS = 600.0
"""How long the same message is not told again."""

MARKS_MAX = 1_000
"""Of how many messages that is remembered, oldest forgotten first."""

URGENT_RATE = (5, 60.0)
RATE = (10, 600.0)
"""Messages in so many seconds, of each topic; more than that are told as one when the time is over."""

AWAKE_SECONDS_MIN = 1.0

_log = structlog.get_logger(__name__)

Lane = tuple[str, bool]
"""A topic, and whether it is about what is urgent."""


class Sieve:
    """Takes each message and gives it back when it may go out, alone or as part of another."""

    def __init__(self, clock: Clock, quiet: QuietHours | None, count: Count) -> None:
        self._clock, self._quiet, self._count = clock, quiet, count
        self._zone: tzinfo = quiet.zone if quiet else UTC
        self._told_at: dict[str, float] = {}  # oldest first
        self._sent_at: dict[Lane, deque[float]] = defaultdict(deque)
        self._piles: dict[Lane, Pile] = {}
        self._night = Pile()

    def admit(self, message: Message) -> list[Message]:
        """The message if it may go out at once; nothing when it is kept, or was told before."""
        if self._is_repeat(message):
            self._count(message, "repeated")
            return []
        if message.urgency < Urgency.NOW and self._quiet and self._quiet.until(self._clock.now()):
            self._keep(self._night, message, "held")
            return []
        lane = _lane(message)
        if lane in self._piles or self._seconds_left(lane):
            self._keep(self._piles.setdefault(lane, Pile()), message, "bundled")
            return []
        self._sent_at[lane].append(self._clock.monotonic())
        return [message]

    def ripe(self) -> list[Message]:
        """What was kept and may go out now, urgent first."""
        found = []
        for lane in [lane for lane in self._piles if not self._seconds_left(lane)]:
            self._sent_at[lane].append(self._clock.monotonic())
            found.append(self._one(self._piles.pop(lane), "messages in a short time"))
        if len(self._night) and not (self._quiet and self._quiet.until(self._clock.now())):
            found.append(self._one(self._night, "messages from the quiet hours"))
        return sorted(found, key=lambda message: -message.urgency)

    def wait_seconds(self) -> float | None:
        """After how long `ripe` is worth asking; None when nothing is kept."""
        waits = [self._seconds_left(lane) for lane in self._piles]
        end = self._quiet.until(self._clock.now()) if self._quiet and len(self._night) else None
        if end:
            waits.append((end - self._clock.now()).total_seconds())
        elif len(self._night):
            waits.append(0.0)
        return max(AWAKE_SECONDS_MIN, min(waits)) if waits else None

    def leave(self) -> list[Message]:
        """What the rates kept back, for the last delivery; what quiet hours hold is dropped and counted."""
        if len(self._night):
            _log.warning("notifications.left", held=len(self._night))
        found = [self._one(pile, "messages in a short time") for pile in self._piles.values()]
        self._piles.clear()
        for one in self._night.empty()[0]:
            self._count(one.message, "dropped")
        return sorted(found, key=lambda message: -message.urgency)

    def _is_repeat(self, message: Message) -> bool:
        now, told_at = self._clock.monotonic(), self._told_at
        while told_at and (now - next(iter(told_at.values())) >= SAME_SECONDS or len(told_at) >= MARKS_MAX):
            del told_at[next(iter(told_at))]
        mark = f"{message.label} {message.mark or f'{message.title} {message.text}'}"
        if mark in told_at:
            return True
        told_at[mark] = now
        return False

    def _keep(self, pile: Pile, message: Message, outcome: str) -> None:
        self._count(message, outcome)
        gone = pile.add(Told(self._clock.now(), message))
        if gone:
            self._count(gone.message, "dropped")

    def _seconds_left(self, lane: Lane) -> float:
        """How long until the lane may tell again; 0: now."""
        most, seconds = URGENT_RATE if lane[1] else RATE
        sent, now = self._sent_at[lane], self._clock.monotonic()
        while sent and now - sent[0] >= seconds:
            sent.popleft()
        return seconds - (now - sent[0]) if len(sent) >= most else 0.0

    def _one(self, pile: Pile, head: str) -> Message:
        told, missing = pile.empty()
        return as_one(told, head, self._zone, missing=missing)


def _lane(message: Message) -> Lane:
    return message.label, message.urgency is Urgency.NOW
