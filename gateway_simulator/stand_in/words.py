"""The vocabulary of the login: states, inputs, what there is to do, and the values they travel in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import StrEnum, auto


class State(StrEnum):
    """Where one run of the gateway program stands."""

    OFF = auto()
    FORM = auto()
    AUTHENTICATING = auto()
    SECOND_FACTOR = auto()
    MISSED = auto()
    """The second factor expired; the automator asks again in a moment."""
    STUCK = auto()
    """It expired, and the automator was told not to ask again: a person has to."""
    ADMITTED = auto()
    """The second factor was approved; the broker has yet to let the login through."""
    EXISTING = auto()
    FAILED = auto()
    LOCKED = auto()
    CONFIGURING = auto()
    READY = auto()
    RELOGIN = auto()
    """Another login has taken the session."""
    RESUMING = auto()
    """Logging in without credentials: after Re-login, or with a restart token."""
    CLOSING = auto()
    ENDED = auto()


class Input(StrEnum):
    """What can happen to it."""

    START = auto()
    RESUME = auto()
    # the automator, or a person at the window
    AUTOMATE = auto()
    SUBMIT = auto()
    APPROVE = auto()
    CONTINUE = auto()
    CANCEL = auto()
    RELOGIN = auto()
    DISMISS = auto()
    # the broker
    ANSWER = auto()
    ACCEPTED = auto()
    UNPROTECTED = auto()
    """The credentials are right and no second factor is asked for."""
    WRONG = auto()
    LOCKED = auto()
    CLEAR = auto()
    OCCUPIED = auto()
    OWNER_IN = auto()
    # time
    MISS = auto()
    AGAIN = auto()
    GIVE_UP = auto()
    CONFIGURED = auto()
    CLOSED = auto()
    AUTO_RESTART = auto()
    COLD_RESTART = auto()
    # the command server
    STOP = auto()
    # what a rule makes of one of these
    FILL_IN = auto()
    LEAVE_TO_PERSON = auto()
    ASK_AGAIN = auto()
    LET_BE = auto()
    HURRY = auto()


class Deed(StrEnum):
    """What the table wants done outside of it."""

    ASK_CREDENTIALS = auto()
    ASK_SESSION = auto()
    TAKE_SESSION = auto()
    OPEN_API = auto()
    CLOSE_API = auto()
    CONTEND = auto()
    SAVE_TOKEN = auto()
    FLAG_COLD_RESTART = auto()
    LOG_OUT = auto()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the automator's settings say, and how patient the broker is; seconds."""

    user: str = ""
    password: str = ""
    live: bool = False
    relogin: bool = True
    existing_action: str = "manual"
    exit_interval: float = 60.0
    second_factor: float = 180.0
    zone: tzinfo = UTC
    """In which the automator tells the time."""

    @property
    def given(self) -> bool:
        """Whether the automator can log in by itself."""
        return bool(self.user and self.password)


@dataclass(frozen=True, slots=True)
class Login:
    """One run of the gateway program, as far as its login is concerned."""

    state: State = State.OFF
    attempts: int = 0
    began: float = 0.0
    """When the login that is under way began, seconds since the epoch."""
    logged_in: bool = False
    """Whether this run has been logged in before."""
    continued: bool = False
    """Whether the automator has pushed a stranger's session aside already; it does so once."""
    locked_for: float = 0.0
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """Where an input leads, the automator's words before and after the window changes, and what to do."""

    to: State
    first: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    do: tuple[Deed, ...] = ()
    code: int = 0


@dataclass(frozen=True, slots=True)
class Say:
    """A line of the automator's log."""

    text: str


Effect = Say | Deed
