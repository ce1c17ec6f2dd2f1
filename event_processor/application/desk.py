"""What everybody who works on an account shares: the ports, the session, the clock, the waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from event_processor.application.accounts import AccountRules
from event_processor.application.bell import Bell
from event_processor.application.book import Book
from event_processor.application.leases import Leases
from event_processor.application.logins import Logins
from event_processor.application.session_keeper import SessionKeeper
from event_processor.domain.ids import EventKey
from event_processor.ports import Broker, Clock, Journal, Observer, Pause


@dataclass(frozen=True, slots=True)
class TradingSettings:
    """Waits and bounds of trading, in seconds unless named otherwise.

    `order_timeout`: how long an order may stay open. `acknowledge_timeout`: how long the broker may take to
    say anything about a sent order before we ask. `visibility_delay`: how long an order may be invisible to
    look-ups after it was sent or after a reconnect. `settle`: how long positions and executions may lag.
    `doubt_patience`: how long we look for a doubtful order, session ready, before a person is asked.
    `session_patience`: how long a run with orders out waits for the session before it leaves the account to whoever
    has one. `store_patience`: how long a journal write is repeated. `batch`: orders per durable write. `plan_age`:
    how old a plan may be when its first order leaves.
    """

    order_timeout: float = 120.0
    acknowledge_timeout: float = 10.0
    visibility_delay: float = 5.0
    settle: float = 5.0
    doubt_patience: float = 60.0
    session_patience: float = 30.0
    store_patience: float = 60.0
    cancel_timeout: float = 10.0
    retry: float = 5.0
    batch: int = 20
    plan_age: float = 30.0


class Pauses:
    """The pauses in force as last read; the journal checks them again in the very write before a send."""

    def __init__(self) -> None:
        self._stored: tuple[Pause, ...] = ()
        self._ours: dict[str, Pause] = {}
        self._durable: dict[str, int] = {}
        self._named: set[EventKey] = set()
        self._reading = 0

    @property
    def current(self) -> tuple[Pause, ...]:
        """What is stored, and our own holds that were not yet seen in the store."""
        return (*self._stored, *self._ours.values())

    def reading(self) -> int:
        """The number of a reading of the store that begins now."""
        self._reading += 1
        return self._reading

    def replace(self, pauses: Sequence[Pause], reading: int) -> bool:
        """Take note of what a reading found; True when something changed. A hold of ours gives way to a reading
        that shows it, and to one begun after it was stored that does not: then somebody has lifted it."""
        before, self._stored = self.current, tuple(pauses)
        self._note(*pauses)
        shown = {pause.scope for pause in pauses}
        for scope in tuple(self._ours):
            if scope in shown or self._durable.get(scope, reading) < reading:
                del self._ours[scope]
        return before != self.current

    def hold(self, pause: Pause) -> None:
        """In force from now on, whatever an older reading of the store says."""
        self._note(pause)
        self._ours[pause.scope] = pause
        self._durable.pop(pause.scope, None)

    def stored(self, pause: Pause) -> None:
        """The hold is in the store now; readings from here on see it, or see that it was lifted."""
        self._durable[pause.scope] = self._reading

    def ever_named(self, event: EventKey) -> bool:
        """Whether a hold named this event since our start, lifted or not."""
        return event in self._named

    def _note(self, *pauses: Pause) -> None:
        self._named.update(event for pause in pauses if pause.held for event in pause.events)

    def on(self, account: str) -> Pause | None:
        """The pause that stops this account, if any."""
        return next((pause for pause in self.current if pause.scope in {"all", account}), None)


@dataclass(slots=True)
class StoreWatch:
    """Whether the last journal write was refused or went unanswered: a full store still answers reads."""

    failing: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """Wired once in `bootstrap`; passed to whoever trades."""

    broker: Broker
    journal: Journal
    clock: Clock
    observer: Observer
    session: SessionKeeper
    leases: Leases
    logins: Logins
    rules: AccountRules
    pauses: Pauses
    book: Book
    bell: Bell
    settings: TradingSettings
    store: StoreWatch = field(default_factory=StoreWatch)
    turnstile: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from taking order ids to sending them, one batch at a time over all accounts."""
