"""The practice phone: stands in for the one in your pocket, so that the second factor can be practised."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

from . import paint
from .picture import Picture

LEFT, TOP, RIGHT, BOTTOM = 726, 138, 966, 638
MIDDLE = (LEFT + RIGHT) / 2


def draw(canvas: tk.Canvas, picture: Picture, send: Callable[..., None]) -> None:
    """The phone with what is on its screen in this state."""
    paint.text(canvas, (MIDDLE, TOP - 34), "Practice phone", size=14, colour=paint.MIST, anchor="n")
    paint.rounded(canvas, (LEFT, TOP, RIGHT, BOTTOM), 34, "#05090f", paint.LINE)
    paint.rounded(canvas, (LEFT + 10, TOP + 10, RIGHT - 10, BOTTOM - 10), 26, "#1d3054")
    paint.rounded(canvas, (MIDDLE - 34, TOP + 20, MIDDLE + 34, TOP + 30), 5, "#05090f")
    paint.rounded(canvas, (MIDDLE - 40, BOTTOM - 24, MIDDLE + 40, BOTTOM - 19), 2, "#3a5280")
    if picture.state == "second_factor":
        _prompt(canvas, picture, send)
    elif picture.state in {"configuring", "ready"}:
        _notice(canvas, "Logged in", f"{'Live' if picture.live else 'Paper'} gateway is connected.", paint.GREEN)
    elif picture.state in {"missed", "stuck"}:
        _notice(canvas, "Request expired", "Nobody approved the login in time.", paint.AMBER)
    else:
        paint.text(
            canvas,
            (MIDDLE, TOP + 220),
            "Nothing to approve.\nIt rings when the\ngateway logs in.",
            size=14,
            colour=paint.MIST,
            anchor="n",
        )


def _prompt(canvas: tk.Canvas, picture: Picture, send: Callable[..., None]) -> None:
    card = (LEFT + 22, TOP + 92, RIGHT - 22, TOP + 362)
    paint.rounded(canvas, card, 16, paint.WHITE)
    paint.text(canvas, (card[0] + 18, card[1] + 16), "LOGIN REQUEST", size=11, weight="bold", colour=paint.GREY)
    paint.text(canvas, (card[0] + 18, card[1] + 38), "Is this you?", size=19, weight="bold")
    words = f"{picture.user or 'Somebody'} logs in to\nthe {'live' if picture.live else 'paper'} gateway."
    paint.text(canvas, (card[0] + 18, card[1] + 72), words, size=14, colour=paint.GREY)
    left = f"{paint.clock_words(picture.left or 0)} left"
    paint.text(canvas, (card[0] + 18, card[1] + 124), left, size=13, weight="bold", colour=paint.AMBER)
    inner = (card[0] + 16, card[2] - 16)
    paint.button(
        canvas,
        (inner[0], card[1] + 156, inner[1], card[1] + 204),
        "Approve",
        lambda: send("approve"),
        fill=paint.GREEN,
        hover=paint.DEEP_GREEN,
    )
    paint.text(
        canvas,
        (MIDDLE, card[1] + 220),
        "Or let it ring out,\nto practise that.",
        size=12,
        colour=paint.GREY,
        anchor="n",
    )


def _notice(canvas: tk.Canvas, title: str, words: str, colour: str) -> None:
    card = (LEFT + 22, TOP + 92, RIGHT - 22, TOP + 190)
    paint.rounded(canvas, card, 16, paint.WHITE)
    canvas.create_oval(card[0] + 18, card[1] + 24, card[0] + 28, card[1] + 34, fill=colour, outline="")
    paint.text(canvas, (card[0] + 38, card[1] + 17), title, size=16, weight="bold")
    paint.text(canvas, (card[0] + 18, card[1] + 48), words, size=13, colour=paint.GREY, width=160)
