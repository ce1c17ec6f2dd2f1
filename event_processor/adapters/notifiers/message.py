"""One message to a person, and several made into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import IntEnum

from event_processor.domain.topics import Topic

LINES_MAX = 12
LINE_LENGTH_MAX = 140


class Urgency(IntEnum):
    """How soon a person wants to know."""

    NEWS = 0
    """Good to know; can wait."""
    SOON = 1
    """Something is wrong; waits for the end of quiet hours."""
    NOW = 2
    """Never silenced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What happened and why (`text`), and what to do about it (`advice`).

    Two messages with the same `mark` say the same thing. `topic` is None for a message made of several.
    """

    topic: Topic | None
    urgency: Urgency
    title: str
    text: str
    advice: str = ""
    mark: str = ""

    @property
    def label(self) -> str:
        """The topic as metrics name it."""
        return "several" if self.topic is None else self.topic.value

    @property
    def body(self) -> str:
        """Everything but the title."""
        return f"{self.text}\n\nWhat to do: {self.advice}" if self.advice else self.text


Count = Callable[[Message, str], None]
"""Notes what became of a message: sent, failed, dropped, held, bundled or repeated."""


@dataclass(frozen=True, slots=True)
class Told:
    """A message and when it came."""

    at: datetime
    message: Message


def as_one(told: Sequence[Told], head: str, zone: tzinfo, *, missing: int = 0) -> Message:
    """One message in place of several, oldest first; `missing` says how many more could not be kept."""
    if len(told) == 1 and not missing:
        return told[0].message
    messages = [one.message for one in told]
    shown = [f"{one.at.astimezone(zone):%H:%M} {_line(one.message)}" for one in told[-LINES_MAX:]]
    hidden = len(told) - len(shown) + missing
    lines = [f"({hidden} earlier ones are not shown.)", *shown] if hidden else shown
    advice = list(dict.fromkeys(one.advice for one in messages if one.advice and one.urgency is Urgency.NOW))
    topics = {one.topic for one in messages}
    return Message(
        topic=messages[0].topic if len(topics) == 1 else None,
        urgency=max(one.urgency for one in messages),
        title=f"{len(told) + missing} {head}",
        text="\n".join(lines),
        advice=" ".join(advice[:3]) or "`rebalancer status` shows how things are now.",
    )


def _line(message: Message) -> str:
    text = f"{message.title}: {message.text}".replace("\n", " ")
    return text if len(text) <= LINE_LENGTH_MAX else text[: LINE_LENGTH_MAX - 1] + "…"
