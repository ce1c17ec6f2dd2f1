"""How many messages a client may send.

IBKR allows 50 messages a second and does not say how it counts. `bucket` takes from a bucket of 50
that refills by 50 a second: ib_async's own throttle (bursts of 45 a second) never empties it, whatever
the delays on the way. `window` counts every span of one second strictly, for those who want to prove
that they keep to the letter; `off` counts only for the ledger.
"""

from __future__ import annotations

KINDS = ("bucket", "window", "off")


class Pace:
    """One client's allowance."""

    def __init__(self, kind: str, per_second: int, now: float) -> None:
        self._kind = kind
        self._per_second = per_second
        self._left = float(per_second)
        self._since = now

    def exceeded(self, now: float, in_last_second: int) -> bool:
        """Whether the message that has just come is one too many."""
        if self._kind == "bucket":
            gained = max(0.0, now - self._since) * self._per_second
            self._left = min(float(self._per_second), self._left + gained)
            self._since = now
            if self._left < 1:
                return True
            self._left -= 1
            return False
        return self._kind == "window" and in_last_second > self._per_second
