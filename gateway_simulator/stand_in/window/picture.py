"""What the gateway wants shown, as it comes over the pipe."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Picture:
    """See gateway_simulator/stand_in/screen.py, which makes it."""

    state: str = "off"
    live: bool = False
    user: str = ""
    given: bool = False
    waits: bool = True
    action: str = "manual"
    attempt: int = 0
    left: float | None = None
    limit: float | None = None
    linked: bool = False
    elsewhere: bool = False
    clients: tuple[int, ...] = ()
    accounts: tuple[str, ...] = ()
    port: int = 0
    log: tuple[str, ...] = ()


def read_picture(line: str) -> Picture:
    """Raises ValueError or TypeError for a line that is no picture."""
    fields = json.loads(line)
    lists = {name: tuple(fields[name]) for name in ("clients", "accounts", "log")}
    return Picture(**{**fields, **lists})
