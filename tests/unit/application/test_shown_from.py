"""From when on the broker shows what a process before us may have sent."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from datetime import timedelta

from event_processor.application.recovery import shown_from
from event_processor.domain.ids import AccountId
from tests.support.process import Process
from tests.support.records import accepted
from tests.support.stories import ACCOUNT, mixed
from tests.support.virtual_time import run_virtual
from tests.support.world import World

OURS = accepted(account=AccountId(ACCOUNT))
OLD = replace(OURS, accepted_at=OURS.accepted_at - timedelta(minutes=1))


async def _reconnected(world: World, process: Process) -> None:
    """The session goes, and comes back."""
    epoch = process.desk.session.epoch
    world.sim.actions.run("drop", {})
    while process.desk.session.epoch == epoch or not process.desk.session.ready:
        await asyncio.sleep(0.1)


def test_both_the_account_and_the_session_must_have_been_ours_for_the_visibility_delay() -> None:
    """Until we hold the account somebody else may send; and a young session shows less than there is. What was
    published since our start nobody can have sent before."""

    async def story() -> None:
        world = World(mixed())
        process = world.start()
        desk, delay = process.desk, process.desk.settings.visibility_delay
        await asyncio.sleep(5)
        assert shown_from(desk, OURS) == -math.inf
        assert shown_from(desk, OLD) == math.inf
        assert await desk.leases.hold(OLD.account)
        held = world.now
        assert shown_from(desk, OLD) == held + delay
        await asyncio.sleep(5)
        await _reconnected(world, process)
        assert desk.session.ready_since > held
        assert shown_from(desk, OLD) == desk.session.ready_since + delay
        await world.close()

    run_virtual(story())
