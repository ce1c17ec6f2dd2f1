from __future__ import annotations

import pytest

from gateway_simulator.pacing import Pace


def refused(kind: str, times: list[float]) -> int:
    pace = Pace(kind, 50, 0.0)
    return sum(
        pace.exceeded(now, sum(now - 1 < other <= now for other in times[: n + 1])) for n, now in enumerate(times)
    )


@pytest.mark.parametrize(("kind", "expected"), [("bucket", 10), ("window", 10), ("off", 0)])
def test_a_burst_above_the_pace(kind: str, expected: int) -> None:
    """Of sixty messages at once ten are too many, unless pacing is off."""
    assert refused(kind, [5.0] * 60) == expected


def test_bursts_of_a_throttled_client_that_arrive_late() -> None:
    """45 a second in bursts, one of them late: the bucket lets them pass, a strict window does not."""
    times = [10.0] * 8 + [10.12] * 37 + [11.0] * 8 + [11.1] * 37
    assert refused("bucket", times) == 0
    assert refused("window", times) > 0


def test_a_lasting_excess_empties_the_bucket() -> None:
    """Sixty a second, evenly, is refused after some seconds."""
    assert refused("bucket", [n / 60 for n in range(600)]) > 0
