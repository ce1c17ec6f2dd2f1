"""When the gateway restarts, until when its login lasts, and when IBKR resets its servers.

All of it is told in wall clocks of some place and answered in UTC, also on the two days a year on which that
place's clock jumps: a moment that comes twice is two restarts, one that is skipped comes as much later.

Sources: ibkrguides.com, auto restart considerations (tokens end on Sundays at 01:00 in New York, and the first
restart after that needs the second factor); IBC user guide, ColdRestartTime (Sundays only, the gateway's zone).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from event_processor.domain.schedule import in_daily_window
from event_processor.domain.session import ADVICE, SessionState

NEW_YORK = ZoneInfo("America/New_York")
TOKENS_END = time(1)
FRIDAY, SUNDAY = 4, 6
WEEK = timedelta(days=7)

RESTART_EARLY, RESTART_LATE = timedelta(minutes=1), timedelta(minutes=10)
"""How long before and after its time a restart is expected, when no `RESTART_WINDOW` says otherwise."""
RESTART_AWAITED = timedelta(minutes=5)
"""For how long after its time a restart that nobody has noticed is still waited for."""

RESETS_BY_REGION = {
    "america": "00:15-01:45 America/New_York",
    "europe": "06:25-07:45 Europe/Zurich",
    "asia": "04:45-06:05 Asia/Hong_Kong, 20:15-21:15 Asia/Hong_Kong",
}
"""IBKR's system status page, Sunday to Friday. Other clients go by other hours: docs/explanation/session.md."""
_WINDOW = re.compile(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s+(\S+)")


@dataclass(frozen=True, slots=True)
class DailyWindow:
    """A stretch of each day, in its own time zone, without its end; it may run over midnight."""

    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str) -> DailyWindow:
        """Read `23:45-00:45 America/New_York`; raises `ValueError` saying what is wrong."""
        match = _WINDOW.fullmatch(text.strip())
        if match is None:
            raise ValueError("must look like 23:45-00:45 America/New_York")
        try:
            start, end = (datetime.strptime(word, "%H:%M").time() for word in match.groups()[:2])  # noqa: DTZ007
        except ValueError:
            raise ValueError("must have hours from 00:00 to 23:59") from None
        if start == end:
            raise ValueError("must not begin and end at the same minute")
        try:
            return cls(start, end, ZoneInfo(match[3]))
        except (KeyError, ValueError, OSError):
            raise ValueError(f"names no time zone of the IANA list: {match[3]}") from None

    def holds(self, now: datetime) -> bool:
        """Whether `now` is in it."""
        return in_daily_window(now, self.start, self.end, self.zone)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.zone.key}"


WEEKEND_RESET = DailyWindow(time(23), time(3), NEW_YORK)
"""In the night from Friday to Saturday, everywhere (same page)."""


@dataclass(frozen=True, slots=True)
class ResetWindows:
    """When IBKR resets its servers each day, for one region or as somebody has listed it."""

    windows: tuple[DailyWindow, ...] = ()

    @classmethod
    def parse(cls, text: str) -> ResetWindows:
        """Read a region of `RESETS_BY_REGION` or windows divided by commas; raises `ValueError`."""
        listed = RESETS_BY_REGION.get(text.strip().lower(), text)
        return cls(tuple(DailyWindow.parse(part) for part in listed.split(",")))

    def at(self, now: datetime) -> str:
        """The window that `now` is in, the weekend's included, in words; empty when it is in none."""
        evening = now.astimezone(NEW_YORK) - timedelta(hours=WEEKEND_RESET.end.hour)
        if WEEKEND_RESET.holds(now) and evening.weekday() == FRIDAY:
            return f"the night to Saturday, {WEEKEND_RESET}"
        return next((str(window) for window in self.windows if window.holds(now)), "")

    def __str__(self) -> str:
        return ", ".join(map(str, self.windows))


@dataclass(frozen=True, slots=True)
class GatewayHours:
    """The hours one gateway is set to. `restart` comes daily and `cold_restart` on Sundays, by `zone`'s clock;
    nothing new is sent from `lead` before either."""

    zone: ZoneInfo = NEW_YORK
    restart: time | None = None
    cold_restart: time | None = None
    restart_window: DailyWindow | None = None
    resets: ResetWindows = ResetWindows()
    lead: timedelta = timedelta(minutes=5)

    def login_deadline(self, now: datetime) -> datetime:
        """The first moment after `now` at which the login needs the second factor again."""
        clock, zone = (TOKENS_END, NEW_YORK) if self.cold_restart is None else (self.cold_restart, self.zone)
        today = now.astimezone(zone).date()
        sunday = today + timedelta(days=(SUNDAY - today.weekday()) % 7)
        coming = (moments(day, clock, zone)[0] for day in (sunday, sunday + WEEK))
        return next(at for at in coming if at > now)

    def next_restart(self, now: datetime) -> datetime | None:
        """The first restart after `now`; None when no hour for one is set."""
        return min((at for at in self._restarts(now) if at > now), default=None)

    def last_restart(self, now: datetime) -> datetime | None:
        """The last restart up to `now`, as far back as a day; None when there was none."""
        return max((at for at in self._restarts(now) if at <= now), default=None)

    def awaited_restart(self, now: datetime, connected_at: datetime | None) -> datetime | None:
        """The restart because of which nothing new may be sent at `now`, on a connection made at `connected_at`
        (None: there is none): it comes within `lead`, or should have come and we have not reconnected since."""
        if not self.lead:
            return None
        coming, last = self.next_restart(now), self.last_restart(now)
        if coming is not None and coming - now <= self.lead:
            return coming
        if last is not None and now < last + RESTART_AWAITED and (connected_at is None or connected_at < last):
            return last
        return None

    def restart_expected(self, now: datetime) -> bool:
        """Whether a connection lost now comes back by itself. Not around the restart that needs the second factor:
        a person has to be called then."""
        near = [at for at in self._restarts(now) if at - RESTART_EARLY <= now < at + RESTART_LATE]
        if any(self._asks_for_login(at) for at in near):
            return False
        return bool(near) if self.restart_window is None else self.restart_window.holds(now)

    def _asks_for_login(self, restart: datetime) -> bool:
        """Whether this restart is the one on Sunday that was chosen for the login, or else the first after the end
        of the login."""
        just_before = restart - timedelta(seconds=1)
        since = just_before if self.cold_restart is not None else self.last_restart(just_before)
        return since is None or self.login_deadline(since) <= restart

    def _restarts(self, now: datetime) -> Iterator[datetime]:
        yield from self._daily(now)
        if self.cold_restart is not None:
            today = now.astimezone(self.zone).date()
            for day in (today + timedelta(days=ahead) for ahead in range(-1, 8)):
                if day.weekday() == SUNDAY:
                    yield from moments(day, self.cold_restart, self.zone)

    def _daily(self, now: datetime) -> Iterator[datetime]:
        if self.restart is not None:
            today = now.astimezone(self.zone).date()
            for ahead in (-1, 0, 1, 2):
                yield from moments(today + timedelta(days=ahead), self.restart, self.zone)


def moments(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, ...]:
    """When the clock of `zone` shows this on that day, in UTC: twice when it is set back over it, and when it is
    set forward over it, as much later."""
    shown = datetime.combine(day, clock)
    both = {shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    real = sorted(at for at in both if at.astimezone(zone).replace(tzinfo=None) == shown)
    return tuple(real) or (max(both),)


def read_clock(text: str) -> time:
    """Read `11:59 PM` or `23:59`; raises `ValueError` saying what is wrong."""
    words = text.strip().upper()
    for form in ("%I:%M %p", "%I:%M%p", "%H:%M"):
        try:
            return datetime.strptime(words, form).time()  # noqa: DTZ007 - an hour of the day has no zone
        except ValueError:
            continue
    raise ValueError("must look like 11:59 PM or 23:59")


def advice(state: SessionState, now: datetime, hours: GatewayHours, gateway_window: str) -> str:
    """What the state means at this hour, and what a person can do; `gateway_window` is where its window is seen."""
    reset = hours.resets.at(now)
    if state is SessionState.AWAITING_LOGIN and gateway_window:
        return f"{ADVICE[state]} The gateway window: {gateway_window}"
    if reset and state in {SessionState.LINK_LOST, SessionState.CONTENDED}:
        return f"{ADVICE[state]} IBKR resets its servers about now ({reset}): a link lost meanwhile is expected."
    return ADVICE[state]
