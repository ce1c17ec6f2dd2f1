"""Runs the story of a seed and judges it."""

from __future__ import annotations

from event_processor.domain.record import EventRecord, Outcome
from tests.simulation.draw import Story, draw
from tests.support.stories import Ending, play
from tests.support.world import World

HOLD_SECONDS = 90.0
"""After how long somebody resumes an account that is held for review."""
ONLY_THEY_CAN = "only client id"
SUCCESS = {
    Outcome.COMPLETED,
    Outcome.COMPLETED_ADJUSTED,
    Outcome.NO_CHANGE,
    Outcome.SUPERSEDED,
    Outcome.EXPIRED,
}


def run(seed: int) -> tuple[Story, Ending]:
    """The story and its ending; on a calm day nothing may end otherwise than well."""
    story = draw(seed)

    def world() -> World:
        return World(
            story.scenario,
            seed=seed,
            trouble=story.trouble,
            trading=story.trading,
            hold_seconds=HOLD_SECONDS,
            hours=story.hours,
        )

    ending = play(world, story.events, *story.deaths)
    if story.calm and not story.asks_for_nobodys and not SUCCESS.issuperset(ending.outcomes):
        ending.problems.append(f"nothing was done to it, and yet it ended as {ending.outcomes}")
    if not story.hopeless:
        ending.problems += [
            f"a person is asked without need: {record.reason}"
            for record in ending.records
            if record.outcome is Outcome.NEEDS_REVIEW and not _rightly(story, record)
        ]
    return story, ending


def _rightly(story: Story, record: EventRecord) -> bool:
    """A store that forgets leaves things that only a person can know; and an order of another client id can only be
    cancelled by a person, and until that is done the next event finds it."""
    trouble, foreign = story.trouble, record.reason_code == "foreign_orders"
    theirs = trouble.seconds and (foreign or ONLY_THEY_CAN in record.reason)
    return bool(trouble.lost_write or theirs or (foreign and story.strange))
