from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from event_processor.domain.contract import TradingInterval
from event_processor.domain.schedule import (
    RETRY_AFTER,
    in_daily_window,
    next_open,
    parse_hours,
    read_zone,
    soonest_open,
    stock_hours,
)
from tests.support.builders import contract

NEW = "20260105:0930-20260105:1600;20260106:CLOSED;20260107:0930-20260107:1300"


def utc(day: int, hour: int, minute: int = 0, month: int = 1) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_hours_are_read_in_the_zone_of_the_exchange() -> None:
    """Half past nine in New York is half past two in winter UTC; a closed day has no interval."""
    assert parse_hours(NEW, "US/Eastern") == (
        TradingInterval(utc(5, 14, 30), utc(5, 21)),
        TradingInterval(utc(7, 14, 30), utc(7, 18)),
    )


def test_the_older_spelling_is_read_too() -> None:
    """Several stretches of one day, with the date written once."""
    assert parse_hours("20260105:0700-1130,1230-1900;20260106:CLOSED", "GMT (Greenwich Mean Time)") == (
        TradingInterval(utc(5, 7), utc(5, 11, 30)),
        TradingInterval(utc(5, 12, 30), utc(5, 19)),
    )


def test_a_day_may_end_at_twenty_four_or_in_the_next() -> None:
    """Round-the-clock contracts end at midnight, however that is written."""
    expected = (TradingInterval(utc(5, 0), utc(6, 0)),)
    assert parse_hours("20260105:0000-20260106:0000", "UTC") == expected
    assert parse_hours("20260105:0000-2400", "UTC") == expected


@pytest.mark.parametrize("name", ["US/Eastern", "EST (Eastern Standard Time)", "EST", "EST5EDT", "America/New_York"])
def test_every_name_of_new_york_keeps_summer_time(name: str) -> None:
    """EST in contract details means the exchange's clock, which moves in summer."""
    assert parse_hours("20260706:0930-20260706:1600", name) == (
        TradingInterval(utc(6, 13, 30, month=7), utc(6, 20, month=7)),
    )


@pytest.mark.parametrize("name", ["MET", "Japan", "GB-Eire", "Hongkong", "Australia/NSW", "JST"])
def test_names_that_ibkr_uses_are_known(name: str) -> None:
    """Zones of other exchanges are found."""
    assert read_zone(name) is not None


@pytest.mark.parametrize(
    ("name", "winter", "summer"),
    [
        ("EDT", -5, -4),
        ("CST", -6, -5),
        ("CDT", -6, -5),
        ("MST", -7, -6),
        ("PST", -8, -7),
        ("GMT", 0, 1),
        ("BST", 0, 1),
        ("MET", 1, 2),
        ("MEZ", 1, 2),
        ("CET", 1, 2),
        ("EET", 2, 3),
        ("HKT", 8, 8),
        ("SGT", 8, 8),
        ("JST", 9, 9),
        ("KST", 9, 9),
        ("AEST", 11, 10),
    ],
)
def test_a_short_name_means_the_clock_of_the_exchange(name: str, winter: int, summer: int) -> None:
    """Hours from UTC in January and in July: a zone read wrongly opens and closes a market an hour off."""
    zone = read_zone(name)
    there = [utc(5, 12, month=month).astimezone(zone).utcoffset() for month in (1, 7)]
    assert there == [timedelta(hours=winter), timedelta(hours=summer)]


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("", "US/Eastern"),
        (NEW, ""),
        (NEW, "Mars/Base"),
        (NEW, "../etc/passwd"),
        ("20260105", "UTC"),
        ("20260105:open", "UTC"),
        ("20260105:1600-0930", "UTC"),
        ("20260105:0930-0930", "UTC"),
        (NEW + ";2026-01-08:0930-1600", "US/Eastern"),
    ],
)
def test_what_cannot_be_read_as_a_whole_is_unknown(text: str, zone: str) -> None:
    """Unknown hours are None, which is not the same as closed."""
    assert parse_hours(text, zone) is None


def test_days_that_are_all_closed_are_known() -> None:
    """An empty tuple says closed."""
    assert parse_hours("20260105:CLOSED", "UTC") == ()


NEW_YORK = contract("SPY", liquid_hours=parse_hours(NEW, "US/Eastern"))
FRANKFURT = contract("SAP", liquid_hours=parse_hours("20260105:0900-20260105:1730;20260107:0900-20260107:1730", "MET"))
UNKNOWN = contract("TLT")


def test_open_now_needs_no_waiting() -> None:
    """Both are open in the overlap; the first moment counts, the last does not."""
    for now in (utc(5, 14, 30), utc(5, 16, 29)):
        hours = next_open([NEW_YORK, FRANKFURT, UNKNOWN], now)
        assert (hours.open, hours.opens_at) == (True, None)
    assert not next_open([NEW_YORK, FRANKFURT], utc(5, 16, 30)).open


def test_the_next_opening_is_the_first_moment_all_are_open() -> None:
    """With two exchanges it is the later opening of the next day both trade; the reason names who is closed."""
    hours = next_open([NEW_YORK, FRANKFURT, UNKNOWN], utc(5, 17))
    assert hours.opens_at == utc(7, 14, 30)
    assert hours.reason == "the market is closed for SAP"


def test_hours_that_do_not_reach_are_asked_again() -> None:
    """After the last known interval nobody knows: look again later, and say so."""
    hours = next_open([NEW_YORK], utc(8, 12))
    assert (hours.open, hours.opens_at) == (False, utc(8, 12) + RETRY_AFTER)
    assert "the hours IBKR gave show no moment" in hours.reason


def test_unknown_hours_count_as_open() -> None:
    """A contract whose hours IBKR does not give holds nothing up; one that says closed does."""
    assert next_open([UNKNOWN], utc(4, 3)).open
    assert next_open([], utc(4, 3)).open
    assert not next_open([contract("TLT", liquid_hours=())], utc(4, 3)).open


def test_hours_of_long_ago_are_none() -> None:
    """They say nothing of today; those of the week before may be followed by holidays."""
    hours = parse_hours("20260105:0930-20260105:1600;20260106:CLOSED", "US/Eastern")
    old = contract("TLT", liquid_hours=hours)
    assert not next_open([old], utc(15, 12)).open
    assert next_open([old], utc(25, 12)).open


def test_hours_that_reach_from_long_ago_to_today_say_when_it_is_closed() -> None:
    """One day of weeks ago among them makes the others no older."""
    hours = parse_hours("20260105:0930-20260105:1600;20260128:0930-20260128:1600", "US/Eastern")
    assert not next_open([contract("TLT", liquid_hours=hours)], utc(28, 12)).open


def test_the_soonest_opening_is_the_first_of_any_contract() -> None:
    """Open when one is; else the first interval to come; None once the known hours are over."""
    opening = soonest_open([NEW_YORK, FRANKFURT, UNKNOWN], utc(5, 6))
    assert opening is not None
    assert (opening.open, opening.opens_at) == (False, utc(5, 8))
    among = soonest_open([NEW_YORK, FRANKFURT], utc(5, 17))
    assert among is not None
    assert among.open
    assert soonest_open([NEW_YORK, UNKNOWN], utc(20, 12)) is None
    assert soonest_open([], utc(5, 12)) is None
    long = contract("SAP", liquid_hours=parse_hours("20260105:0800-20260105:2300", "MET"))
    first = soonest_open([NEW_YORK, long], utc(5, 6))
    assert first is not None
    assert first.opens_at == utc(5, 7)
    at_the_close = soonest_open([NEW_YORK], utc(5, 21))
    assert at_the_close is not None
    assert (at_the_close.open, at_the_close.opens_at) == (False, utc(7, 14, 30))


@pytest.mark.parametrize(
    ("now", "is_open", "opens_at"),
    [
        (utc(5, 14, 29), False, utc(5, 14, 30)),
        (utc(5, 14, 30), True, utc(5, 14, 30)),
        (utc(5, 20, 59), True, utc(5, 14, 30)),
        (utc(5, 21), False, utc(6, 14, 30)),
        (utc(9, 21), False, utc(12, 14, 30)),
        (utc(10, 15), False, utc(12, 14, 30)),
        (datetime(2026, 3, 6, 22, tzinfo=UTC), False, datetime(2026, 3, 9, 13, 30, tzinfo=UTC)),
    ],
)
def test_the_usual_hours_of_stocks_in_new_york(now: datetime, is_open: bool, opens_at: datetime) -> None:
    """9:30 to 16:00, Monday to Friday, also over the weekend on which the clock is changed."""
    hours = stock_hours(now)
    assert (hours.open, hours.opens_at) == (is_open, opens_at)


@pytest.mark.parametrize(
    ("clock", "start", "end", "inside"),
    [
        (time(12), time(9), time(17), True),
        (time(17), time(9), time(17), False),
        (time(23, 50), time(23, 45), time(0, 45), True),
        (time(0, 30), time(23, 45), time(0, 45), True),
        (time(0, 45), time(23, 45), time(0, 45), False),
    ],
)
def test_a_daily_window_may_reach_over_midnight(clock: time, start: time, end: time, *, inside: bool) -> None:
    """The wall clock of the zone decides; the end is outside."""
    zone = ZoneInfo("America/New_York")
    now = datetime.combine(datetime(2026, 7, 6, tzinfo=zone), clock, zone).astimezone(UTC)
    assert in_daily_window(now, start, end, zone) is inside
