"""Everything between the login form and the main window: title, words and buttons for each state."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass

from . import desk, paint
from .picture import Picture

BUTTON_HEIGHT = 46


@dataclass(frozen=True, slots=True)
class Dialog:
    """Buttons are (words, input); the first one is the prominent one."""

    title: str
    head: str
    words: str
    buttons: tuple[tuple[str, str], ...] = ()
    counts: bool = False


AUTOMATED = "The automator answers by itself, as EXISTING_SESSION_DETECTED_ACTION={action} says."
DIALOGS: dict[str, Dialog] = {
    "off": Dialog("IBKR Gateway", "Starting …", "The gateway starts in a moment."),
    "authenticating": Dialog("Authenticating...", "Authenticating …", "Checking user name and password."),
    "second_factor": Dialog(
        "Second Factor Authentication",
        "Approve on your phone",
        "A request was sent to the phone of {user}. Tap “Approve” there before the time is up.",
        counts=True,
    ),
    "missed": Dialog(
        "IBKR Gateway", "Not approved in time", "The gateway asks again in a few seconds: a new request will ring."
    ),
    "admitted": Dialog("Authenticating...", "Approved", "Waiting for the broker to let the login through."),
    "existing": Dialog(
        "Existing session detected",
        "Somebody is logged in with this user name",
        "Continue, and the other session ends. Exit, and it stays. {automated}",
        (("Continue Login", "continue"), ("Exit Application", "cancel")),
    ),
    "failed": Dialog(
        "Login failed",
        "Login failed",
        "User name or password is wrong. The gateway starts afresh; after five failures in a row the broker refuses "
        "logins for a while.",
    ),
    "locked": Dialog(
        "Login Messages",
        "Too many failed login attempts",
        "The broker refuses logins for now. Wait until the time is up, and check user name and password meanwhile.",
        (("OK", "dismiss"),),
        counts=True,
    ),
    "configuring": Dialog("IBKR Gateway", "Logged in", "Opening the API."),
    "relogin": Dialog(
        "Re-login is required",
        "Another login has taken this session",
        "The session was ended because somebody logged in elsewhere with the same user name.",
        (("Re-login", "relogin"),),
    ),
    "resuming": Dialog("Authenticating...", "Resuming the session …", "No second factor is needed for this."),
    "closing": Dialog("Shutdown progress", "Shutting down …", "Logging out in good order."),
    "ended": Dialog("IBKR Gateway", "Ended", "The gateway has ended; it starts again in a moment if it is to."),
}


def draw(canvas: tk.Canvas, picture: Picture, send: Callable[..., None]) -> None:
    """The dialog of the state."""
    dialog = DIALOGS[picture.state]
    bottom = desk.TOP + (470 if dialog.counts else 300)
    desk.frame(canvas, dialog.title, bottom)
    left, width = desk.LEFT + 36, desk.RIGHT - desk.LEFT - 72
    manual = picture.action == "manual"
    automated = "" if manual else AUTOMATED.format(action=picture.action)
    words = dialog.words.format(user=picture.user or "the user", automated=automated)
    paint.text(canvas, (left, desk.TOP + 74), dialog.head, size=23, weight="bold", width=width)
    paint.text(canvas, (left, desk.TOP + 118), words, size=15, colour=paint.GREY, width=width)
    if dialog.counts and picture.left is not None:
        share = picture.left / picture.limit if picture.limit else 0.0
        middle = ((desk.LEFT + desk.RIGHT) / 2, desk.TOP + 300)
        paint.ring(canvas, middle, 78, share, paint.clock_words(picture.left))
    right = desk.RIGHT - 36
    for number, (label, given) in enumerate(dialog.buttons):
        box = (right - 180, bottom - 36 - BUTTON_HEIGHT, right, bottom - 36)
        _button(canvas, box, label, given, send, first=number == 0)
        right -= 196


def _button(
    canvas: tk.Canvas,
    box: tuple[float, float, float, float],
    label: str,
    given: str,
    send: Callable[..., None],
    *,
    first: bool,
) -> None:
    if first:
        paint.button(canvas, box, label, lambda: send(given))
    else:
        paint.button(
            canvas,
            box,
            label,
            lambda: send(given),
            fill=paint.WHITE,
            hover=paint.EDGE,
            colour=paint.INK,
            edge=paint.EDGE,
        )
