"""The clock, and waiting: the one place that asks for the time, so that tests can bring their own."""

from __future__ import annotations

import threading
import time


def now() -> float:
    """Seconds that only go forward."""
    return time.monotonic()


def wait(seconds: float) -> None:
    """Return after `seconds`; a signal's handler may raise out of it."""
    threading.Event().wait(seconds)
