"""The processor dies after fact k, the next one after its own fact j: sampled pairs, the same at every run, or
with `--every-pair` (`make crash`) all of them, in the variants of one death too."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from event_processor.domain.record import Outcome
from gateway_simulator.settings import FaultSettings, Latency, Scenario
from tests.crash.test_crash_points import VARIANTS as OF_ONE_DEATH
from tests.support.stories import Ending, mixed, mixed_event, play
from tests.support.world import World

pytestmark = pytest.mark.timeout(1200)

PAIRS = 40
FACTS_MAX = 48
LOST = FaultSettings("order", {"ack_lost": True})
VARIANTS: dict[str, Scenario] = {
    "plain": mixed(),
    "acknowledgements lost, look-ups late": mixed(LOST, latency=Latency(lookup_ms=1500, positions_ms=1500)),
    "the rest fills four seconds later": mixed(FaultSettings("order", {"fill_fraction": 0.4, "rest_after_ms": 4000})),
}
ALL = VARIANTS | OF_ONE_DEATH


def run(variant: str, *deaths: int) -> Ending:
    return play(lambda: World(ALL[variant]), [(0.0, mixed_event())], *deaths)


def sampled(variant: str) -> Iterator[tuple[int, int]]:
    """A few pairs; a second number beyond the run's facts is a death that does not come."""
    draw = Random(variant)
    for _ in range(PAIRS):
        yield draw.randint(1, FACTS_MAX), draw.randint(1, FACTS_MAX)


def exhausted(variant: str, facts: int) -> Iterator[tuple[int, int]]:
    """Every fact of the first process, with every fact of the one that follows it."""
    for k in range(1, facts + 1):
        left = run(variant, k).facts - k
        yield from ((k, j) for j in range(1, left + 1))


def test_two_deaths_change_nothing_at_the_exchange(twice: str, *, every_pair: bool) -> None:
    """A death during the recovery from a death is no worse than one: same orders, once each, same positions."""
    reference = run(twice)
    for deaths in exhausted(twice, reference.facts) if every_pair else sampled(twice):
        ending = run(twice, *deaths)
        assert not ending.problems, f"deaths after facts {deaths}\n{ending}"
        assert ending.outcomes == [Outcome.COMPLETED], f"deaths after facts {deaths}\n{ending}"
        assert ending.refs == reference.refs, f"deaths after facts {deaths}\n{ending}"
        assert ending.positions == reference.positions, f"deaths after facts {deaths}\n{ending}"
