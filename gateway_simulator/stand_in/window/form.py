"""The login form: the one place where something is typed."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from . import desk, paint
from .picture import Picture

BOTTOM = desk.TOP + 420
FIELDS = (("User name", desk.TOP + 118, ""), ("Password", desk.TOP + 202, "•"))


class Form:
    """Two entries that live as long as the window, so that a redraw loses nothing typed."""

    def __init__(self, root: tk.Tk, canvas: tk.Canvas, send: Callable[..., None]) -> None:
        self._canvas = canvas
        self._send = send
        self._shown = False
        self._entries = [self._entry(root, mask) for _, _, mask in FIELDS]
        self._entries[0].bind("<Return>", lambda _event: self._entries[1].focus_force())
        self._entries[1].bind("<Return>", lambda _event: self._submit())

    @staticmethod
    def _entry(root: tk.Tk, mask: str) -> tk.Entry:
        return tk.Entry(
            root,
            font=paint.font(17),
            show=mask,
            relief="flat",
            highlightthickness=0,
            background=paint.WHITE,
            foreground=paint.INK,
            insertbackground=paint.INK,
        )

    def draw(self, picture: Picture) -> None:
        """Title, entries and button; what the automator fills in is shown as filled in."""
        canvas = self._canvas
        desk.frame(canvas, "IBKR Gateway", BOTTOM)
        left, right = desk.LEFT + 36, desk.RIGHT - 36
        paint.text(canvas, (left, desk.TOP + 66), "Log in", size=23, weight="bold")
        mode, colour = ("Live Trading", paint.RED) if picture.live else ("Paper Trading", paint.GREEN)
        paint.text(canvas, (right, desk.TOP + 84), mode, size=15, weight="bold", colour=colour, anchor="e")
        for (name, y, _), entry in zip(FIELDS, self._entries, strict=True):
            paint.text(canvas, (left, y), name, size=13, colour=paint.GREY)
            paint.rounded(canvas, (left, y + 22, right, y + 66), 8, paint.WHITE, paint.EDGE)
            canvas.create_window(left + 14, y + 44, window=entry, anchor="w", width=right - left - 28, height=30)
        label = "Log In" if picture.live else "Paper Log In"
        paint.button(canvas, (left, desk.TOP + 300, right, desk.TOP + 350), label, self._submit)
        hint = _hint(picture)
        paint.text(canvas, (left, desk.TOP + 370), hint, size=13, colour=paint.GREY, width=right - left)
        self._arrive(picture)

    def hide(self) -> None:
        """Forget what was typed."""
        if self._shown:
            for entry in self._entries:
                entry.delete(0, "end")
        self._shown = False

    def _arrive(self, picture: Picture) -> None:
        if self._shown:
            return
        self._shown = True
        if picture.given:
            self._entries[0].insert(0, picture.user)
            self._entries[1].insert(0, "filled in")
        self._entries[0].focus_force()

    def _submit(self) -> None:
        user, password = (entry.get() for entry in self._entries)
        self._send("submit", user=user, password=password)


def _hint(picture: Picture) -> str:
    if picture.state == "stuck":
        return "The second factor was missed and the automator was told not to ask again: log in by hand."
    if picture.given:
        return "The automator has user name and password, and logs in by itself."
    return "Type your user name and password here, or put them into .env for the automator."
