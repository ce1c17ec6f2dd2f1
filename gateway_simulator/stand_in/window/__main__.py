"""`python -m gateway_simulator.stand_in.window`: pictures come in on standard input, clicks go out on the output."""

from __future__ import annotations

import json
import os
import sys
import tkinter as tk

from . import desk, dialogs, paint, phone
from .form import Form
from .picture import Picture, read_picture

FORMS = frozenset({"form", "stuck"})
READ_MAX = 65536


class Window:
    """Draws the newest picture; redraws only what a change of it asks for."""

    def __init__(self) -> None:
        self._root = tk.Tk()
        self._root.title("IBKR Gateway")
        self._root.geometry(f"{paint.WIDTH}x{paint.HEIGHT}+0+0")
        self._canvas = tk.Canvas(
            self._root, width=paint.WIDTH, height=paint.HEIGHT, background=paint.NIGHT, highlightthickness=0
        )
        self._canvas.pack()
        self._form = Form(self._root, self._canvas, self._send)
        self._buffer = b""
        self._shown: Picture | None = None
        self._root.createfilehandler(sys.stdin, tk.READABLE, self._read)

    def run(self) -> None:
        """Until the gateway closes the pipe."""
        self._draw(Picture())
        self._root.mainloop()

    def _read(self, _file: object, _mask: int) -> None:
        data = os.read(sys.stdin.fileno(), READ_MAX)
        if not data:
            self._root.destroy()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if lines:
            self._draw(read_picture(lines[-1].decode()))

    def _draw(self, picture: Picture) -> None:
        if picture == self._shown:
            return
        self._shown = picture
        canvas = self._canvas
        canvas.delete("all")
        canvas.configure(cursor="")
        self._surroundings(picture)
        if picture.state in FORMS:
            self._form.draw(picture)
        else:
            self._form.hide()
            if picture.state == "ready":
                desk.draw(canvas, picture)
            else:
                dialogs.draw(canvas, picture, self._send)
        phone.draw(canvas, picture, self._send)

    def _surroundings(self, picture: Picture) -> None:
        canvas = self._canvas
        canvas.create_rectangle(0, 0, paint.WIDTH, 64, fill=paint.DUSK, outline="")
        paint.text(canvas, (58, 32), "Practice gateway", size=18, weight="bold", colour=paint.WHITE, anchor="w")
        badge, colour = ("LIVE (pretended)", paint.RED) if picture.live else ("PAPER", paint.GREEN)
        paint.text(canvas, (966, 32), badge, size=14, weight="bold", colour=colour, anchor="e")
        words = "A simulator in the place of IB Gateway. No broker is asked and no money moves."
        paint.text(canvas, (58, 708), words, size=13, colour=paint.MIST)

    def _send(self, given: str, **fields: str) -> None:
        sys.stdout.write(json.dumps({"input": given, **fields}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    Window().run()
