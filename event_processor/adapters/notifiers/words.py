"""What all messages share: masks, times as people read them, the link to the login."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from event_processor.adapters.notifiers.message import Message, Urgency
from event_processor.domain.topics import Topic

TEXT_LENGTH_MAX = 1_500
REVIEW_ADVICE = (
    "Run `rebalancer reconcile`; it names the commands that settle it. docs/how-to/answer-a-review.md tells how."
)


@dataclass(frozen=True, slots=True)
class Words:
    """Builds messages. `mask` hides account numbers and secrets in any text."""

    mask: Callable[[str], str]
    login_url: str
    zone: tzinfo

    def message(
        self, topic: Topic, urgency: Urgency, title: str, text: str, advice: str = "", mark: str = ""
    ) -> Message:
        """A message without account numbers and secrets, not longer than a phone shows."""
        text = self.mask(text).strip()
        if len(text) > TEXT_LENGTH_MAX:
            text = text[: TEXT_LENGTH_MAX - 1] + "…"
        return Message(
            topic=topic,
            urgency=urgency,
            title=self.mask(title),
            text=text,
            advice=self.mask(advice),
            mark=mark,
        )

    def at(self, moment: datetime) -> str:
        """`Sun 11 Jan 07:00 CET`."""
        return f"{moment.astimezone(self.zone):%a %d %b %H:%M %Z}"
