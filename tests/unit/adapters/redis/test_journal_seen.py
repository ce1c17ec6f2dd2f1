from __future__ import annotations

from dataclasses import replace

from event_processor.adapters.redis.journal_seen import DOUBTS_MAX, SEEN_MAX, Seen
from event_processor.domain.ids import EventKey
from event_processor.domain.record import Outcome
from tests.support.records import accepted, closed, note, planned

RECORD = replace(planned(accepted()), revision=2)


def test_a_record_stands_for_its_own_write_and_revision_only() -> None:
    """Whatever was written since by anybody is another record."""
    seen = Seen()
    assert not seen.has(RECORD.key)
    seen.keep(RECORD, "w2")
    assert seen.has(RECORD.key)
    assert seen.at(RECORD.key, "w2") == RECORD
    assert seen.at(RECORD.key, "w3") is None
    assert seen.base(RECORD) == (RECORD, "w2")
    assert seen.base(replace(RECORD, revision=1)) == (None, "")


def test_what_is_small_or_over_is_not_kept() -> None:
    """Only what is worked on is large enough to be worth it."""
    seen = Seen()
    for record in (accepted(), closed(RECORD)):
        seen.keep(RECORD, "w2")
        seen.keep(record, "w3")
        assert seen.base(RECORD) == (None, "")


def test_of_many_records_the_latest_seen_are_kept() -> None:
    """They are large; those that are worked on now are those that save something."""
    seen = Seen()
    records = [replace(RECORD, key=EventKey(str(number))) for number in range(SEEN_MAX + 2)]
    for record in records:
        seen.keep(record, "w2")
    assert [seen.has(record.key) for record in records] == [False, False, *[True] * SEEN_MAX]


def test_a_write_in_doubt_is_known_until_the_store_has_answered() -> None:
    """The same call goes out under the same id; once one is in, those before it cannot come any more."""
    seen = Seen()
    assert seen.write_id(RECORD, [note()], "a") == "a"
    assert seen.write_id(RECORD, [note(Outcome.COMPLETED)], "b") == "b"
    assert seen.write_id(RECORD, [note()], "c") == "a"
    assert [seen.doubtful(RECORD.key, name) for name in "abc"] == [True, True, False]
    seen.answered(RECORD.key, "a", written=False)
    assert [seen.doubtful(RECORD.key, name) for name in "ab"] == [False, True]
    seen.answered(RECORD.key, "other", written=True)
    assert not seen.doubtful(RECORD.key, "b")


def test_doubts_are_bounded() -> None:
    """The oldest of too many is given up."""
    seen = Seen()
    for number in range(DOUBTS_MAX + 1):
        seen.write_id(RECORD, [note(mark=str(number))], str(number))
    assert [seen.doubtful(RECORD.key, str(number)) for number in (0, 1, DOUBTS_MAX)] == [False, True, True]
