from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from event_processor.adapters.observers.fanout import Fanout
from event_processor.adapters.observers.logs import LogObserver, configure_logging
from event_processor.adapters.observers.metrics import Metrics
from event_processor.adapters.observers.plain import mask
from event_processor.adapters.observers.timeline import Timeline
from event_processor.domain import facts
from event_processor.domain.ids import AccountId, EntryId, EventKey
from event_processor.domain.order import Side
from event_processor.domain.record import Outcome
from event_processor.domain.session import SessionState
from event_processor.domain.weekly import GatewayHours
from event_processor.errors import StoreUnavailable
from tests.support.virtual_time import run_virtual

KEY = EventKey("k1")
ACCOUNT = AccountId("DU1234567")
START = datetime(2026, 1, 5, 15, tzinfo=UTC)


class HandClock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()


class Recorder:
    """An observer that remembers, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.facts: list[facts.Fact] = []
        self._error = error

    def observe(self, fact: facts.Fact) -> None:
        self.facts.append(fact)
        if self._error:
            raise self._error


class TimelineDouble:
    """A store for timelines that is away while `away` holds."""

    def __init__(self) -> None:
        self.away = False
        self.calls = 0
        self.lines: list[tuple[EventKey, Mapping[str, Any]]] = []

    async def append_timeline(self, key: EventKey, items: Sequence[Mapping[str, Any]]) -> None:
        self.calls += 1
        if self.away:
            raise StoreUnavailable
        self.lines += [(key, item) for item in items]


def claimed(key: str = "k1") -> facts.EventClaimed:
    return facts.EventClaimed(key=EventKey(key), event_id="e", account=ACCOUNT, entry_id=EntryId("1-0"), resumed=False)


def closed(outcome: Outcome = Outcome.COMPLETED) -> facts.EventClosed:
    return facts.EventClosed(
        key=KEY, event_id="e", account=ACCOUNT, outcome=outcome, reason_code="", reason="", seconds=3, summary={}
    )


def order(kind: type[facts.OrderFact], **more: object) -> facts.OrderFact:
    return kind(
        key=KEY,
        event_id="e",
        account=ACCOUNT,
        order_ref="rb0-001-1",
        symbol="SPY",
        side=Side.BUY,
        quantity=Decimal("5.50"),
        **more,
    )


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Where the log goes, in JSON; the logging of the tests is put back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logging("info", "json", secrets=["hunter2"], stream=stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("DU1234567", "DU***567"),
        ("account U7654321, then", "account U***321, then"),
        ("DU1234567,DF7654321", "DU***567,DF***321"),
        ("rb0123456789abcdef-001-1", "rb0123456789abcdef-001-1"),
        ("SPY 100", "SPY 100"),
    ],
)
def test_account_numbers_are_masked_inside_any_text(text: str, masked: str) -> None:
    """Account numbers lose their middle; references and symbols stay readable."""
    assert mask(text) == masked


def test_a_fact_is_one_json_line_under_its_name(log: io.StringIO) -> None:
    """Level, time and fields are there, decimals exact, the account masked."""
    LogObserver().observe(order(facts.OrderDone, ending="filled", filled=Decimal("5.50"), note=""))
    (line,) = lines(log)
    assert (line["event"], line["level"], line["account"]) == ("order.done", "info", "DU***567")
    assert (line["quantity"], line["side"], line["timestamp"][-1]) == ("5.50", "BUY", "Z")


def test_secrets_and_accounts_never_reach_the_log(log: io.StringIO) -> None:
    """Not in nested summaries, not in what libraries say, not in tracebacks."""
    fact = closed()
    object.__setattr__(fact, "summary", {"DU1234567": [{"url": "redis://:hunter2@h"}]})
    LogObserver().observe(fact)
    logging.getLogger("some.library").error("failed for %s with hunter2", ACCOUNT)
    error = RuntimeError("hunter2 DU1234567")
    structlog.get_logger().error("broke", exc_info=error)
    assert len(lines(log)) == 3
    assert "hunter2" not in log.getvalue()
    assert "1234567" not in log.getvalue()
    assert "RuntimeError" in lines(log)[2]["exception"]


def test_lesser_levels_are_left_out(log: io.StringIO) -> None:
    """At info neither debug lines nor the chatter of libraries are written."""
    structlog.get_logger().debug("detail")
    logging.getLogger("ib_async.client").info("connected")
    logging.getLogger("ib_async.client").error("what our own facts already say")
    logging.getLogger("asyncio").warning("odd")
    assert [line["event"] for line in lines(log)] == ["odd"]


def test_the_console_style_is_for_people(log: io.StringIO) -> None:
    """The same facts without JSON."""
    stream = io.StringIO()
    configure_logging("info", "console", stream=stream)
    LogObserver().observe(claimed())
    assert "event.claimed" in stream.getvalue()
    assert "DU***567" in stream.getvalue()
    assert "{" not in stream.getvalue()


def test_a_failing_observer_harms_nobody_and_is_logged_once(log: io.StringIO) -> None:
    """The others hear every fact, before and after."""
    first, broken, last = Recorder(), Recorder(ValueError("full")), Recorder()
    fanout = Fanout(first, broken, last)
    for _ in range(3):
        fanout.observe(claimed())
    assert [len(recorder.facts) for recorder in (first, broken, last)] == [3, 3, 3]
    (line,) = lines(log)
    assert (line["event"], line["observer"], line["fact"]) == ("observer.failed", "Recorder", "event.claimed")


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_events_and_orders_are_counted() -> None:
    """By outcome and side; outcomes that have not happened show 0."""
    metrics = Metrics(HandClock())
    metrics.observe(closed())
    metrics.observe(order(facts.OrderDone, ending="filled", filled=Decimal(5), note=""))
    assert value(metrics, "rebalancer_events_total", outcome="completed") == 1
    assert value(metrics, "rebalancer_events_total", outcome="failed") == 0
    assert value(metrics, "rebalancer_event_duration_seconds_sum") == 3
    assert value(metrics, "rebalancer_orders_total", side="BUY", outcome="filled") == 1


def test_doubt_is_counted_until_it_is_proven_away() -> None:
    """Looking again without a proof changes nothing; repeating the doubt counts it once."""
    metrics = Metrics(HandClock())
    name = "rebalancer_intents_unresolved"
    metrics.observe(order(facts.OrderOutcomeUnknown, reason="silent"))
    metrics.observe(order(facts.OrderOutcomeUnknown, reason="silent"))
    metrics.observe(order(facts.IntentReconciled, decision="wait", reason=""))
    assert value(metrics, name) == 1
    metrics.observe(order(facts.IntentReconciled, decision="adopt", reason=""))
    assert value(metrics, name) == 0


def test_the_oldest_open_event_has_an_age() -> None:
    """The age grows with the clock, survives a second claim and ends with the close."""
    clock = HandClock()
    metrics = Metrics(clock)
    name = "rebalancer_pending_event_age_seconds"
    assert value(metrics, name) == 0
    metrics.observe(claimed())
    clock.at += timedelta(seconds=40)
    metrics.observe(claimed())
    metrics.observe(claimed("k2"))
    assert value(metrics, name) == 40
    metrics.observe(closed())
    assert value(metrics, name) == 0


def test_the_session_is_in_exactly_one_state() -> None:
    """Every state has a series; one of them is 1."""
    metrics = Metrics(HandClock())
    metrics.observe(
        facts.SessionChanged(before=SessionState.DOWN, after=SessionState.READY, code=0, detail="", advice="")
    )
    shown = {state: value(metrics, "rebalancer_session_state", state=state.value) for state in SessionState}
    assert [state for state, found in shown.items() if found] == [SessionState.READY]
    assert None not in shown.values()


def test_no_metric_names_an_account_a_symbol_or_a_reference() -> None:
    """Labels are bounded and tell nothing private."""
    metrics = Metrics(HandClock())
    metrics.observe(order(facts.OrderDone, ending="filled", filled=Decimal(5), note=""))
    labels = {name for family in metrics.registry.collect() for one in family.samples for name in one.labels}
    assert labels == {"outcome", "side", "state", "version", "le"}


@pytest.mark.parametrize(
    ("hours", "deadline"),
    [
        (GatewayHours(), datetime(2026, 1, 11, 6, tzinfo=UTC)),
        (GatewayHours(cold_restart=time(9, 30)), datetime(2026, 1, 11, 14, 30, tzinfo=UTC)),
    ],
)
def test_the_deadline_of_the_login_follows_the_hour_chosen(hours: GatewayHours, deadline: datetime) -> None:
    """Sunday 01:00 in New York, or when the phone was told to ring."""
    metrics = Metrics(HandClock(), hours=hours)
    shown = metrics.registry.get_sample_value("rebalancer_login_deadline_timestamp_seconds")
    assert shown == deadline.timestamp()


def test_the_timeline_is_written_in_order_and_only_for_events() -> None:
    """Facts of an event become lines under its key; others are not the timeline's."""
    store = TimelineDouble()

    async def story() -> None:
        timeline = Timeline(store, HandClock(), CollectorRegistry())
        writer = asyncio.create_task(timeline.run())
        timeline.observe(claimed())
        timeline.observe(facts.StoreRestored())
        timeline.observe(closed())
        await asyncio.sleep(1)
        writer.cancel()

    run_virtual(story())
    assert [(key, line["name"]) for key, line in store.lines] == [(KEY, "event.claimed"), (KEY, "event.closed")]
    assert store.lines[0][1]["at"] == START.isoformat()


def test_the_timeline_waits_for_its_store_and_loses_nothing_meanwhile() -> None:
    """Tried again about once a second, then written once, in order."""
    store = TimelineDouble()
    store.away = True

    async def story() -> None:
        timeline = Timeline(store, HandClock(), CollectorRegistry())
        writer = asyncio.create_task(timeline.run())
        timeline.observe(claimed())
        await asyncio.sleep(10)
        timeline.observe(closed())
        store.away = False
        await asyncio.sleep(2)
        writer.cancel()

    run_virtual(story())
    assert [line["name"] for _, line in store.lines] == ["event.claimed", "event.closed"]
    assert store.calls <= 14


def test_a_full_timeline_drops_the_oldest_and_counts_them() -> None:
    """Memory is bounded while the store is away; the newest facts are kept."""
    store, registry = TimelineDouble(), CollectorRegistry()
    timeline = Timeline(store, HandClock(), registry, kept_max=3)
    for number in range(5):
        timeline.observe(claimed(f"k{number}"))
    asyncio.run(timeline.flush())
    assert [key for key, _ in store.lines] == ["k2", "k3", "k4"]
    assert registry.get_sample_value("rebalancer_timeline_dropped_total") == 2


def test_what_a_failed_flush_could_not_write_stays() -> None:
    """A flush that fails raises, and the next one writes the same lines."""
    store = TimelineDouble()
    timeline = Timeline(store, HandClock(), CollectorRegistry())
    timeline.observe(claimed())
    store.away = True
    with pytest.raises(StoreUnavailable):
        asyncio.run(timeline.flush())
    store.away = False
    asyncio.run(timeline.flush())
    assert len(store.lines) == 1
