"""The login as tables: moves, windows and time limits. Every text is IBC's own, version 3.24."""

from __future__ import annotations

from collections.abc import Callable

from .words import Deed, Input, Move, Rules, State

S, In, D = State, Input, Deed

SECOND_FACTOR_LOST = 87
"""The exit status after an approved login that does not complete: 1111 modulo 256 (IBC, ErrorCodes)."""

IMMEDIATELY = "Login has not completed: exiting immediately"
BY_MENU = "Login has completed: exiting via [File, Close] menu"
COMPLETED = ("Login has completed",)
DURATION = "Duration since login: {duration:.0f} seconds"
FILLED_IN = (
    "Setting Trading mode = {mode}",
    "Setting user name",
    "Setting password",
    "Login attempt: {attempt}",
    "Click button: {button}",
)

STOP_EARLY = {In.STOP: Move(S.ENDED, first=(IMMEDIATELY,))}
STOP_TIDILY = {In.STOP: Move(S.CLOSING, first=(BY_MENU,), do=(D.CLOSE_API, D.LOG_OUT))}
RESTARTS = {
    In.AUTO_RESTART: Move(S.CLOSING, do=(D.CLOSE_API, D.SAVE_TOKEN, D.LOG_OUT)),
    In.COLD_RESTART: Move(S.CLOSING, first=(BY_MENU,), do=(D.FLAG_COLD_RESTART, D.CLOSE_API, D.LOG_OUT)),
}
LET_IN = {
    In.CLEAR: Move(S.CONFIGURING, then=COMPLETED),
    In.OCCUPIED: Move(S.EXISTING),
}

TABLE: dict[State, dict[Input, Move]] = {
    S.OFF: {
        In.START: Move(S.FORM, then=("Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT",)),
        In.RESUME: Move(S.RESUMING),
    },
    S.FORM: {
        In.FILL_IN: Move(S.AUTHENTICATING, first=FILLED_IN),
        In.LEAVE_TO_PERSON: Move(S.FORM),
        In.SUBMIT: Move(S.AUTHENTICATING),
        **STOP_EARLY,
    },
    S.AUTHENTICATING: {
        In.ANSWER: Move(S.AUTHENTICATING, do=(D.ASK_CREDENTIALS,)),
        In.ACCEPTED: Move(S.SECOND_FACTOR, then=("Second Factor Authentication initiated",)),
        In.UNPROTECTED: Move(S.AUTHENTICATING, do=(D.ASK_SESSION,)),
        In.WRONG: Move(S.FAILED),
        In.LOCKED: Move(S.LOCKED),
        **LET_IN,
        **STOP_EARLY,
    },
    S.SECOND_FACTOR: {
        In.APPROVE: Move(S.ADMITTED, then=(DURATION,)),
        In.HURRY: Move(
            S.ADMITTED,
            then=(DURATION, "If login has not completed, IBC will exit in {exit_interval:.0f} seconds"),
        ),
        In.ASK_AGAIN: Move(
            S.MISSED, then=(DURATION, "Re-login after second factor authentication timeout in 5 second")
        ),
        In.LET_BE: Move(S.STUCK, then=(DURATION, "Re-login after second factor authentication timeout not required")),
        **STOP_EARLY,
    },
    S.MISSED: {In.AGAIN: Move(S.FORM), **STOP_EARLY},
    S.STUCK: {In.SUBMIT: Move(S.AUTHENTICATING), **STOP_EARLY},
    S.ADMITTED: {
        In.ANSWER: Move(S.ADMITTED, do=(D.ASK_SESSION,)),
        In.GIVE_UP: Move(
            S.ENDED,
            first=("IBC closing because login has not completed after Second Factor Authentication",),
            code=SECOND_FACTOR_LOST,
        ),
        In.LET_BE: Move(S.ADMITTED),
        **LET_IN,
        **STOP_EARLY,
    },
    S.EXISTING: {
        In.CONTINUE: Move(S.CONFIGURING, then=COMPLETED, do=(D.TAKE_SESSION,)),
        In.CANCEL: Move(S.CLOSING, do=(D.CLOSE_API,)),
        In.LEAVE_TO_PERSON: Move(S.EXISTING),
        **STOP_EARLY,
    },
    S.FAILED: {
        In.AUTOMATE: Move(
            S.ENDED, first=("Login failed", "Cold restart in progress", IMMEDIATELY), do=(D.FLAG_COLD_RESTART,)
        ),
        **STOP_EARLY,
    },
    S.LOCKED: {
        In.ASK_AGAIN: Move(S.LOCKED, first=("{locked}", "Will re-login at {again_at}; login number: {next_attempt}")),
        In.LET_BE: Move(S.LOCKED, first=("{locked}",)),
        In.AGAIN: Move(S.FORM),
        In.DISMISS: Move(S.FORM),
        **STOP_EARLY,
    },
    S.CONFIGURING: {
        In.CONFIGURED: Move(S.READY, then=("Configuration tasks completed",), do=(D.OPEN_API,)),
        In.OWNER_IN: Move(S.EXISTING),
        **STOP_TIDILY,
    },
    S.READY: {In.OWNER_IN: Move(S.RELOGIN, do=(D.CONTEND,)), **RESTARTS, **STOP_TIDILY},
    S.RELOGIN: {
        In.AUTOMATE: Move(S.RESUMING, first=("Re-login to session",)),
        In.RELOGIN: Move(S.RESUMING),
        In.COLD_RESTART: RESTARTS[In.COLD_RESTART],
        **STOP_TIDILY,
    },
    S.RESUMING: {In.ANSWER: Move(S.RESUMING, do=(D.ASK_SESSION,)), **LET_IN, **STOP_EARLY},
    S.CLOSING: {In.CLOSED: Move(S.ENDED)},
    S.ENDED: {},
}
"""State -> input -> what it leads to; an input that is not in the row of a state has no effect there."""

FRAME, DIALOG = "frame", "dialog"
LOGIN_FRAME = (FRAME, "IBKR Gateway")
WINDOWS: dict[State, tuple[str, str]] = {
    S.FORM: LOGIN_FRAME,
    S.AUTHENTICATING: (DIALOG, "Authenticating..."),
    S.SECOND_FACTOR: (DIALOG, "Second Factor Authentication"),
    S.MISSED: LOGIN_FRAME,
    S.STUCK: LOGIN_FRAME,
    S.ADMITTED: (DIALOG, "Authenticating..."),
    S.EXISTING: (DIALOG, "Existing session detected"),
    S.FAILED: (DIALOG, "Login failed"),
    S.LOCKED: (DIALOG, "Login Messages"),
    S.CONFIGURING: (FRAME, "IBKR Gateway"),
    S.READY: (FRAME, "IBKR Gateway"),
    S.RELOGIN: (DIALOG, "Re-login is required"),
    S.RESUMING: (DIALOG, "Authenticating..."),
    S.CLOSING: (DIALOG, "Shutdown progress"),
}
"""State -> kind and title of the window that is then in front."""

Seconds = Callable[[Rules], float]


def _constantly(seconds: float) -> Seconds:
    return lambda _rules: seconds


MOMENT = _constantly(1.0)
READING = _constantly(3.0)
"""How long a dialog stays before the automator clicks; long enough for a person to see it."""

TIMERS: dict[State, tuple[tuple[Input, Seconds], ...]] = {
    S.FORM: ((In.AUTOMATE, MOMENT),),
    S.AUTHENTICATING: ((In.ANSWER, MOMENT),),
    S.SECOND_FACTOR: ((In.MISS, lambda rules: rules.second_factor),),
    S.MISSED: ((In.AGAIN, _constantly(5.0)),),
    S.ADMITTED: ((In.ANSWER, MOMENT), (In.GIVE_UP, lambda rules: rules.exit_interval)),
    S.EXISTING: ((In.AUTOMATE, READING),),
    S.FAILED: ((In.AUTOMATE, READING),),
    S.LOCKED: ((In.AUTOMATE, MOMENT),),
    S.CONFIGURING: ((In.CONFIGURED, MOMENT),),
    S.RELOGIN: ((In.AUTOMATE, READING),),
    S.RESUMING: ((In.ANSWER, MOMENT),),
    S.CLOSING: ((In.CLOSED, MOMENT),),
}
"""State -> what happens by itself after how long, counted from the arrival in it."""

LOCK_MARGIN_SECONDS = 3.0
"""IBC waits this much longer than the broker's words ask for."""
