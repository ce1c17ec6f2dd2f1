"""The processor dies right after fact k, for every k of a run of four sells and four buys; a fresh one goes on."""

from __future__ import annotations

from functools import cache

import pytest

from event_processor.domain.record import Outcome
from gateway_simulator.settings import FaultSettings, Latency, Scenario
from tests.support.stories import Ending, mixed, mixed_event, play
from tests.support.world import World

LOST = FaultSettings("order", {"ack_lost": True})
VARIANTS: dict[str, Scenario] = {
    "plain": mixed(),
    "acknowledgements lost": mixed(LOST),
    "dropped at the acceptance of the third order": mixed(
        FaultSettings("order", {"drop": "accepted", "skip": 2, "count": 1})
    ),
    "the gateway restarts with ids moved back": mixed(
        FaultSettings("restart", {"seconds": 2, "ids_back": 6}, after_orders_accepted=6), latency=Latency(lookup_ms=200)
    ),
    "look-ups one second late": mixed(latency=Latency(lookup_ms=1000)),
    "look-ups three seconds late, acknowledgements lost": mixed(LOST, latency=Latency(lookup_ms=3000)),
    "positions and cash three seconds late": mixed(latency=Latency(positions_ms=3000, account_ms=3000)),
    "everything two seconds late": mixed(latency=Latency(lookup_ms=2000, positions_ms=2000, account_ms=2000)),
    "executions before the acknowledgement": mixed(FaultSettings("order", {"executions_first": True})),
    "executions twice": mixed(FaultSettings("order", {"executions_twice": True})),
    "reports in reverse": mixed(FaultSettings("order", {"reports_reversed": True})),
    "fills in two parts": mixed(FaultSettings("order", {"fill_fraction": 0.4, "rest_after_ms": 1500})),
}


def run(variant: str, *deaths: int) -> Ending:
    return play(lambda: World(VARIANTS[variant]), [(0.0, mixed_event())], *deaths)


@cache
def undisturbed(variant: str) -> Ending:
    return run(variant)


@pytest.mark.parametrize("variant", VARIANTS)
def test_run_without_a_death_completes(variant: str) -> None:
    """Eight orders, four sells and four buys, all filled as planned: what the runs with deaths are held to."""
    ending = undisturbed(variant)
    assert not ending.problems, ending
    assert ending.outcomes == [Outcome.COMPLETED], ending
    assert len(ending.refs) == 8, ending


@pytest.mark.parametrize("variant", VARIANTS)
def test_death_after_any_fact_changes_nothing_at_the_exchange(variant: str) -> None:
    """Whatever the moment of death, the next process ends with the same orders, each accepted once, and the
    same positions."""
    reference = undisturbed(variant)
    for k in range(1, reference.facts + 1):
        ending = run(variant, k)
        assert not ending.problems, f"death after fact {k}\n{ending}"
        assert ending.outcomes == [Outcome.COMPLETED], f"death after fact {k}\n{ending}"
        assert ending.refs == reference.refs, f"death after fact {k}\n{ending}"
        assert ending.positions == reference.positions, f"death after fact {k}\n{ending}"
