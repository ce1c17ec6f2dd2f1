from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from event_processor.domain.facts import EntryDeadLettered, EventClosed, EventRepeated
from event_processor.domain.record import Outcome, Stage
from tests.support.admitting import Door, soon
from tests.support.builders import ACCOUNT, AT, event_body, event_text
from tests.support.making import running
from tests.support.memory_store import Moment
from tests.support.virtual_time import run_virtual


def test_an_event_is_remembered_before_it_is_handed_on_and_acknowledged_when_closed() -> None:
    """Accepted durably with its note, dispatched once, and its entry stays ours until the journal closed it."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            entry_id = door.store.publish(event_text())
            await soon()
            assert (door.record.stage, door.record.account, door.record.entry_id) == (Stage.ACCEPTED, ACCOUNT, entry_id)
            assert door.dispatched == [door.record]
            assert door.outcomes() == [Outcome.ACCEPTED]
            await asyncio.sleep(1000)
            assert entry_id in door.store.pending
            assert door.intake.pending == 1
            door.close()
            await soon()
            door.check_done_with(entry_id)
            assert door.intake.pending == 0
            assert len(door.dispatched) == 1

    run_virtual(main())


def test_the_expiry_is_the_events_own_or_the_default() -> None:
    """Every accepted event has an end of life."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            door.store.publish(event_text())
            await soon()
            door.store.publish(json.dumps({**event_body(expires_at="2026-01-05T15:10:00Z"), "id": "short"}))
            await soon()
        lives = sorted(record.expires_at - AT for record in door.dispatched)
        assert lives == [timedelta(minutes=10), timedelta(hours=1)]

    run_virtual(main())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"event": "not json"}, "not JSON"),
        ({"event": "{}"}, "data"),
        ({"payload": "x", "more": "y"}, "no field `event`"),
        ({"event": event_text(targets=[])}, "targets"),
        ({"event": event_text(metadata=0).replace(": 0}", ': {"a": 1e9999999999999999999999}}')}, "metadata"),
        ({"event": event_text().replace("0.6", "1e999999").replace("0.4", "1")}, "weight"),
    ],
)
def test_a_malformed_entry_is_dead_lettered_whole(fields: dict[str, str], words: str) -> None:
    """With its body or all of its fields, with the reason in words; it is acknowledged and nothing is accepted."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            entry_id = door.store.add(fields)
            good = door.store.publish(event_text())
            await soon()
            [dead] = door.store.dead
            assert dead["entry_id"] == entry_id
            assert words in dead["reason"]
            assert dead["event"] == fields.get("event", dead["event"])
            assert "event" in fields or json.loads(dead["event"]) == fields
            assert [fact.entry_id for fact in door.facts.of(EntryDeadLettered)] == [entry_id]
            door.check_done_with(entry_id)
            assert door.record.entry_id == good

    run_virtual(main())


def test_a_repeat_is_acknowledged_and_has_no_effect() -> None:
    """The same source, id and content under another entry, also in another spelling: told, nothing else."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            door.store.publish(event_text())
            respelled = json.dumps(dict(reversed(event_body().items())), indent=3)
            repeats = [door.store.publish(body) for body in (event_text(), respelled)]
            await soon()
            assert len(door.dispatched) == 1
            for entry_id in repeats:
                door.check_done_with(entry_id)
            assert door.record.entry_id in door.store.pending
            door.close()
            late = door.store.publish(event_text())
            await soon()
            door.check_done_with(late)
            assert len(door.facts.of(EventRepeated)) == 3
            assert door.outcomes() == [Outcome.ACCEPTED]
            assert door.store.dead == []

    run_virtual(main())


def test_another_body_under_a_known_id_is_a_conflict() -> None:
    """The second is dead-lettered and says where the first is; the first goes on untouched."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            door.store.publish(event_text())
            await soon()
            before = door.record
            second = door.store.publish(event_text(reason="changed my mind"))
            await soon()
            [dead] = door.store.dead
            assert dead["entry_id"] == second
            assert before.entry_id in dead["reason"]
            assert [fact.reason_code for fact in door.facts.of(EntryDeadLettered)] == ["conflict"]
            assert door.record == before
            assert len(door.dispatched) == 1

    run_virtual(main())


@pytest.mark.parametrize(
    ("account", "code"), [("resting", "not_armed"), ("real", "trading_mode"), ("nobody", "account_unknown")]
)
def test_a_refused_event_is_journalled_before_it_is_acknowledged(account: str, code: str) -> None:
    """Rejected with its reason, durably, for the producer to read; then acknowledged; never dispatched."""

    async def main() -> None:
        door, calls = Door(), list[str]()

        async def record(call: str, moment: Moment) -> None:
            if moment == "after":
                calls.append(call)

        door.store.interrupt = record
        async with running(door.intake.run()):
            entry_id = door.store.publish(event_text(account=account))
            await soon()
        door.check_done_with(entry_id)
        assert (door.record.stage, door.record.outcome, door.record.reason_code) == (
            Stage.CLOSED,
            Outcome.REJECTED,
            code,
        )
        assert door.outcomes() == [Outcome.REJECTED]
        assert calls.index("accept") < calls.index("acknowledge")
        assert [(fact.outcome, fact.reason_code) for fact in door.facts.of(EventClosed)] == [(Outcome.REJECTED, code)]
        assert door.facts.of(EventRepeated) == []
        assert door.dispatched == []

    run_virtual(main())


def test_an_account_that_is_not_armed_gets_its_dry_run() -> None:
    """Looking costs nothing, so a dry run is accepted where an order is not."""

    async def main() -> None:
        door = Door()
        async with running(door.intake.run()):
            door.store.publish(event_text(account="resting", dry_run=True))
            await soon()
        assert [record.account for record in door.dispatched] == ["DU7654321"]

    run_virtual(main())
