"""Prometheus metrics from facts, in a registry of their own. Base units; no account, symbol or reference label."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from event_processor import __version__
from event_processor.domain.facts import (
    EventClaimed,
    EventClosed,
    Fact,
    IntentReconciled,
    OrderDone,
    OrderOutcomeUnknown,
    OrderWorking,
    SessionChanged,
)
from event_processor.domain.ids import EventKey
from event_processor.domain.reconcile import Verdict
from event_processor.domain.record import FINAL
from event_processor.domain.session import SessionState
from event_processor.domain.weekly import GatewayHours
from event_processor.ports import Clock

DURATION_BUCKETS_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300, 900, 3_600, 14_400, 86_400)
PROVEN = frozenset({Verdict.ADOPT, Verdict.SETTLE, Verdict.RESUBMIT})
"""Verdicts after which the fate of an order is no longer in doubt."""


class Metrics:
    """Counts what happens; `registry` is what `/metrics` shows."""

    def __init__(
        self, clock: Clock, registry: CollectorRegistry | None = None, hours: GatewayHours | None = None
    ) -> None:
        self.registry = registry or CollectorRegistry()
        self._clock, self._hours = clock, hours or GatewayHours()
        self._pending: dict[EventKey, datetime] = {}
        self._unresolved: set[str] = set()
        self._make()
        for outcome in FINAL:
            self._events.labels(outcome.value)
        self._show_session(SessionState.DOWN)

    def _make(self) -> None:
        kept = self.registry
        self._events = Counter("rebalancer_events", "Events closed, by outcome.", ["outcome"], registry=kept)
        self._duration = Histogram(
            "rebalancer_event_duration_seconds",
            "From the acceptance of an event to its close.",
            buckets=DURATION_BUCKETS_SECONDS,
            registry=kept,
        )
        self._orders = Counter(
            "rebalancer_orders", "Orders that ended, by side and outcome.", ["side", "outcome"], registry=kept
        )
        self._session = Gauge(
            "rebalancer_session_state", "1 for the state the broker session is in.", ["state"], registry=kept
        )
        Info("rebalancer_build", "The program that runs.", registry=kept).info({"version": __version__})
        for name, text, read in (
            ("rebalancer_intents_unresolved", "Orders whose fate at the broker is unknown.", self._doubts),
            ("rebalancer_pending_event_age_seconds", "Age of the oldest event not closed; 0: none.", self._oldest),
            (
                "rebalancer_login_deadline_timestamp_seconds",
                "When the weekly login ends next, in seconds since 1970.",
                self._deadline,
            ),
        ):
            Gauge(name, text, registry=kept).set_function(read)

    def observe(self, fact: Fact) -> None:
        """Count `fact` where it counts."""
        match fact:
            case EventClaimed(key=key):
                self._pending.setdefault(key, self._clock.now())
            case EventClosed(key=key, outcome=outcome, seconds=seconds):
                self._pending.pop(key, None)
                self._events.labels(outcome.value).inc()
                self._duration.observe(seconds)
            case OrderDone(order_ref=ref, side=side, ending=ending):
                self._unresolved.discard(ref)
                self._orders.labels(side.value, ending).inc()
            case OrderOutcomeUnknown(order_ref=ref):
                self._unresolved.add(ref)
            case OrderWorking(order_ref=ref):
                self._unresolved.discard(ref)
            case IntentReconciled(order_ref=ref, decision=decision) if decision in PROVEN:
                self._unresolved.discard(ref)
            case SessionChanged(after=state):
                self._show_session(state)
            case _:
                pass

    def _show_session(self, current: SessionState) -> None:
        for state in SessionState:
            self._session.labels(state.value).set(state is current)

    def _doubts(self) -> float:
        return float(len(self._unresolved))

    def _oldest(self) -> float:
        return (self._clock.now() - min(self._pending.values())).total_seconds() if self._pending else 0.0

    def _deadline(self) -> float:
        return self._hours.login_deadline(self._clock.now()).timestamp()
