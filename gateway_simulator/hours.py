"""When the market is open, and how IBKR writes that down.

Modes: `always` opens every contract round the clock, so that a demonstration works on any day;
`regular` is 09:30-16:00 New York (09:00-17:30 Frankfurt) from Monday to Friday; `closed_until` is
`always` from a number of seconds after the start on.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .clock import utc
from .universe import Listing

MODES = ("always", "regular", "closed_until")
DAYS_SHOWN = 6
DAYS_SEARCHED = 8

ZONES = {"US/Eastern": "America/New_York", "MET": "Europe/Berlin"}
"""IBKR's name -> the name that every time zone database has."""
LIQUID = {"US/Eastern": (time(9, 30), time(16)), "MET": (time(9), time(17, 30))}
TRADING = {"US/Eastern": (time(4), time(20)), "MET": (time(8), time(22))}

Session = tuple[datetime, datetime]


class Hours:
    """Sessions of every contract; `opening` is when a `closed_until` market opens."""

    def __init__(self, mode: str, start: float, closed_until_s: float = 0.0) -> None:
        if mode not in MODES:
            raise ValueError(f"hours {mode!r}: use one of {', '.join(MODES)}")
        self.mode = mode
        self._opening = start + closed_until_s

    def is_open(self, listing: Listing, now: float, *, outside_rth: bool = False) -> bool:
        """Whether orders in the contract are matched at `now`."""
        return any(begin <= utc(now) < end for begin, end in self._near(listing, now, outside_rth=outside_rth))

    def next_open(self, listing: Listing, now: float, *, outside_rth: bool = False) -> float:
        """The start of the next session, seconds since the epoch; `now` itself when the market is open."""
        if self.is_open(listing, now, outside_rth=outside_rth):
            return now
        sessions = self._near(listing, now, outside_rth=outside_rth)
        return min(begin.timestamp() for begin, _ in sessions if begin > utc(now))

    def next_close(self, listing: Listing, now: float, *, outside_rth: bool = False) -> float | None:
        """The end of the current or next session; None in a market that never closes."""
        if self.mode != "regular":
            return None
        sessions = self._near(listing, now, outside_rth=outside_rth)
        return min(end.timestamp() for _, end in sessions if end > utc(now))

    def liquid_hours(self, listing: Listing, now: float) -> str:
        """`liquidHours` of contract details: today and the five days after it."""
        return self._text(listing, now, outside_rth=False)

    def trading_hours(self, listing: Listing, now: float) -> str:
        """`tradingHours` of contract details."""
        return self._text(listing, now, outside_rth=True)

    def _near(self, listing: Listing, now: float, *, outside_rth: bool) -> list[Session]:
        today = utc(now).astimezone(_zone(listing)).date()
        days = (today + timedelta(days=n) for n in range(-1, DAYS_SEARCHED))
        sessions = (self._session(listing, day, outside_rth=outside_rth) for day in days)
        return [session for session in sessions if session is not None]

    def _session(self, listing: Listing, day: date, *, outside_rth: bool) -> Session | None:
        zone = _zone(listing)
        if self.mode == "regular":
            if day.weekday() > 4:
                return None
            begin, end = (TRADING if outside_rth else LIQUID)[listing.time_zone]
            return datetime.combine(day, begin, zone), datetime.combine(day, end, zone)
        midnight = datetime.combine(day, time(), zone)
        until = datetime.combine(day + timedelta(days=1), time(), zone)
        opening = utc(self._opening).astimezone(zone)
        if self.mode == "always" or opening <= midnight:
            return midnight, until
        return (opening, until) if opening < until else None

    def _text(self, listing: Listing, now: float, *, outside_rth: bool) -> str:
        today = utc(now).astimezone(_zone(listing)).date()
        parts = []
        for day in (today + timedelta(days=n) for n in range(DAYS_SHOWN)):
            session = self._session(listing, day, outside_rth=outside_rth)
            parts.append(f"{day:%Y%m%d}:CLOSED" if session is None else "-".join(map(_minute, session)))
        return ";".join(parts)


def _zone(listing: Listing) -> ZoneInfo:
    return ZoneInfo(ZONES[listing.time_zone])


def _minute(moment: datetime) -> str:
    """IBKR gives whole minutes; round up, so that nobody is told of an opening too early."""
    if moment.second or moment.microsecond:
        moment = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return f"{moment:%Y%m%d:%H%M}"
