"""Colours, fonts and the few shapes everything is drawn with."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable

WIDTH, HEIGHT = 1024, 768
FAMILY = "Open Sans"

NIGHT = "#101a2b"
DUSK = "#18253b"
LINE = "#2b3b57"
PAPER = "#f7f9fc"
WHITE = "#ffffff"
EDGE = "#d5dce8"
INK = "#1b2536"
GREY = "#66738a"
MIST = "#9fb0cb"
BLUE = "#2463eb"
DEEP_BLUE = "#1b4fc4"
GREEN = "#1a9d5c"
DEEP_GREEN = "#14804a"
AMBER = "#c97a12"
RED = "#cf3b3b"

Font = tuple[str, int] | tuple[str, int, str]


def font(size: int, weight: str = "") -> Font:
    """Negative sizes are pixels to Tk, whatever the screen's resolution says."""
    return (FAMILY, -size, weight) if weight else (FAMILY, -size)


def rounded(canvas: tk.Canvas, box: tuple[float, float, float, float], radius: float, fill: str, edge: str = "") -> int:
    """A rectangle with round corners; returns the canvas item."""
    left, top, right, bottom = box
    r = radius
    points = [
        *(left + r, top, left + r, top, right - r, top, right - r, top, right, top),
        *(right, top + r, right, top + r, right, bottom - r, right, bottom - r, right, bottom),
        *(right - r, bottom, right - r, bottom, left + r, bottom, left + r, bottom, left, bottom),
        *(left, bottom - r, left, bottom - r, left, top + r, left, top + r, left, top),
    ]
    return canvas.create_polygon(points, smooth=True, fill=fill, outline=edge)


def text(
    canvas: tk.Canvas,
    at: tuple[float, float],
    words: str,
    *,
    size: int = 15,
    weight: str = "",
    colour: str = INK,
    anchor: str = "nw",
    width: int = 0,
) -> int:
    """Text, wrapped at `width`; returns the canvas item."""
    justify = "center" if anchor in {"n", "center"} else "left"
    return canvas.create_text(  # type: ignore[no-any-return,call-overload]  # the stubs want literals
        *at, text=words, font=font(size, weight), fill=colour, anchor=anchor, width=width, justify=justify
    )


def button(
    canvas: tk.Canvas,
    box: tuple[float, float, float, float],
    words: str,
    action: Callable[[], None],
    *,
    fill: str = BLUE,
    hover: str = DEEP_BLUE,
    colour: str = WHITE,
    edge: str = "",
) -> None:
    """A button: changes its colour under the pointer, acts on release."""
    tag = f"button{canvas.create_text(-9, -9)}"
    shape = rounded(canvas, box, 8, fill, edge)
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    label = text(canvas, middle, words, size=15, weight="bold", colour=colour, anchor="center")
    for item in (shape, label):
        canvas.addtag_withtag(tag, item)
    canvas.tag_bind(tag, "<Enter>", lambda _event: _tint(canvas, shape, hover, "hand2"))
    canvas.tag_bind(tag, "<Leave>", lambda _event: _tint(canvas, shape, fill, ""))
    canvas.tag_bind(tag, "<ButtonRelease-1>", lambda _event: action())


def _tint(canvas: tk.Canvas, shape: int, fill: str, cursor: str) -> None:
    canvas.itemconfigure(shape, fill=fill)
    canvas.configure(cursor=cursor)


def ring(canvas: tk.Canvas, middle: tuple[float, float], radius: float, share: float, words: str) -> None:
    """A count-down: how much of the circle is left, with the time in it."""
    x, y = middle
    box = (x - radius, y - radius, x + radius, y + radius)
    canvas.create_oval(*box, outline=EDGE, width=8)
    colour = BLUE if share > 0.25 else RED
    if share > 0:
        canvas.create_arc(*box, start=90, extent=359.9 * share, style="arc", outline=colour, width=8)
    text(canvas, middle, words, size=26, weight="bold", anchor="center")


def clock_words(seconds: float) -> str:
    """`2:05`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02d}"
