from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import EventWaiting
from event_processor.domain.record import Outcome
from event_processor.domain.weekly import RESTART_AWAITED, GatewayHours
from gateway_simulator.settings import FaultSettings, Latency
from tests.support.builders import event_text
from tests.support.process import EPOCH
from tests.support.stories import ACCOUNT, WEIGHTS, Ending, mixed, mixed_event, play
from tests.support.world import World

AT_SECONDS, LEAD_SECONDS, AWAY_SECONDS = 30, 10, 5
RESTART = EPOCH + timedelta(seconds=AT_SECONDS)
HOURS = GatewayHours(ZoneInfo("UTC"), RESTART.time(), lead=timedelta(seconds=LEAD_SECONDS))
COMES = FaultSettings("restart", {"seconds": float(AWAY_SECONDS)}, at_seconds=AT_SECONDS)
SELLS = 4


class Played:
    """A run that meets the restart, with what the exchange received and what was told."""

    def __init__(self, body: str, at: float, *faults: FaultSettings, latency: Latency | None = None) -> None:
        worlds: list[World] = []

        def make() -> World:
            made = World(
                mixed(*faults, latency=latency), hours=HOURS, trading=replace(TradingSettings(), order_timeout=300.0)
            )
            worlds.append(made)
            return made

        self.ending: Ending = play(make, [(at, body)])
        [self.world] = worlds

    @property
    def received(self) -> list[timedelta]:
        """How long after the restart's time each order reached the gateway."""
        entries = [entry for entry in self.world.sim.ledger.entries if entry["kind"] == "order_received"]
        return [datetime.fromisoformat(str(entry["time"])) - RESTART for entry in entries]

    @property
    def waits(self) -> list[datetime | None]:
        """The times until which it was said to wait for a restart."""
        told = [fact for fact in self.world.facts if isinstance(fact, EventWaiting)]
        return [fact.until for fact in told if fact.reason_code == "restart_soon"]


def test_an_event_in_the_minutes_before_is_planned_and_sent_afterwards() -> None:
    """It waits without a plan, says until when, once, and completes when the gateway is back."""
    played = Played(mixed_event(), AT_SECONDS - LEAD_SECONDS + 1, COMES)
    assert played.ending.problems == []
    assert played.ending.outcomes == [Outcome.COMPLETED]
    assert played.waits == [RESTART]
    assert min(played.received) >= timedelta(seconds=AWAY_SECONDS)
    [record] = played.ending.records
    assert record.plan is not None
    assert record.plan.made_at >= RESTART


def test_a_run_that_the_hour_meets_leaves_its_orders_and_sends_the_rest_afterwards() -> None:
    """The sales are out and fill in the lead; the purchases they pay for go when the gateway is back."""
    slow = Latency(fill_ms=1000 * (AT_SECONDS - LEAD_SECONDS + 3))
    played = Played(mixed_event(), 0, COMES, latency=slow)
    assert played.ending.problems == []
    assert played.ending.outcomes == [Outcome.COMPLETED]
    before = [at for at in played.received if at < timedelta()]
    assert len(before) == SELLS
    assert max(before) <= -timedelta(seconds=LEAD_SECONDS)
    assert len(played.received) == len(set(played.ending.refs))
    assert min(at for at in played.received if at > timedelta()) >= timedelta(seconds=AWAY_SECONDS)
    assert played.waits == [RESTART]


def test_a_restart_that_does_not_come_is_not_waited_for_for_ever() -> None:
    """The gateway was told another hour: after the patience the event goes on."""
    played = Played(mixed_event(), AT_SECONDS - 1)
    assert played.ending.problems == []
    assert played.ending.outcomes == [Outcome.COMPLETED]
    assert RESTART_AWAITED <= min(played.received) <= RESTART_AWAITED + timedelta(seconds=6)


def test_what_can_go_before_the_lead_begins_goes() -> None:
    """Two seconds are enough, and the restart afterwards changes nothing."""
    played = Played(mixed_event(), AT_SECONDS - LEAD_SECONDS - 2, COMES)
    assert played.ending.problems == []
    assert played.ending.outcomes == [Outcome.COMPLETED]
    assert max(played.received) < -timedelta(seconds=LEAD_SECONDS)
    assert played.waits == []


def test_a_dry_run_does_not_wait() -> None:
    """It sends nothing that could be lost."""
    targets = [{"symbol": symbol, "weight": weight} for symbol, weight in WEIGHTS.items()]
    played = Played(event_text(account=ACCOUNT, targets=targets, dry_run=True), AT_SECONDS - 5, COMES)
    assert played.ending.problems == []
    [record] = played.ending.records
    assert record.outcome is Outcome.COMPLETED
    assert record.closed_at is not None
    assert record.closed_at < RESTART
    assert played.received == []
