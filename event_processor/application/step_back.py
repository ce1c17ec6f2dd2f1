"""Tells a gateway that has stepped back for another login from one that is down.

With `SESSION_POLICY=yield` a gateway whose user logs in elsewhere ends, and its container starts again and pauses
before it logs in, each time for longer. Nobody tells us. But the link to IBKR goes first, then the socket, and while it
pauses nothing listens, as it does while a login waits for the second factor. It stays an inference, and is told as one.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from event_processor.domain.session import UNCONNECTED, SessionEvent, SessionState
from event_processor.ports import Clock

PAUSE_SECONDS_MAX = 660.0
"""The longest pause of docker/gateway/start/10-session-policy.sh, and a minute for the start around it."""
_LINK_AWAY = frozenset({SessionState.LINK_LOST, SessionState.CONTENDED})


class StepBack:
    """Follows what a session hears. `seconds_max`: how long a pause lasts at most; 0: the gateway never steps back."""

    def __init__(self, clock: Clock, seconds_max: float) -> None:
        self._clock, self._pause = clock, timedelta(seconds=seconds_max)
        self._span: tuple[datetime, datetime] | None = None
        self.likely = False
        """The last session ended after its link did, and there has been none since."""

    def heard(self, state: SessionState, event: SessionEvent) -> SessionEvent:
        """What `event` means in `state`."""
        if not self._pause:
            return event
        if event is SessionEvent.CONNECTED:
            self.likely = False
        elif event in {SessionEvent.SOCKET_LOST, SessionEvent.RESTART_EXPECTED} and state not in UNCONNECTED:
            self.likely = state in _LINK_AWAY
        elif event is SessionEvent.REFUSED and self.likely:
            return self._refused(state)
        return event

    def words(self, zone: tzinfo) -> str:
        """Since when, and until when at most, by the clock of `zone`; only once it has stepped back."""
        if self._span is None:
            return ""
        since, until = (at.astimezone(zone) for at in self._span)
        return f"Stepped back at {since:%H:%M}; the gateway tries again by {until:%H:%M %Z} at the latest."

    def _refused(self, state: SessionState) -> SessionEvent:
        now = self._clock.now()
        if state is SessionState.STEPPED_BACK and self._span is not None:
            if now < self._span[1]:
                return SessionEvent.REFUSED
            self.likely = False
            return SessionEvent.PAUSE_OVER
        if state is not SessionState.RESTARTING:
            self._span = now, now + self._pause
        return SessionEvent.STEPPED_BACK
