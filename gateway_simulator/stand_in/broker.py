"""The pretend broker's side of a login: who may in, who is in, and what it remembers between starts.

It outlives the gateway, so what it knows lies in one small file beside the gateway's settings.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway_simulator.clock import Clock
from gateway_simulator.ledger import Ledger

from .words import Input

FAILURES_MAX = 5
LOCKED_SECONDS = 53.0
FOREVER = 1e12


@dataclass(slots=True)
class Memory:
    """What is kept; times are seconds since the epoch, 0 means not."""

    online: bool = False
    """Whether the gateway was logged in when this was written: true at a start means it ended untidily."""
    other_until: float = 0.0
    """Until when another session holds the user name."""
    failures: int = 0
    locked_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the broker takes for right."""

    user: str = "practice"
    password: str = "practice"  # noqa: S105  (it opens nothing)
    second_factor: bool = True


class Broker:
    """Answers logins; every change is written to `file` at once."""

    def __init__(self, file: Path, clock: Clock, ledger: Ledger, right: Credentials) -> None:
        self._file = file
        self._clock = clock
        self._ledger = ledger
        self._right = right
        self._memory = _read(file)
        self.stalled = False
        """Whether an approved login hangs at the broker."""

    def check(self, user: str, password: str) -> Input:
        """Whether these credentials are let in; too many wrong ones lock the user name for a while."""
        if self.locked_seconds:
            return Input.LOCKED
        if (user, password) == (self._right.user, self._right.password):
            self._keep(failures=0)
            return Input.ACCEPTED if self._right.second_factor else Input.UNPROTECTED
        self._keep(failures=self._memory.failures + 1)
        self._ledger.write("login_failed", user=user, failures=self._memory.failures)
        if self._memory.failures >= FAILURES_MAX:
            self._keep(failures=0, locked_until=self._clock.now() + LOCKED_SECONDS)
        return Input.WRONG

    @property
    def locked_seconds(self) -> float:
        """How long logins are refused from now on."""
        return max(0.0, self._memory.locked_until - self._clock.now())

    def session(self) -> Input | None:
        """Whether the user name is free; None while the broker does not answer."""
        if self.stalled:
            return None
        return Input.OCCUPIED if self.occupied else Input.CLEAR

    @property
    def occupied(self) -> bool:
        return self._memory.other_until > self._clock.now()

    def owner_arrives(self, seconds: float) -> None:
        """The account owner logs in elsewhere, for some seconds or (0) until he leaves."""
        self._keep(other_until=self._clock.now() + seconds if seconds else FOREVER)

    def owner_leaves(self) -> None:
        self._keep(other_until=0.0)

    def end_other_session(self) -> None:
        """The gateway takes the user name; whoever else had it is out."""
        self._ledger.write("other_session_ended")
        self._keep(other_until=0.0)

    def logged_in(self) -> None:
        self._keep(online=True)

    def logged_out(self) -> None:
        """The gateway gave the session back in good order, or another login took it."""
        self._keep(online=False)

    def notice_untidy_end(self, stranded_seconds: float) -> None:
        """At a start: if the last run ended without logging out, its session lives on for a while."""
        if self._memory.online:
            self._ledger.write("untidy_end", strandedSeconds=stranded_seconds)
            until = self._clock.now() + stranded_seconds if stranded_seconds else self._memory.other_until
            self._keep(online=False, other_until=until)

    def _keep(self, **changes: float) -> None:
        for name, value in changes.items():
            setattr(self._memory, name, value)
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self._memory)), encoding="utf-8")
        beside.replace(self._file)


def _read(file: Path) -> Memory:
    try:
        return Memory(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Memory()
