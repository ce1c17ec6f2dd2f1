"""The main window once somebody is logged in: link, API clients, accounts, and what happened last."""

from __future__ import annotations

import tkinter as tk

from . import paint
from .picture import Picture

LEFT, TOP, RIGHT, BOTTOM = 58, 138, 672, 638


def draw(canvas: tk.Canvas, picture: Picture) -> None:
    """Status on top, the log below."""
    frame(canvas, "IBKR Gateway")
    rows = [
        ("Interactive Brokers (simulated)", *_link(picture)),
        ("API server", f"listening on port {picture.port}", paint.GREEN),
        ("API clients", _clients(picture), paint.GREEN if picture.clients else paint.GREY),
        ("Accounts", ", ".join(picture.accounts), paint.GREY),
    ]
    for number, (name, words, colour) in enumerate(rows):
        y = TOP + 68 + number * 44
        paint.text(canvas, (LEFT + 28, y), name, size=14, colour=paint.GREY)
        canvas.create_oval(LEFT + 292, y + 5, LEFT + 302, y + 15, fill=colour, outline="")
        paint.text(canvas, (LEFT + 314, y - 1), words, size=15, weight="bold")
        canvas.create_line(LEFT + 28, y + 32, RIGHT - 28, y + 32, fill=paint.EDGE)
    paint.text(canvas, (LEFT + 28, TOP + 258), "What happened last (UTC)", size=13, weight="bold", colour=paint.GREY)
    lines = picture.log or ("Nothing yet: no client has connected.",)
    for number, line in enumerate(lines):
        paint.text(canvas, (LEFT + 28, TOP + 284 + number * 22), line, size=13)


def frame(canvas: tk.Canvas, title: str, bottom: int = BOTTOM) -> None:
    """A window with its title bar."""
    paint.rounded(canvas, (LEFT, TOP, RIGHT, bottom), 14, paint.PAPER)
    paint.rounded(canvas, (LEFT, TOP, RIGHT, TOP + 44), 14, paint.EDGE)
    canvas.create_rectangle(LEFT, TOP + 26, RIGHT, TOP + 46, fill=paint.PAPER, outline="")
    canvas.create_rectangle(LEFT, TOP + 22, RIGHT, TOP + 44, fill=paint.EDGE, outline="")
    paint.text(canvas, (LEFT + 24, TOP + 22), title, size=14, weight="bold", anchor="w")


def _link(picture: Picture) -> tuple[str, str]:
    if picture.linked:
        return "connected", paint.GREEN
    return ("somebody else is logged in" if picture.elsewhere else "link lost"), paint.RED


def _clients(picture: Picture) -> str:
    if not picture.clients:
        return "none"
    return f"{len(picture.clients)} connected (client id {', '.join(map(str, picture.clients))})"
