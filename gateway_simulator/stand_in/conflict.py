"""What the automator clicks when another session exists: IBC's ExistingSessionDetectedDialogHandler as a table."""

from __future__ import annotations

from enum import StrEnum, auto

from .words import Input, Login


class Situation(StrEnum):
    """Who was here first."""

    STARTING = auto()
    """Somebody else is logged in and we want to."""
    STARTING_AGAIN = auto()
    """We have pushed that session aside once, and it is back."""
    RUNNING = auto()
    """We were logged in and somebody else took over."""


MANUAL = ("User must choose whether to continue with this session (scenario 1)", Input.LEAVE_TO_PERSON)
YIELD = ("End this session and let the other session proceed (scenario 2)", Input.CANCEL)
TRY = ("Don't know the type of the other session, so continue this one (scenario 3)", Input.CONTINUE)
REFUSED = (
    "Other session must be primary or primary override, so end this session and let the other one proceed (scenario 4)",
    Input.CANCEL,
)
INSIST = ("Continue this session and let the other session exit (scenario 5)", Input.CONTINUE)
OVERRIDE = (
    "Other session may be primary, so end this session and let the other one proceed (scenario 6)",
    Input.CANCEL,
)

ANSWERS: dict[str, dict[Situation, tuple[str, Input]]] = {
    "manual": dict.fromkeys(Situation, MANUAL),
    "secondary": dict.fromkeys(Situation, YIELD),
    "primary": {Situation.STARTING: TRY, Situation.STARTING_AGAIN: REFUSED, Situation.RUNNING: INSIST},
    "primaryoverride": {Situation.STARTING: TRY, Situation.STARTING_AGAIN: REFUSED, Situation.RUNNING: OVERRIDE},
}
"""Setting -> situation -> what the automator says and clicks."""


def situation(login: Login) -> Situation:
    """Who was here first, as far as the automator knows."""
    if login.logged_in:
        return Situation.RUNNING
    return Situation.STARTING_AGAIN if login.continued else Situation.STARTING


def answer(setting: str, login: Login) -> tuple[tuple[str, ...], Input]:
    """The lines to say and the button to click; an unknown setting counts as secondary, an empty one as manual."""
    name = setting.lower() or "manual"
    known = name if name in ANSWERS else "secondary"
    words = f"ExistingSessionDetectedAction has an invalid value: {name}: assuming 'secondary'"
    text, button = ANSWERS[known][situation(login)]
    return ((text,) if known == name else (words, text)), button
