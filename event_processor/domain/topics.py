"""What a person can be told about, so that each may choose."""

from __future__ import annotations

from enum import StrEnum, auto


class Topic(StrEnum):
    """The subjects of notifications, as `NOTIFY_TOPICS` names them."""

    LOGIN = auto()
    REVIEW = auto()
    HALTED = auto()
    SESSION = auto()
    STORE = auto()
    EVENTS = auto()
    TRADING = auto()
    PROCESSOR = auto()


ABOUT: dict[Topic, str] = {
    Topic.LOGIN: "the weekly login: due, needed now, overdue, done",
    Topic.REVIEW: "an event needs review, an account is held, a doubt is settled",
    Topic.HALTED: "an account or the whole processor stopped because of a defect",
    Topic.SESSION: "somebody else is logged in, read-only API, client id in use, gateway or link away for long",
    Topic.STORE: "Redis away, back, or not durable enough",
    Topic.EVENTS: "how an event ended, that it waits, that an entry could not be read",
    Topic.TRADING: "a pause set or lifted",
    Topic.PROCESSOR: "started and stopped",
}
