"""From a fact to a phone: the observer, its couriers and real servers together."""

from __future__ import annotations

import asyncio
import io
import logging
import time

from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.notifiers.notifier import Notifier
from event_processor.adapters.notifiers.receivers import open_receivers
from event_processor.adapters.notifiers.tally import Tally
from event_processor.adapters.observers.fanout import Fanout
from event_processor.adapters.observers.logs import configure_logging
from event_processor.adapters.observers.metrics import Metrics
from event_processor.domain import facts
from event_processor.domain.record import Outcome
from event_processor.settings import Settings
from tests.support.notices import ACCOUNT, WORDS, closed
from tests.support.receiving import mail_receiver, silent_port, web_receiver

FACTS = 2_000
MEAN_SECONDS_MAX = 0.001


def notifier(*urls: str, registry: CollectorRegistry | None = None, stop_seconds: float = 3.0) -> Notifier:
    receivers = open_receivers(urls, "rebalancer paper", seconds=2.0)
    return Notifier(receivers, WORDS, SystemClock(), Tally(registry or CollectorRegistry()), stop_seconds=stop_seconds)


async def test_both_receivers_get_both_messages_in_order() -> None:
    """By web hook and by mail: what is urgent first, the account masked, the advice with it."""
    registry = CollectorRegistry()
    async with web_receiver() as web, mail_receiver() as mail:
        telling = notifier(web.url, mail.url, registry=registry)
        telling.observe(closed(event_id="e1"))
        telling.observe(closed(Outcome.NEEDS_REVIEW, event_id="e2", reason="Not proven either way."))
        await telling.close()
        titles = ["rebalancer paper: Event e2: needs review", "rebalancer paper: Event e1: done"]
        assert web.titles == titles
        assert [one["Subject"] for one in mail.mails] == titles
        assert "DU***567" in web.posted[0]["message"]
        assert "rebalancer reconcile" in web.posted[0]["message"]
        assert ACCOUNT not in str(web.posted)
    value = registry.get_sample_value("rebalancer_notifications_total", {"topic": "review", "outcome": "sent"})
    assert value == 2


async def test_facts_pass_at_once_while_the_receiver_hangs() -> None:
    """Thousands of facts cost microseconds each, the other instruments hear them all, and the stop is bounded."""
    async with silent_port() as port:
        metrics = Metrics(SystemClock())
        telling = notifier(f"json://127.0.0.1:{port}?rto=60", stop_seconds=0.5)
        everybody = Fanout(metrics, telling)
        everybody.observe(facts.AccountHeld(account=ACCOUNT, reason="x"))
        await asyncio.sleep(0.2)
        before = time.perf_counter()
        for number in range(FACTS):
            everybody.observe(closed(event_id=f"e{number}"))
        mean = (time.perf_counter() - before) / FACTS
        started = time.perf_counter()
        await telling.close()
        stopped = time.perf_counter() - started
    assert metrics.registry.get_sample_value("rebalancer_events_total", {"outcome": "completed"}) == FACTS
    assert mean < MEAN_SECONDS_MAX
    assert stopped < 1.5


async def test_a_receiver_that_comes_back_gets_what_it_missed() -> None:
    """What failed is tried again as soon as there is something urgent."""
    async with web_receiver() as web:
        web.status = 503
        telling = notifier(web.url)
        with capture_logs() as logs:
            telling.observe(closed(event_id="e1"))
            async with asyncio.timeout(5):
                while not logs:
                    await asyncio.sleep(0.01)
        web.status = 200
        telling.observe(facts.AccountHeld(account=ACCOUNT, reason="x"))
        await telling.close()
        assert set(web.titles) == {"rebalancer paper: Account DU***567 is held", "rebalancer paper: Event e1: done"}


async def test_nothing_of_a_url_reaches_the_log_at_any_level() -> None:
    """With everything logged, a failing and a working receiver leave no secret and no path in the log."""
    log, root = io.StringIO(), logging.getLogger()
    kept = (list(root.handlers), root.level)
    async with web_receiver() as web:
        settings = Settings.load({"NOTIFY_URLS": web.url})
        configure_logging("debug", "json", secrets=settings.secrets(), stream=log)
        try:
            web.status = 500
            telling = notifier(web.url)
            telling.observe(closed())
            await asyncio.wait_for(web.heard.wait(), 5)
            web.status = 200
            await telling.close()
        finally:
            root.handlers[:], root.level = kept
    assert "notifications.failing" in log.getvalue()
    assert not [secret for secret in ("bob", "opensesame", "hook-a1b2c3d4") if secret in log.getvalue()]
