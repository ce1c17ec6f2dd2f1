"""The machine's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Where the system has it, a clock that also counts while the whole host sleeps: a lease runs out then, too."""


class SystemClock:
    """Implements the port `Clock`."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back and go on while the process is stopped or the host asleep."""
        return time.clock_gettime(_STEADY)
