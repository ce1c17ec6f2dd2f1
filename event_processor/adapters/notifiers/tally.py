"""Counts what became of messages, for `/metrics`. No label tells where they go."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from event_processor.adapters.notifiers.message import Message


class Tally:
    """Call it with a message and its outcome."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counter = Counter(
            "rebalancer_notifications",
            "Notifications, by topic and by what became of them.",
            ["topic", "outcome"],
            registry=registry,
        )

    def __call__(self, message: Message, outcome: str) -> None:
        """Note one: sent, failed, dropped, held, bundled or repeated."""
        self._counter.labels(message.label, outcome).inc()
