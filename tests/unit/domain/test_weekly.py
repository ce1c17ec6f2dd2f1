from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_processor.domain.session import ADVICE, SessionState
from event_processor.domain.weekly import (
    NEW_YORK,
    RESTART_AWAITED,
    RESTART_EARLY,
    RESTART_LATE,
    WEEK,
    DailyWindow,
    GatewayHours,
    ResetWindows,
    advice,
    moments,
    read_clock,
)

BERLIN, HONG_KONG = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Hong_Kong")
ZONES = st.sampled_from([NEW_YORK, BERLIN, HONG_KONG, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])
CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))
NOWS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - it has one
SKIP_MAX, SUNDAY = timedelta(hours=1), 6
NIGHTLY = GatewayHours(restart=time(23, 59))


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type, misc]


@given(NOWS, CLOCKS | st.none(), ZONES)
def test_the_login_ends_on_a_sunday_within_the_week(now: datetime, chosen: time | None, zone: ZoneInfo) -> None:
    """Always ahead, never more than a week (and the hours that clocks jump), on Sunday at the hour chosen."""
    deadline = GatewayHours(zone=zone, cold_restart=chosen).login_deadline(now)
    assert now < deadline <= now + timedelta(days=7) + 2 * SKIP_MAX
    there = deadline.astimezone(zone if chosen else NEW_YORK)
    jumped = there.replace(tzinfo=None) - datetime.combine(there.date(), chosen or time(1))
    assert there.weekday() == SUNDAY
    assert timedelta(0) <= jumped <= SKIP_MAX


@given(NOWS, CLOCKS | st.none(), ZONES)
def test_a_deadline_stays_until_it_has_passed(now: datetime, chosen: time | None, zone: ZoneInfo) -> None:
    """Asked at any moment before it, the answer is the same; from the very second on it is the next one."""
    hours = GatewayHours(zone=zone, cold_restart=chosen)
    deadline = hours.login_deadline(now)
    assert hours.login_deadline(now + (deadline - now) / 2) == deadline
    assert hours.login_deadline(deadline - timedelta(microseconds=1)) == deadline
    assert hours.login_deadline(deadline) > deadline


@pytest.mark.parametrize(
    ("now", "deadline"),
    [
        (utc(2026, 1, 5, 15), utc(2026, 1, 11, 6)),
        (utc(2026, 1, 11, 5, 59), utc(2026, 1, 11, 6)),
        (utc(2026, 1, 11, 6), utc(2026, 1, 18, 6)),
        (utc(2026, 7, 1), utc(2026, 7, 5, 5)),
        (utc(2026, 3, 8, 5), utc(2026, 3, 8, 6)),
        (utc(2026, 11, 1, 4), utc(2026, 11, 1, 5)),
        (utc(2026, 11, 1, 5, 30), utc(2026, 11, 8, 6)),
    ],
)
def test_the_login_ends_on_sundays_at_one_in_new_york(now: datetime, deadline: datetime) -> None:
    """In winter, in summer, at the very second, and on the nights on which the clock is changed."""
    assert GatewayHours().login_deadline(now) == deadline


@given(NOWS, CLOCKS, ZONES)
def test_restarts_come_once_a_day_by_the_gateways_clock(now: datetime, clock: time, zone: ZoneInfo) -> None:
    """The next is at most a day and a jump ahead, the last as far behind, and nothing lies between them."""
    hours = GatewayHours(zone=zone, restart=clock)
    coming, last = hours.next_restart(now), hours.last_restart(now)
    assert coming is not None
    assert last is not None
    assert last <= now < coming
    assert coming - now <= timedelta(days=1) + 2 * SKIP_MAX
    assert now - last <= timedelta(days=1) + 2 * SKIP_MAX
    assert hours.next_restart(last) == coming
    assert hours.last_restart(coming - timedelta(microseconds=1)) == last


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), CLOCKS, ZONES)
def test_every_hour_of_every_day_has_its_moments(day: date, clock: time, zone: ZoneInfo) -> None:
    """One, or two when the clock is set back over it; each shows that hour, unless the day has no such hour."""
    found = moments(day, clock, zone)
    assert len(found) in {1, 2}
    shown = [at.astimezone(zone).replace(tzinfo=None) for at in found]
    wanted = datetime.combine(day, clock)
    assert shown == [wanted] * len(found) or (len(found) == 1 and wanted < shown[0] <= wanted + SKIP_MAX)


def test_an_hour_that_is_skipped_comes_as_much_later_and_one_that_repeats_comes_twice() -> None:
    """02:30 in New York on the two nights of 2026."""
    assert moments(date(2026, 3, 8), time(2, 30), NEW_YORK) == (utc(2026, 3, 8, 7, 30),)
    assert moments(date(2026, 11, 1), time(1, 30), NEW_YORK) == (utc(2026, 11, 1, 5, 30), utc(2026, 11, 1, 6, 30))


def test_without_an_hour_no_restart_is_known_and_nothing_waits_for_one() -> None:
    """Nothing set, nothing assumed."""
    now = utc(2026, 1, 11, 4, 58)
    assert GatewayHours().next_restart(now) is None
    assert GatewayHours().last_restart(now) is None
    assert GatewayHours().awaited_restart(now, None) is None
    assert not GatewayHours().restart_expected(now)


@given(NOWS, CLOCKS, ZONES, st.integers(0, 3600), st.none() | st.integers(-7200, 0))
def test_nothing_is_sent_from_the_lead_before_a_restart_until_a_connection_made_after_it(
    now: datetime, clock: time, zone: ZoneInfo, lead: int, connected: int | None
) -> None:
    """Exactly then, and never for longer than the lead and the patience together; a lead of 0 turns it off."""
    hours = GatewayHours(zone=zone, restart=clock, lead=timedelta(seconds=lead))
    connected_at = None if connected is None else now + timedelta(seconds=connected)
    awaited, coming, last = hours.awaited_restart(now, connected_at), hours.next_restart(now), hours.last_restart(now)
    assert coming is not None
    assert last is not None
    near = coming - now <= hours.lead
    unseen = now - last < RESTART_AWAITED and (connected_at is None or connected_at < last)
    expected = coming if near else last if unseen else None
    assert awaited == (expected if lead else None)


@pytest.mark.parametrize(
    ("second", "connected", "awaited"),
    [
        (-301, None, False),
        (-300, -3600, True),
        (0, -1, True),
        (0, 0, False),
        (299, None, True),
        (299, -1, True),
        (299, 0, False),
        (300, None, False),
        (300, -1, False),
    ],
)
def test_a_restart_is_awaited_from_its_lead_until_it_was_seen_or_is_long_due(
    second: int, connected: int | None, awaited: bool
) -> None:
    """At each edge, by seconds from the restart; without a connection nobody has seen it. A lead of 0 turns it off."""
    restart = utc(2026, 1, 7, 4, 59)
    now = restart + timedelta(seconds=second)
    connected_at = None if connected is None else restart + timedelta(seconds=connected)
    assert NIGHTLY.awaited_restart(now, connected_at) == (restart if awaited else None)
    assert replace(NIGHTLY, lead=timedelta(0)).awaited_restart(now, connected_at) is None


def test_after_the_restart_of_a_sunday_comes_that_of_the_next() -> None:
    """Also where it is Sunday already while New York has Saturday."""
    hours = GatewayHours(zone=HONG_KONG, cold_restart=time(9))
    restart = utc(2026, 1, 11, 1)
    assert hours.next_restart(restart) == restart + WEEK


def test_the_restart_of_late_sunday_is_still_awaited_on_monday() -> None:
    """Its patience reaches over midnight, and from then on the next is that of the Sunday after."""
    hours = GatewayHours(cold_restart=time(23, 58))
    restart = utc(2026, 1, 12, 4, 58)
    assert hours.awaited_restart(restart + timedelta(minutes=4), None) == restart
    assert hours.last_restart(restart + timedelta(hours=3)) == restart
    assert hours.next_restart(restart) == hours.next_restart(restart + timedelta(minutes=4)) == restart + WEEK


def test_the_sunday_restart_is_one_too() -> None:
    """Orders before the restart at the hour chosen for the login would be lost as well."""
    hours = GatewayHours(restart=time(23, 59), cold_restart=time(9))
    sunday = utc(2026, 1, 11, 14)
    assert hours.next_restart(sunday - timedelta(hours=1)) == sunday
    assert hours.awaited_restart(sunday - timedelta(minutes=5), None) == sunday
    assert hours.awaited_restart(sunday + timedelta(minutes=1), sunday + timedelta(seconds=50)) is None


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(-3600, 3600))
def test_a_connection_lost_about_the_restart_is_expected(day: date, seconds: int) -> None:
    """From a minute before to ten minutes after, but for the restart after the end of the login."""
    [restart] = moments(day, time(23, 59), NEW_YORK)
    now = restart + timedelta(seconds=seconds)
    about = -RESTART_EARLY <= timedelta(seconds=seconds) < RESTART_LATE
    assert NIGHTLY.restart_expected(now) is (about and day.weekday() != SUNDAY)


@pytest.mark.parametrize(("second", "expected"), [(-61, False), (-60, True), (599, True), (600, False)])
def test_a_loss_is_expected_from_the_first_moment_to_the_last(second: int, expected: bool) -> None:
    """A minute before is inside, ten minutes after is not."""
    assert NIGHTLY.restart_expected(utc(2026, 1, 7, 4, 59) + timedelta(seconds=second)) is expected


def test_the_restart_that_asks_for_the_phone_is_not_one_that_passes_by_itself() -> None:
    """With an hour of its own on Sundays only that one asks; the restart of Sunday night is then like any other."""
    chosen = GatewayHours(restart=time(23, 59), cold_restart=time(9))
    assert not chosen.restart_expected(utc(2026, 1, 11, 14, 1))
    assert chosen.restart_expected(utc(2026, 1, 12, 5, 0))
    assert not NIGHTLY.restart_expected(utc(2026, 1, 12, 5, 0))
    window = GatewayHours(restart=time(23, 59), restart_window=DailyWindow.parse("23:45-00:45 America/New_York"))
    assert window.restart_expected(utc(2026, 1, 13, 4, 50))
    assert not window.restart_expected(utc(2026, 1, 12, 5, 0))


@pytest.mark.parametrize(
    ("region", "inside", "outside"),
    [
        ("america", utc(2026, 1, 6, 5, 15), utc(2026, 1, 6, 6, 45)),
        ("europe", utc(2025, 12, 30, 5, 25, 45), utc(2026, 7, 6, 5, 45)),
        ("Asia", utc(2026, 1, 5, 12, 15), utc(2026, 1, 5, 13, 15)),
        ("01:00-02:00 UTC, 03:00-04:00 UTC", utc(2026, 1, 6, 3, 30), utc(2026, 1, 6, 2, 30)),
    ],
)
def test_reset_windows_are_a_regions_or_a_list(region: str, inside: datetime, outside: datetime) -> None:
    """A region stands for its windows; a list is taken as it is, and shown again in the form it is read from."""
    windows = ResetWindows.parse(region)
    assert windows.at(inside)
    assert not windows.at(outside)
    assert ResetWindows.parse(str(windows)) == windows


@pytest.mark.parametrize(
    ("now", "reset"),
    [
        (utc(2026, 1, 10, 3, 59), False),
        (utc(2026, 1, 10, 4), True),
        (utc(2026, 1, 10, 7, 59), True),
        (utc(2026, 1, 10, 8), False),
        (utc(2026, 1, 9, 4), False),
        (utc(2026, 1, 11, 4), False),
    ],
)
def test_everywhere_the_night_to_saturday_is_one(now: datetime, reset: bool) -> None:
    """Friday 23:00 to Saturday 03:00 in New York, and no other night."""
    assert bool(ResetWindows().at(now)) is reset


@pytest.mark.parametrize("text", ["", "moon", "01:00-02:00", "01:00-02:00 UTC,", "01:00-01:00 UTC", "1-2 UTC"])
def test_what_is_no_window_is_refused(text: str) -> None:
    """A region nobody knows, a window without its zone, an empty part of a list."""
    with pytest.raises(ValueError, match="must"):
        ResetWindows.parse(text)


@pytest.mark.parametrize(
    ("text", "clock"),
    [("11:59 PM", time(23, 59)), ("12:05 am", time(0, 5)), ("7:30PM", time(19, 30)), ("7:30", time(7, 30))],
)
def test_hours_are_read_as_the_gateway_writes_them(text: str, clock: time) -> None:
    """With AM and PM, as in the gateway's settings, or by 24 hours, as in the automator's."""
    assert read_clock(text) == clock


@pytest.mark.parametrize("text", ["", "noon", "24:00", "13:00 PM", "7", "07:30:15"])
def test_what_is_no_hour_is_refused(text: str) -> None:
    """Said in words with the form that is understood."""
    with pytest.raises(ValueError, match=r"11:59 PM or 23:59"):
        read_clock(text)


def test_the_advice_names_the_gateways_window_and_a_reset() -> None:
    """The link where a person can act, the reason where nobody has to."""
    hours = GatewayHours(resets=ResetWindows.parse("america"))
    reset, day = utc(2026, 1, 6, 5, 30), utc(2026, 1, 6, 15)
    assert advice(SessionState.AWAITING_LOGIN, day, hours, "http://here").endswith("window: http://here")
    assert "00:15-01:45 America/New_York" in advice(SessionState.LINK_LOST, reset, hours, "")
    assert "00:15-01:45 America/New_York" in advice(SessionState.CONTENDED, reset, hours, "")
    assert all(advice(state, day, hours, "") == ADVICE[state] for state in SessionState)
    assert advice(SessionState.READY, reset, hours, "http://here") == ADVICE[SessionState.READY]
