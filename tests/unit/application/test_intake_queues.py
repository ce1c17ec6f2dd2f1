"""Long queues: what is out of date before it is read, and what is repeated over and over."""

from __future__ import annotations

import asyncio
import json
from itertools import count, pairwise

import pytest

from event_processor.domain.facts import EventClosed, EventRepeated
from event_processor.domain.ids import EntryId
from event_processor.domain.record import EventRecord, Outcome, Stage
from gateway_simulator.settings import AccountSettings, Scenario
from tests.support.admitting import Door, soon
from tests.support.builders import event_body, event_text
from tests.support.making import running
from tests.support.memory_state import Pending
from tests.support.memory_store import Moment
from tests.support.virtual_time import run_virtual
from tests.support.world import World


def text(event_id: str, **data: object) -> str:
    """An event with this id."""
    return json.dumps({**event_body(**data), "id": event_id})


def queued(door: Door, *bodies: str) -> list[EntryId]:
    """Entries that come in one batch."""
    return [door.store.publish(body) for body in bodies]


def by_id(door: Door) -> dict[str, EventRecord]:
    return {record.event.id: record for record in door.store.records.values()}


def test_of_a_queue_for_one_account_only_the_newest_waits() -> None:
    """The others are remembered as superseded by it, told as such, and acknowledged; none reaches the worker."""

    async def main() -> None:
        door = Door()
        entries = queued(door, *(text(str(number)) for number in range(1, 11)))
        async with running(door.intake.run()):
            await soon()
            assert [record.event.id for record in door.dispatched] == ["10"]
            assert door.intake.pending == 1
            for entry in entries[:-1]:
                door.check_done_with(entry)
        records = by_id(door)
        assert {records[str(n)].outcome for n in range(1, 10)} == {Outcome.SUPERSEDED}
        assert {records[str(n)].stage for n in range(1, 10)} == {Stage.CLOSED}
        assert records["1"].reason == "superseded by event 10 (/strategies/growth)"
        assert records["10"].stage is Stage.ACCEPTED
        told = [note.kind for note, key in door.store.outbox.values() if key == records["3"].key]
        assert told == [Outcome.ACCEPTED, Outcome.SUPERSEDED]
        assert [fact.outcome for fact in door.facts.of(EventClosed)] == [Outcome.SUPERSEDED] * 9

    run_virtual(main())


def test_what_may_have_been_sent_is_left_to_the_account() -> None:
    """The journal lost an event of which this process has sent orders, and it comes again beside a newer one: the
    account's processor gets it, and looks at the broker before it ends it."""

    async def main() -> None:
        door = Door()
        door.suspects.add("2")
        entries = queued(door, *map(text, "123"))
        async with running(door.intake.run()):
            await soon()
        assert {record.event.id for record in door.dispatched} == {"2", "3"}
        records = by_id(door)
        assert (records["1"].outcome, records["2"].outcome) == (Outcome.SUPERSEDED, None)
        assert records["2"].stage is Stage.ACCEPTED
        assert entries[1] in door.store.pending

    run_virtual(main())


def test_nothing_is_superseded_before_its_successor_is_accepted() -> None:
    """Died at any write of the batch: an event that is over has a newer one, accepted, in its account."""

    async def story(write: int) -> int:
        door, count = Door(), 0

        async def die(call: str, moment: Moment) -> None:
            nonlocal count
            count += call == "accept" and moment == "after"
            if count == write and call == "accept":
                await asyncio.sleep(10_000)

        door.store.interrupt = die
        queued(door, *(text(str(number)) for number in range(1, 5)))
        async with running(door.intake.run()):
            await soon()
        records = by_id(door)
        if any(record.outcome is Outcome.SUPERSEDED for record in records.values()):
            assert records["4"].stage is Stage.ACCEPTED
        return len(records)

    assert [run_virtual(story(write)) for write in range(1, 5)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("older", "newer", "over"),
    [
        ({}, {"account": "resting"}, set()),
        ({}, {"dry_run": True}, set()),
        ({"dry_run": True}, {}, set()),
        ({}, {"not_before": "2026-01-05T16:00:00Z"}, set()),
        ({"not_before": "2026-01-05T16:00:00Z"}, {}, {"older"}),
        ({"expires_at": "2026-01-05T14:00:00Z"}, {}, set()),
        ({}, {"expires_at": "2026-01-05T14:00:00Z"}, set()),
        ({}, {"targets": []}, set()),
    ],
    ids=str,
)
def test_only_what_the_agenda_would_supersede_is(
    older: dict[str, object], newer: dict[str, object], over: set[str]
) -> None:
    """Another account, a dry run, an event whose time has not come or is over, and one that is refused or cannot be
    read supersede nothing."""

    async def main() -> None:
        door = Door()
        queued(door, text("older", **older), text("newer", **newer))
        async with running(door.intake.run()):
            await soon()
        assert {name for name, record in by_id(door).items() if record.outcome is Outcome.SUPERSEDED} == over

    run_virtual(main())


def test_a_repeat_of_an_older_event_supersedes_nothing() -> None:
    """It comes after the newer event, but says nothing new."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            queued(door, text("first"))
            await soon()
            queued(door, text("second"), text("first"))
            await soon()
            assert [record.event.id for record in door.dispatched] == ["first", "second"]
            assert len(door.facts.of(EventRepeated)) == 1
            queued(door, text("third"), text("fourth"), text("third"))
            await soon()
        assert {name: str(record.outcome) for name, record in by_id(door).items()} == {
            "first": "None",
            "second": "None",
            "third": "superseded",
            "fourth": "None",
        }

    run_virtual(main())


def test_a_conflict_within_a_batch_is_decided_by_the_first() -> None:
    """Also when the first is superseded: the second body is the dead letter."""

    async def main() -> None:
        door = Door()
        entries = queued(door, text("one"), text("one", reason="changed my mind"), text("two"))
        async with running(door.intake.run()):
            await soon()
        assert [dead["entry_id"] for dead in door.store.dead] == [entries[1]]
        assert by_id(door)["one"].entry_id == entries[0]

    run_virtual(main())


def test_entries_that_were_handed_out_before_are_taken_one_by_one() -> None:
    """One of them may be what broke the processor: the first is over with before the second is looked at."""

    async def main() -> None:
        door = Door()
        for entry in queued(door, text("one"), text("two")):
            door.store.delivered.add(entry)
            door.store.pending[entry] = Pending("one", 0.0, 1)
        async with running(door.intake.run()):
            await soon()
        assert [record.event.id for record in door.dispatched] == ["one", "two"]

    run_virtual(main())


def test_repeats_cost_one_look_and_one_acknowledgement_a_batch() -> None:
    """However many repeats of a closed event come together."""

    async def main() -> None:
        door, calls = Door(), list[str]()
        async with running(door.intake.run()):
            queued(door, event_text())
            await soon()
            door.close()
            await soon()

            async def note(call: str, moment: Moment) -> None:
                if moment == "before" and call in {"find", "acknowledge"}:
                    calls.append(call)

            door.store.interrupt = note
            repeats = queued(door, *[event_text()] * 50)
            await soon()
            for entry in repeats:
                door.check_done_with(entry)
        assert calls == ["find", "acknowledge"]
        assert len(door.facts.of(EventRepeated)) == 50

    run_virtual(main())


def test_newest_wins_batch_after_batch() -> None:
    """A queue of several batches leaves one open event of each to the worker, in stream order."""

    async def main() -> None:
        door = Door()
        queued(door, *(text(f"{number:03d}") for number in range(300)))
        async with running(door.intake.run()):
            await soon()
        names = [record.event.id for record in door.dispatched]
        assert names[-1] == "299"
        assert len(names) == 5  # batches of 64
        assert all(one < two for one, two in pairwise(names))

    run_virtual(main())


def test_while_a_queue_is_read_what_is_open_may_be_out_of_date() -> None:
    """From the first full batch until one is not full; an odd queue or one of whole batches, it makes no difference."""

    async def story(events: int) -> tuple[bool, bool]:
        door, seen = Door(), list[bool]()

        async def note(call: str, moment: Moment) -> None:
            if (call, moment) == ("accept", "before"):
                seen.append(door.intake.behind)

        door.store.interrupt = note
        queued(door, *(text(f"{number:03d}") for number in range(events)))
        async with running(door.intake.run()):
            await asyncio.sleep(0.5)
            return all(seen), door.intake.behind

    assert run_virtual(story(63)) == (False, False)
    assert run_virtual(story(64)) == (True, False)
    assert run_virtual(story(200)) == (True, False)


def test_beside_a_stream_that_never_ends_events_are_begun_after_a_while() -> None:
    """Full batch after full batch: the intake counts as behind for ten seconds at most."""

    async def main() -> None:
        door, number = Door(), count()

        async def flood(call: str, moment: Moment) -> None:
            if (call, moment) == ("take", "before"):
                queued(door, *(text(str(next(number))) for _ in range(64)))
                await asyncio.sleep(1)

        door.store.interrupt = flood
        async with running(door.intake.run()):
            await asyncio.sleep(5)
            assert door.intake.behind
            await asyncio.sleep(10)
            assert not door.intake.behind

    run_virtual(main())


def test_a_long_queue_is_traded_once() -> None:
    """Five hundred portfolios queued for one account: only the last is bought, all others were superseded."""

    async def main() -> None:
        world = World(Scenario(accounts=(AccountSettings(number="DU1234567"),)))
        for number in range(500):
            targets = [{"symbol": "SPY", "weight": round(0.2 + number / 1000, 3)}]
            world.publish(text(f"{number:03d}", account="DU1234567", targets=targets, completeness="partial"))
        world.start()
        await world.settle()
        await world.close()
        assert world.problems() == []
        outcomes = {record.event.id: record.outcome for record in world.store.records.values()}
        assert outcomes.pop("499") is Outcome.COMPLETED
        assert set(outcomes.values()) == {Outcome.SUPERSEDED}

    run_virtual(main())
