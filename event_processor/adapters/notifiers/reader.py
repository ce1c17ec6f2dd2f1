"""From the stream of facts to messages; what passes by itself is told only when it lasts."""

from __future__ import annotations

from event_processor.adapters.notifiers.message import Message, Urgency
from event_processor.adapters.notifiers.troubles import Troubles
from event_processor.adapters.notifiers.wording import message_of
from event_processor.adapters.notifiers.wording_events import stuck_message
from event_processor.adapters.notifiers.words import Words
from event_processor.domain.facts import (
    EventClosed,
    EventWaiting,
    Fact,
    PlanRecorded,
    ProcessorStarted,
    SessionChanged,
    StoreLost,
    StoreRestored,
)
from event_processor.domain.session import ADVICE, UNCONNECTED, SessionState
from event_processor.domain.topics import Topic

STORE_SECONDS = 15.0
EVENT_SECONDS = 900.0

SESSION_TROUBLES: dict[SessionState, tuple[float, str]] = {
    SessionState.CONTENDED: (0.0, "Somebody else is logged in"),
    SessionState.STEPPED_BACK: (0.0, "The gateway has stepped back"),
    SessionState.READ_ONLY: (0.0, "The API is read-only"),
    SessionState.CLIENT_ID_IN_USE: (60.0, "The client id is in use"),
    SessionState.LINK_LOST: (300.0, "The gateway has no link to IBKR"),
    SessionState.DOWN: (300.0, "The gateway does not answer"),
}
"""States worth telling, after how many seconds in them, and the title. A missing login has a topic of its own."""

TOLD_ELSEWHERE = ("session_", "held", "paused")
"""Waits whose cause is told under another topic."""


class Reader:
    """Reads facts in their order. All times are `Clock.monotonic`."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._troubles = Troubles()

    def read(self, fact: Fact, now: float) -> list[Message]:
        """What is to be told at once."""
        match fact:
            case StoreLost():
                self._troubles.begin("store", self._store_lost(fact), now + STORE_SECONDS)
            case StoreRestored():
                return self._over("store", Topic.STORE, "Redis is back", "Writes are confirmed again; events go on.")
            case SessionChanged(after=state):
                return self._session(state, fact.detail, fact.advice, now)
            case EventWaiting(key=key):
                self._wait(fact, f"event {key}", now)
            case EventClosed(key=key) | PlanRecorded(key=key):
                self._troubles.end(f"event {key}")
            case ProcessorStarted():
                self._session(SessionState.DOWN, "", ADVICE[SessionState.DOWN], now)
            case _:
                pass
        message = message_of(fact, self._words)
        return [message] if message else []

    def due(self, now: float) -> list[Message]:
        """What has lasted long enough to be told now."""
        return self._troubles.due(now)

    def next_due(self) -> float | None:
        """When `due` is worth asking again."""
        return self._troubles.next_due()

    def _session(self, state: SessionState, detail: str, advice: str, now: float) -> list[Message]:
        if state is SessionState.READY:
            return self._over("session ", Topic.SESSION, "Ready again", "The session is back; events go on.")
        if state is SessionState.SYNCING:  # whether the trouble is over shows only when all has been read
            return []
        self._troubles.calm("session ", but=f"session {state}")
        if state in SESSION_TROUBLES:
            patience, title = SESSION_TROUBLES[state]
            heard = [f"The gateway says: {detail.rstrip('.')}."] if detail and state not in UNCONNECTED else []
            lasted = [f"This has lasted {patience / 60:.0f} min."] if patience else []
            message = self._words.message(
                Topic.SESSION,
                Urgency.SOON,
                title,
                " ".join([*heard, *lasted, "Events wait, nothing is lost."]),
                advice,
                mark=f"session {state}",
            )
            self._troubles.begin(f"session {state}", message, now + patience)
            return self._troubles.due(now)
        return []

    def _wait(self, fact: EventWaiting, name: str, now: float) -> None:
        self._troubles.end(name)
        if fact.until is None and not fact.reason_code.startswith(TOLD_ELSEWHERE):
            self._troubles.begin(name, stuck_message(fact, self._words), now + EVENT_SECONDS)

    def _over(self, prefix: str, topic: Topic, title: str, text: str) -> list[Message]:
        if not self._troubles.end_all(prefix):
            return []
        return [self._words.message(topic, Urgency.NEWS, title, text)]

    def _store_lost(self, fact: StoreLost) -> Message:
        return self._words.message(
            Topic.STORE,
            Urgency.SOON,
            "Redis does not answer",
            f"{fact.reason}. Nothing is sent while nothing can be written down.",
            "Start Redis, or look at its log, memory and disk.",
            mark="store lost",
        )
