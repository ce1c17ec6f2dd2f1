"""An order leaves again only after it was looked for: twice since it left, and late enough in one session."""

from __future__ import annotations

from collections.abc import Sequence

from event_processor.domain.intent import OrderIntent

LOOKS_MIN = 2


class Resends:
    """Remembers when each order last left, and which were looked for well enough since. Seconds of the loop."""

    def __init__(self) -> None:
        self._left: dict[str, float] = {}
        self._proven: set[str] = set()

    def looked(self, session: Sequence[float], delay: float) -> None:
        """Another look at the broker succeeded; `session` says when all those of its session began, `delay` is the
        visibility delay."""
        for ref, left in self._left.items():
            looks = [at for at in session if at > left]
            if len(looks) >= LOOKS_MIN and looks[-1] - max(left, session[0]) >= delay:
                self._proven.add(ref)

    def problem(self, intent: OrderIntent, now: float, *, refused: bool) -> str:
        """What is wrong with this order leaving now; empty when nothing is. One that is sent for the first time by the
        store's count never left before, and one that was `refused` is nowhere for certain."""
        ref = str(intent.ref)
        unproven = ref in self._left and ref not in self._proven and intent.sent > 1 and not refused
        self._left[ref] = now
        self._proven.discard(ref)
        return f"{ref} was placed again without two look-ups late enough in one session" if unproven else ""
