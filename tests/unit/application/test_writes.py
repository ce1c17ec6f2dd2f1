"""A durable write is repeated as it is while the store is away, and not for ever."""

from __future__ import annotations

import pytest

from event_processor.application.run import write
from event_processor.domain.facts import StoreLost, StoreRestored
from event_processor.domain.ids import AccountId
from event_processor.errors import StoreUnavailable
from tests.support.memory_store import Moment
from tests.support.records import accepted, note
from tests.support.stories import ACCOUNT, mixed
from tests.support.virtual_time import run_virtual
from tests.support.world import World


class Story:
    """One write with a note, to a store that answers no write before it was away for so many seconds. `seconds` is
    how long the write took, `told` the notes that became durable, `failed` whether the write was given up."""

    def __init__(self, away: float, moment: Moment = "before") -> None:
        self._away, self._moment = away, moment
        self.seconds, self.told, self.failed = 0.0, 0, False
        run_virtual(self._run())

    async def _run(self) -> None:
        self.world = world = World(mixed())
        desk = world.start().desk
        record = accepted(account=AccountId(ACCOUNT))
        lease = await desk.journal.acquire(record.account, "me", 10_000)
        assert lease is not None
        known = await desk.journal.accept(record, [])
        began = world.now

        async def interrupt(call: str, moment: Moment) -> None:
            if (call, moment) == ("write", self._moment) and world.now < began + self._away:
                raise StoreUnavailable

        world.store.interrupt = interrupt
        self.patience = desk.settings.store_patience
        try:
            await write(desk, lease, known, [note()])
        except StoreUnavailable:
            self.failed = True
        self.seconds = world.now - began
        self.told = len(world.store.outbox) + len(world.store.outcomes)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_write_comes_through_whole_and_once(moment: Moment) -> None:
    """With its notes, whether its first try was lost or only the answer to it."""
    story = Story(10, moment)
    assert (story.failed, story.told) == (False, 1)
    assert 10 <= story.seconds < 11
    assert [type(f) for f in story.world.facts if isinstance(f, StoreLost | StoreRestored)] == [
        StoreLost,
        StoreRestored,
    ]


def test_a_write_is_given_up_in_the_end() -> None:
    """Then the run ends, and what is out is found again by the next one."""
    story = Story(10_000)
    assert (story.failed, story.told) == (True, 0)
    assert story.patience <= story.seconds < story.patience + 1
