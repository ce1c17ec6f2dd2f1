"""Market hours: what IBKR's strings say, and when all contracts of a plan can be traded together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from event_processor.domain.contract import Contract, TradingInterval

RETRY_AFTER = timedelta(hours=1)
"""When to look again if the hours IBKR gave name no common opening; it gives a few days at a time."""

_OUTDATED_AFTER = timedelta(days=14)
_NAMES_SHOWN = 5
_NEW_YORK, _SATURDAY = ZoneInfo("America/New_York"), 5
_STOCK_HOURS = (time(9, 30), time(16))

_ZONES = {
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "CST": "America/Chicago",
    "CDT": "America/Chicago",
    "MST": "America/Denver",
    "PST": "America/Los_Angeles",
    "GMT": "Europe/London",
    "BST": "Europe/London",
    "MET": "Europe/Berlin",
    "MEZ": "Europe/Berlin",
    "CET": "Europe/Berlin",
    "EET": "Europe/Helsinki",
    "IST": "Asia/Kolkata",
    "HKT": "Asia/Hong_Kong",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "SGT": "Asia/Singapore",
    "AEST": "Australia/Sydney",
}
"""Short names in IBKR's contract details -> the place they mean. As zones of their own several of them
(EST, MST …) have no summer time, which is not what the exchange keeps."""


@dataclass(frozen=True, slots=True)
class MarketHours:
    """Whether all is open now; if not, from when on to look again, and why."""

    open: bool
    opens_at: datetime | None
    reason: str


def next_open(contracts: Iterable[Contract], now: datetime) -> MarketHours:
    """When all the contracts are open together: now, or the earliest such moment their hours show.

    Contracts whose hours IBKR did not give count as open, and so do those whose hours were all long ago. When the
    known hours do not reach to a common opening, `opens_at` is a moment to ask again.
    """
    known = [
        (contract.symbol, contract.liquid_hours)
        for contract in contracts
        if contract.liquid_hours is not None and not _long_over(contract.liquid_hours, now)
    ]
    closed = sorted({symbol for symbol, hours in known if not _is_open(hours, now)})
    if not closed:
        return MarketHours(open=True, opens_at=None, reason="the market is open")
    more = len(closed) - _NAMES_SHOWN
    names = ", ".join(closed[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    moments = sorted({interval.opens for _, hours in known for interval in hours if interval.opens > now})
    for moment in moments:
        if all(_is_open(hours, moment) for _, hours in known):
            return MarketHours(open=False, opens_at=moment, reason=f"the market is closed for {names}")
    reason = f"the market is closed for {names}, and the hours IBKR gave show no moment at which all are open"
    return MarketHours(open=False, opens_at=now + RETRY_AFTER, reason=reason)


def soonest_open(contracts: Iterable[Contract], now: datetime) -> MarketHours | None:
    """When the first of the contracts opens, or that one is open; None when their known hours do not reach so far."""
    known = [i for contract in contracts for i in contract.liquid_hours or () if i.closes > now]
    if not known:
        return None
    first = min(known, key=lambda interval: interval.opens)
    if first.opens <= now:
        return MarketHours(open=True, opens_at=first.opens, reason="the market is open")
    return MarketHours(open=False, opens_at=first.opens, reason="the market is closed")


def stock_hours(now: datetime) -> MarketHours:
    """The hours of stocks in New York, Monday to Friday, 9:30 to 16:00; holidays are not known here."""
    today = now.astimezone(_NEW_YORK).date()
    days = (today + timedelta(days=ahead) for ahead in range(4))
    sessions = [
        (datetime.combine(day, opens, _NEW_YORK).astimezone(UTC), datetime.combine(day, closes, _NEW_YORK))
        for day in days
        if day.weekday() < _SATURDAY
        for opens, closes in [_STOCK_HOURS]
    ]
    opens_at = next(opens for opens, closes in sessions if now < closes)
    return MarketHours(open=opens_at <= now, opens_at=opens_at, reason="the usual hours of stocks in New York")


def _long_over(hours: Sequence[TradingInterval], now: datetime) -> bool:
    """Whether these hours say nothing of today: IBKR gives those from today on, and no market rests for weeks."""
    return bool(hours) and all(interval.closes < now - _OUTDATED_AFTER for interval in hours)


def _is_open(hours: Iterable[TradingInterval], now: datetime) -> bool:
    return any(interval.opens <= now < interval.closes for interval in hours)


@lru_cache(maxsize=64)
def parse_hours(text: str, time_zone: str) -> tuple[TradingInterval, ...] | None:
    """IBKR's `liquidHours` or `tradingHours` (TWS API, ContractDetails) as intervals in UTC.

    Both spellings are read: `20260105:0930-20260105:1600;20260106:CLOSED`, and the older
    `20090507:0700-1830,1830-2330;20090508:CLOSED`. None when the text is empty or cannot be read as a
    whole: half-known hours would defer trades for no reason. Cached: hundreds of contracts share a few texts.
    """
    zone = read_zone(time_zone)
    days = [day for day in text.strip().split(";") if day]
    if zone is None or not days:
        return None
    try:
        return tuple(sorted((i for day in days for i in _day(day, zone)), key=lambda i: i.opens))
    except ValueError:
        return None


def read_zone(name: str) -> ZoneInfo | None:
    """The time zone IBKR names: `US/Eastern`, `MET`, `EST (Eastern Standard Time)`; None if nobody knows it."""
    short = name.partition("(")[0].strip()
    try:
        return ZoneInfo(_ZONES.get(short, short))
    except (KeyError, ValueError, OSError):
        return None


def _day(text: str, zone: ZoneInfo) -> list[TradingInterval]:
    named, _, rest = text.strip().partition(":")
    day = datetime.strptime(named, "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
    if rest == "CLOSED":
        return []
    intervals = []
    for part in rest.split(","):
        opens, closes = part.split("-")
        interval = TradingInterval(_moment(opens, day, zone), _moment(closes, day, zone))
        if interval.closes <= interval.opens:
            raise ValueError(f"closes before it opens: {text}")
        intervals.append(interval)
    return intervals


def _moment(text: str, day: date, zone: ZoneInfo) -> datetime:
    named, _, clock = text.rpartition(":")
    if named:
        day = datetime.strptime(named, "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
    if clock == "2400":
        day, clock = day + timedelta(days=1), "0000"
    at = datetime.strptime(clock, "%H%M").time()  # noqa: DTZ007 - the zone is joined below
    return datetime.combine(day, at, zone).astimezone(UTC)


def in_daily_window(now: datetime, start: time, end: time, zone: tzinfo) -> bool:
    """Whether the wall clock in `zone` is within [start, end); a window may reach over midnight."""
    clock = now.astimezone(zone).time()
    if start <= end:
        return start <= clock < end
    return clock >= start or clock < end
