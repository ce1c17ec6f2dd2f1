"""The login watch at a keeper and its gateway double, for tests on virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn, cast

from event_processor.application.login_watch import LoginWatch, WatchSettings
from event_processor.application.session_keeper import KeeperSettings
from event_processor.domain.facts import Fact
from event_processor.domain.ids import AccountId
from event_processor.domain.record import EventRecord
from event_processor.domain.weekly import GatewayHours
from event_processor.errors import LoginRequired, StoreUnavailable
from event_processor.ports import Journal
from tests.support.keeping import Post, now

SETTINGS = WatchSettings()
SLOW = 60.0
WEEK_SECONDS = 7 * 24 * 3600.0


@dataclass
class Notes:
    """`Reminders` that live as long as the test; `away` while the store is."""

    told: set[str] = field(default_factory=set)
    away: bool = False

    async def first(self, what: str, seconds: float) -> bool:
        if self.away:
            raise StoreUnavailable
        assert seconds > WEEK_SECONDS
        new = what not in self.told
        self.told.add(what)
        return new


class Books:
    """`ports.Journal` as far as the watch may read it."""

    def __init__(self, records: Sequence[EventRecord] = ()) -> None:
        self.records = records

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"the watch has no business with {name}")

    async def open_records(self) -> Sequence[EventRecord]:
        return self.records

    async def last_closed(self, account: AccountId) -> Sequence[EventRecord]:
        assert account
        return ()


class Room(Post):
    """A keeper at a gateway, watched; `told` with the second at which it was."""

    def __init__(
        self,
        starts: datetime,
        hours: GatewayHours | None = None,
        settings: WatchSettings = SETTINGS,
        *,
        slow: bool = False,
        keeping: KeeperSettings | None = None,
    ) -> None:
        """With `slow` the keeper tries to connect about once in half a minute, for stories of days."""
        super().__init__(starts=starts, hours=hours, jitter=SLOW if slow else 0.5, settings=keeping)
        self.gateway.refuses = LoginRequired()
        self.told_at: list[tuple[float, Fact]] = []
        self.books, self.notes = Books(), Notes()
        self._settings = settings

    def observe(self, fact: Fact) -> None:
        self.told_at.append((now(), fact))

    def watch(self) -> LoginWatch:
        """A new one, as after a start of the processor."""
        journal = cast(Journal, self.books)
        return LoginWatch(self.keeper, journal, self.clock, self, self.bell, self.notes, self.hours, self._settings)

    def of(self, kind: type[Fact]) -> list[float]:
        """The seconds at which facts of this kind were told."""
        return [at for at, fact in self.told_at if isinstance(fact, kind)]

    def log_in(self) -> None:
        """The person approves."""
        self.gateway.refuses = None
