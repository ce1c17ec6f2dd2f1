"""The processor dies around every call that changes the store: just before the change, or after it and before
the answer has come back."""

from __future__ import annotations

import pytest

from event_processor.domain.record import Outcome
from gateway_simulator.settings import FaultSettings, Latency, Scenario
from tests.support.memory_store import Moment
from tests.support.stories import DeathAtCall, mixed, mixed_event, play
from tests.support.world import World

VARIANTS: dict[str, Scenario] = {
    "plain": mixed(),
    "acknowledgements lost, look-ups late": mixed(
        FaultSettings("order", {"ack_lost": True}), latency=Latency(lookup_ms=1500)
    ),
}
EVENT = [(0.0, mixed_event())]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_death_around_any_write_changes_nothing_at_the_exchange(variant: str, moment: Moment) -> None:
    """A write that was made and never answered is as harmless as one that was never made."""

    def world() -> World:
        return World(VARIANTS[variant])

    counter = DeathAtCall(0, moment)
    reference = play(world, EVENT, at_call=counter)
    assert counter.seen >= 15
    for number in range(1, counter.seen + 1):
        ending = play(world, EVENT, at_call=DeathAtCall(number, moment))
        assert not ending.problems, f"death {moment} write {number}\n{ending}"
        assert ending.outcomes == [Outcome.COMPLETED], f"death {moment} write {number}\n{ending}"
        assert ending.refs == reference.refs, f"death {moment} write {number}\n{ending}"
        assert ending.positions == reference.positions, f"death {moment} write {number}\n{ending}"
