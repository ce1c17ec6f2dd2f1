"""The processor dies after fact k, the next one after its own fact j: sampled pairs, the same at every run."""

from __future__ import annotations

from random import Random

import pytest

from event_processor.domain.record import Outcome
from gateway_simulator.settings import FaultSettings, Latency, Scenario
from tests.support.stories import mixed, mixed_event, play
from tests.support.world import World

PAIRS = 40
FACTS_MAX = 48
LOST = FaultSettings("order", {"ack_lost": True})
VARIANTS: dict[str, Scenario] = {
    "plain": mixed(),
    "acknowledgements lost, look-ups late": mixed(LOST, latency=Latency(lookup_ms=1500, positions_ms=1500)),
    "fills in two parts": mixed(FaultSettings("order", {"fill_fraction": 0.4, "rest_after_ms": 4000})),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_deaths_change_nothing_at_the_exchange(variant: str) -> None:
    """A death during the recovery from a death is no worse than one: same orders, once each, same positions."""

    def world() -> World:
        return World(VARIANTS[variant])

    reference = play(world, [(0.0, mixed_event())])
    draw = Random(variant)
    for _ in range(PAIRS):
        deaths = draw.randint(1, FACTS_MAX), draw.randint(1, FACTS_MAX)
        ending = play(world, [(0.0, mixed_event())], *deaths)
        assert not ending.problems, f"deaths after facts {deaths}\n{ending}"
        assert ending.outcomes == [Outcome.COMPLETED], f"deaths after facts {deaths}\n{ending}"
        assert ending.refs == reference.refs, f"deaths after facts {deaths}\n{ending}"
        assert ending.positions == reference.positions, f"deaths after facts {deaths}\n{ending}"
