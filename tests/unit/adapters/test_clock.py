from __future__ import annotations

from datetime import UTC, datetime, timedelta

from event_processor.adapters.clock import SystemClock


def test_the_clock_tells_aware_utc_and_never_goes_back() -> None:
    """Time is aware UTC and about now; the monotonic reading only grows."""
    clock = SystemClock()
    first, moment, second = clock.monotonic(), clock.now(), clock.monotonic()
    assert moment.tzinfo is UTC
    assert abs(datetime.now(UTC) - moment) < timedelta(seconds=5)
    assert first <= second
