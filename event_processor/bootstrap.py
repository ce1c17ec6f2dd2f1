"""The composition root: settings in, a wired processor out. The only file that knows every part."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from event_processor import __version__
from event_processor.accounts import load_accounts
from event_processor.adapters.clock import SystemClock
from event_processor.adapters.ibkr.gateway import IbkrBroker
from event_processor.adapters.ibkr.options import IbkrSettings
from event_processor.adapters.observers.fanout import Fanout
from event_processor.adapters.observers.logs import LogObserver
from event_processor.adapters.observers.metrics import Metrics
from event_processor.adapters.observers.timeline import Timeline
from event_processor.adapters.redis.commands import RedisCommands
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.contract_store import RedisContracts
from event_processor.adapters.redis.events import RedisEvents
from event_processor.adapters.redis.inbox import RedisInbox
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.adapters.redis.outcomes import RedisOutcomes
from event_processor.adapters.redis.views import RedisViews
from event_processor.application.accounts import AccountRules
from event_processor.application.bell import Bell
from event_processor.application.book import Book
from event_processor.application.commands import run_commands
from event_processor.application.desk import Desk, Pauses, TradingSettings
from event_processor.application.health import health
from event_processor.application.intake import Intake, IntakeSettings
from event_processor.application.leases import Leases
from event_processor.application.session_keeper import SessionKeeper
from event_processor.application.status import run_status
from event_processor.application.supervisor import Supervisor
from event_processor.domain.record import EventRecord
from event_processor.domain.schedule import in_daily_window
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
    metrics = Metrics(clock)
    timeline = Timeline(views, clock, metrics.registry)
    observer = Fanout(LogObserver(), metrics, timeline)
    broker = _broker(settings, clock, RedisContracts(link))
    desk = make_desk(broker, journal, clock, observer, settings)
    inbox = RedisInbox(link, settings.consumer_name, settings.lease_seconds)

    def intake(dispatch: Callable[[EventRecord], None]) -> Intake:
        limits = IntakeSettings(
            ttl_seconds=settings.event_ttl_seconds,
            delivery_limit=settings.delivery_limit,
            renew_seconds=settings.lease_seconds / 3,
        )
        return Intake(inbox, journal, desk.rules, clock, observer, desk.bell, dispatch, limits)

    def report() -> Report:
        return health(desk, store_lost=supervisor.store_lost)

    about = {"version": __version__, "trading_mode": settings.trading_mode, "consumer": settings.consumer_name}
    supervisor = Supervisor(
        desk,
        RedisOutcomes(link),
        intake,
        version=__version__,
        trading_mode=settings.trading_mode,
        background=(
            timeline.run,
            broker.keep_warm,
            lambda: run_commands(RedisCommands(link), RedisEvents(link), desk),
            lambda: run_status(views, desk, report, lambda: supervisor.processors, about),
        ),
        on_stop=(timeline.flush, link.close),
    )
    return Processor(supervisor, report, metrics.registry)


def make_desk(broker: Broker, journal: Journal, clock: Clock, observer: Observer, settings: Settings) -> Desk:
    """What everybody who trades shares, over any broker, journal and clock."""
    bell, book = Bell(), Book(clock)
    broker.subscribe(book.note)
    rules = load_accounts(settings.accounts_file) if settings.accounts_file else None
    return Desk(
        broker=broker,
        journal=journal,
        clock=clock,
        observer=observer,
        session=SessionKeeper(
            broker, clock, observer, bell, jitter=random.random, restarting=_restarting(settings, clock)
        ),
        leases=Leases(
            journal,
            clock,
            observer,
            bell,
            owner=settings.consumer_name,
            seconds=settings.lease_seconds,
        ),
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


def _restarting(settings: Settings, clock: Clock) -> Callable[[], bool]:
    window = settings.restart_window
    if window is None:
        return lambda: False
    return lambda: in_daily_window(clock.now(), window.start, window.end, window.zone)


def _broker(settings: Settings, clock: Clock, contracts: RedisContracts) -> IbkrBroker:
    return IbkrBroker(
        IbkrSettings(
            host=settings.ib_host,
            port=settings.ib_port,
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
