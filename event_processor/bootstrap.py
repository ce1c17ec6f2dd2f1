"""The composition root: settings in, a wired processor out. The only file that knows every part."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from event_processor import __version__
from event_processor.accounts import load_accounts
from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker
from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.adapters.notifiers.deadman import Deadman
from event_processor.adapters.notifiers.notifier import Notifier
from event_processor.adapters.notifiers.quiet import QuietHours
from event_processor.adapters.notifiers.receivers import open_receivers
from event_processor.adapters.notifiers.tally import Tally
from event_processor.adapters.notifiers.words import Words
from event_processor.adapters.observers.fanout import Fanout
from event_processor.adapters.observers.logs import LogObserver
from event_processor.adapters.observers.metrics import Metrics
from event_processor.adapters.observers.plain import mask
from event_processor.adapters.observers.timeline import Timeline
from event_processor.adapters.redis.commands import RedisCommands
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.contract_store import RedisContracts
from event_processor.adapters.redis.events import RedisEvents
from event_processor.adapters.redis.inbox import RedisInbox
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.adapters.redis.outcomes import RedisOutcomes
from event_processor.adapters.redis.reminders import RedisReminders
from event_processor.adapters.redis.views import RedisViews
from event_processor.application.accounts import AccountRules
from event_processor.application.bell import Bell
from event_processor.application.book import Book
from event_processor.application.commands import run_commands
from event_processor.application.desk import Desk, Pauses, TradingSettings
from event_processor.application.health import health
from event_processor.application.intake import Intake, IntakeSettings
from event_processor.application.leases import Leases
from event_processor.application.login_watch import LoginWatch, WatchSettings
from event_processor.application.logins import Logins
from event_processor.application.recovery import suspected
from event_processor.application.session_keeper import KeeperSettings, SessionKeeper
from event_processor.application.status import run_status
from event_processor.application.step_back import PAUSE_SECONDS_MAX
from event_processor.application.supervisor import Supervisor
from event_processor.domain.record import EventRecord
from event_processor.domain.topics import Topic
from event_processor.domain.weekly import GatewayHours
from event_processor.ports import Broker, Clock, Journal, Observer
from event_processor.settings import Settings
from healthcheck.report import Report


@dataclass(frozen=True, slots=True)
class Processor:
    """A wired processor: run it, ask it for its health, show its metrics."""

    supervisor: Supervisor
    health: Callable[[], Report]
    registry: CollectorRegistry


def build(settings: Settings) -> Processor:
    """Wire everything; connects to nothing yet. Raises ConfigurationError for an unusable accounts file."""
    clock = SystemClock()
    link = RedisLink(settings.redis_url.get_secret_value(), password=_password(settings))
    journal, views = RedisJournal(link), RedisViews(link)
    hours = gateway_hours(settings)
    metrics = Metrics(clock, hours=hours)
    timeline = Timeline(views, clock, metrics.registry)
    notifier = _notifier(settings, clock, metrics.registry)
    observer = Fanout(LogObserver(), metrics, timeline, *([notifier] if notifier else []))
    broker = _broker(settings, clock, RedisContracts(link))
    desk = make_desk(broker, journal, clock, observer, settings)
    logins = _login_watch(settings, desk, RedisReminders(link, settings.consumer_name, clock), hours)
    inbox = RedisInbox(link, settings.consumer_name, settings.lease_seconds)

    def intake(dispatch: Callable[[EventRecord], None]) -> Intake:
        limits = IntakeSettings(
            ttl_seconds=settings.event_ttl_seconds,
            delivery_limit=settings.delivery_limit,
            renew_seconds=settings.lease_seconds / 3,
        )
        return Intake(
            inbox, journal, desk.rules, clock, observer, desk.bell, dispatch, limits, partial(suspected, desk)
        )

    def report() -> Report:
        return health(desk, store_lost=supervisor.store_lost)

    about = {
        "version": __version__,
        "trading_mode": settings.trading_mode,
        "consumer": settings.consumer_name,
        "gateway_window": settings.novnc_url,
    }
    supervisor = Supervisor(
        desk,
        RedisOutcomes(link),
        intake,
        version=__version__,
        trading_mode=settings.trading_mode,
        background=(
            timeline.run,
            broker.keep_warm,
            lambda: run_commands(RedisCommands(link, settings.consumer_name), RedisEvents(link), desk),
            lambda: run_status(views, desk, report, lambda: supervisor.processors, about, logins.document),
            logins.run,
            *_pings(settings, lambda: not supervisor.store_lost),
        ),
        on_stop=(*([notifier.close] if notifier else []), timeline.flush, link.close),
    )
    return Processor(supervisor, report, metrics.registry)


def make_desk(broker: Broker, journal: Journal, clock: Clock, observer: Observer, settings: Settings) -> Desk:
    """What everybody who trades shares, over any broker, journal and clock."""
    bell, book = Bell(), Book(clock)
    broker.subscribe(book.note)
    rules = load_accounts(settings.accounts_file) if settings.accounts_file else None
    hours, window = gateway_hours(settings), settings.novnc_url
    pauses = settings.session_policy == "yield" and settings.gateway_host != ""
    keeping = KeeperSettings(step_back=PAUSE_SECONDS_MAX if pauses else 0.0)
    session = SessionKeeper(
        broker, clock, observer, bell, jitter=random.random, hours=hours, gateway_window=window, settings=keeping
    )
    name, lease = settings.consumer_name, settings.lease_seconds
    return Desk(
        broker=broker,
        journal=journal,
        clock=clock,
        observer=observer,
        session=session,
        leases=Leases(journal, clock, observer, bell, owner=name, seconds=lease),
        logins=Logins(journal, clock, session, bell, processor=name, seconds=lease),
        rules=AccountRules(settings.trading_mode, rules),
        pauses=Pauses(),
        book=book,
        bell=bell,
        settings=TradingSettings(
            order_timeout=settings.order_timeout_seconds,
            acknowledge_timeout=settings.acknowledge_timeout_seconds,
            visibility_delay=settings.visibility_delay_seconds,
            settle=settings.settle_seconds,
            plan_age=float(settings.quote_age_seconds_max),
        ),
    )


def _notifier(settings: Settings, clock: Clock, registry: CollectorRegistry) -> Notifier | None:
    receivers = open_receivers(settings.notify_targets, f"rebalancer {settings.trading_mode}")
    if not receivers:
        return None
    secrets, quiet = settings.secrets(), settings.quiet_hours
    words = Words(
        mask=lambda text: str(mask(text, secrets)), login_url=settings.novnc_url, zone=quiet.zone if quiet else UTC
    )
    topics = frozenset(Topic) if settings.notify_topics is None else settings.notify_topics
    hours = QuietHours(quiet.start, quiet.end, quiet.zone) if quiet else None
    return Notifier(receivers, words, clock, Tally(registry), topics=topics, quiet=hours)


def _pings(settings: Settings, alive: Callable[[], bool]) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    if settings.deadman_url is None:
        return []
    return [Deadman(settings.deadman_url.get_secret_value(), settings.deadman_seconds, alive).run]


def gateway_hours(settings: Settings) -> GatewayHours:
    """When the gateway restarts and its login ends, as it was told."""
    return GatewayHours(
        zone=settings.time_zone,
        restart=settings.auto_restart_time,
        cold_restart=settings.tws_cold_restart,
        restart_window=settings.restart_window,
        resets=settings.reset_windows,
        lead=timedelta(seconds=settings.restart_lead_seconds),
    )


def _login_watch(settings: Settings, desk: Desk, reminders: RedisReminders, hours: GatewayHours) -> LoginWatch:
    rhythm = WatchSettings(prompts_max=settings.login_prompts_max, overdue_hours=settings.login_overdue_hours)
    return LoginWatch(desk.session, desk.journal, desk.clock, desk.observer, desk.bell, reminders, hours, rhythm)


def _broker(settings: Settings, clock: Clock, contracts: RedisContracts) -> IbkrBroker:
    return IbkrBroker(
        IbkrSettings(
            host=settings.ib_host,
            port=settings.ib_port,
            behind=(settings.gateway_host, settings.gateway_port) if settings.gateway_host else None,
            client_id=settings.ib_client_id,
            connect_timeout_seconds=settings.ib_connect_timeout_seconds,
            request_timeout_seconds=settings.ib_request_timeout_seconds,
            messages_per_second=settings.ib_messages_per_second,
            market_data_lines=settings.ib_market_data_lines,
            allow_delayed=settings.allow_delayed_quotes,
        ),
        clock,
        contracts,
    )


def _password(settings: Settings) -> str | None:
    return settings.redis_password.get_secret_value() if settings.redis_password else None
