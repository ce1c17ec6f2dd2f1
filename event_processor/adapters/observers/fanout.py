"""One fact, many instruments; one that fails harms neither the others nor the work."""

from __future__ import annotations

import structlog

from event_processor.domain.facts import Fact
from event_processor.ports import Observer

_log = structlog.get_logger(__name__)


class Fanout:
    """Tells every observer, in order. A failing one is logged at its first failure and told on."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers
        self._failed: set[int] = set()

    def observe(self, fact: Fact) -> None:
        """Pass `fact` on; never raises."""
        for number, observer in enumerate(self._observers):
            try:
                observer.observe(fact)
            except Exception:  # noqa: BLE001 - trading goes on without its instruments
                if number not in self._failed:
                    self._failed.add(number)
                    _log.exception("observer.failed", observer=type(observer).__name__, fact=fact.name)
