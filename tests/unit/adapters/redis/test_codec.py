"""Stored text: exact both ways, and strict."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_processor.adapters.redis.codec import dump, load, to_json
from event_processor.adapters.redis.codec_record import changes, plain, record_of, remembered
from event_processor.domain.contract import TradingInterval
from event_processor.domain.ids import AccountId
from event_processor.domain.intent import Fill, OrderIntent
from event_processor.domain.plan import Plan
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote
from event_processor.errors import InvariantViolated
from event_processor.ports import Lease, Pause
from tests.support.builders import ACCOUNT, AT
from tests.support.records import accepted, closed, event, filled, note, planned, submitting

WHOLE = plain(closed(submitting(filled(submitting(planned(accepted()))), 1)))
VALUES = {
    "plan": WHOLE.plan,
    "filled": WHOLE.intents[0],
    "submitting": WHOLE.intents[1],
    "note": note(Outcome.COMPLETED, "end", drift="0.1", lines=[1, None, True]),
    "lease": Lease(ACCOUNT, "one", 7, 12.5),
    "lease of whole seconds": Lease(ACCOUNT, "one", 7, 12),
    "pause": Pause("all", "a reason — “quoted”\n", AT, held=True),
}
EVENT = event(metadata={"note": "ünïcode", "number": 1.50}, expires_at="2026-01-05T16:00:00.5+01:00")


def stored(record: EventRecord) -> dict[str, str]:
    """The hash fields of a record, all of them."""
    return dict(changes(record, None).put)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values_come_back_equal(value: Plan | OrderIntent | OutcomeNote | Lease | Pause) -> None:
    """Whatever is dumped is loaded as it was, from plain ASCII with a version."""
    text = dump(value)
    assert text.isascii()
    assert json.loads(text)["v"] == 1
    assert load(type(value), text) == value


@pytest.mark.parametrize(
    "record", [replace(accepted(), event=EVENT), planned(accepted()), WHOLE], ids=lambda record: record.stage
)
def test_records_come_back_equal(record: EventRecord) -> None:
    """A record in every stage is read as written, its event and its expiry included."""
    assert record_of(stored(record)) == record


def test_an_event_longer_in_canonical_form_than_a_body_may_be_is_read_back() -> None:
    """The limit on a producer's body does not make our own copy unreadable."""
    record = accepted()
    body = event(metadata={"text": "界" * 60_000})
    record = replace(record, event=body)
    assert len(stored(record)["event"]) > 256 * 1024
    assert record_of(stored(record)) == record


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_finite_number_keeps_its_digits(number: Decimal) -> None:
    """Decimals are exact to the last digit and exponent."""
    fill = Fill("x", number, number)  # type: ignore[arg-type]
    found = load(Fill, dump(fill))
    assert found.price.as_tuple() == number.as_tuple()


@given(st.datetimes(timezones=st.just(UTC)), st.text(), st.text(max_size=8))
def test_every_time_and_text_is_kept(at: datetime, reason: str, scope: str) -> None:
    """Times keep every microsecond, texts all their characters, surrogates included."""
    pause = Pause(scope, reason, at)
    assert load(Pause, dump(pause)) == pause


def test_times_are_stored_in_utc() -> None:
    """A time of another zone is the same instant, written with Z."""
    at = datetime(2026, 1, 5, 16, 0, tzinfo=timezone(timedelta(hours=1)))
    assert to_json(at) == "2026-01-05T15:00:00Z"


@pytest.mark.parametrize(
    "value",
    [
        Decimal("NaN"),
        Decimal("Infinity"),
        float("nan"),
        float("inf"),
        AT.replace(tzinfo=None),
        {1: "x"},
        {"x": {1, 2}},
        b"bytes",
        ...,
    ],
    ids=repr,
)
def test_what_has_no_exact_text_is_refused(value: object) -> None:
    """Nothing is stored that would come back as something else."""
    with pytest.raises(InvariantViolated, match="cannot be stored"):
        to_json(value)


REMOVED = "removed"


def changed(record: EventRecord, place: str, value: object) -> dict[str, str]:
    """The stored record with one value changed: `field/name/number/...`."""
    name, *path, last = place.split("/")
    fields = stored(record)
    whole = data = json.loads(fields[name])
    for step in path:
        data = data[int(step)] if isinstance(data, list) else data[step]
    if value == REMOVED:
        del data[last]
    else:
        data[last] = value
    return {**fields, name: json.dumps(whole)}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("head/v", 2),
        ("head/mood", "sunny"),
        ("head/stage", "pondering"),
        ("head/outcome", "pondering"),
        ("plan/v", None),
        ("plan/lines/0/colour", "red"),
        ("i:000/leg/contract/moon", 1),
        ("event/type", "rebalance.requested.v2"),
        ("event/data/novelty", 1),
    ],
)
def test_what_a_newer_version_wrote_is_refused(place: str, value: object) -> None:
    """An unknown version, field or word is never guessed at."""
    with pytest.raises(InvariantViolated, match="newer version"):
        record_of(changed(WHOLE, place, value))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("head/digest", REMOVED, "lacks digest"),
        ("head/digest", 7, "digest"),
        ("head/accepted_at", "yesterday", "not a time"),
        ("head/accepted_at", "2026-01-05T15:00:00", "without its zone"),
        ("head/revision", "1", "revision"),
        ("plan/cash", 10.5, "cash"),
        ("plan/cash", "NaN", "finite"),
        ("plan/cash", "much", "not a number"),
        ("plan/legs", {}, "legs"),
        ("plan/lines", [7], "not an object"),
        ("i:001/ref", "somebody-elses", "orderRef"),
        ("i:001/sent", True, "sent"),
    ],
    ids=repr,
)
def test_damage_is_refused(place: str, value: object, words: str) -> None:
    """A stored value of the wrong kind is named, with its place."""
    with pytest.raises(InvariantViolated, match=words):
        record_of(changed(WHOLE, place, value))


@pytest.mark.parametrize("name", ["head", "event", "plan", "i:001"])
def test_a_missing_part_is_refused(name: str) -> None:
    """A record without one of its parts is not read as a smaller record."""
    fields = stored(WHOLE)
    del fields[name]
    with pytest.raises(InvariantViolated, match=name):
        record_of(fields)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null"])
def test_text_that_is_no_object_is_refused(text: str) -> None:
    """Broken JSON and other values are told apart from a record."""
    for name in ("head", "plan", "i:000", "event"):
        with pytest.raises(InvariantViolated):
            record_of({**stored(WHOLE), name: text})


def test_a_field_an_older_version_did_not_know_takes_its_default() -> None:
    """What was written before a field existed can be read."""
    fields = changed(WHOLE, "i:000/note", REMOVED)
    assert record_of(fields).intents[0] == replace(WHOLE.intents[0], note="")


def test_market_hours_that_an_older_version_kept_in_a_plan_are_read() -> None:
    """Plans used to hold the hours of all their contracts."""
    hours = [{"opens": "2026-01-05T14:30:00Z", "closes": "2026-01-05T21:00:00Z"}]
    plan = record_of(changed(WHOLE, "plan/lines/0/contract/liquid_hours", hours)).plan
    assert plan is not None
    assert plan.lines[0].contract.liquid_hours == (
        TradingInterval(AT.replace(hour=14, minute=30), AT.replace(hour=21)),
    )


def test_only_what_changed_is_sent() -> None:
    """After a step of one intent neither the event, the plan nor the other intents go over the wire."""
    before = planned(accepted())
    after = submitting(before, 1, order_id=9, client_id=3)
    delta = changes(after, before)
    assert set(delta.put) == {"head", "i:001"}
    assert delta.order_ids == {3: 9}
    assert record_of({**stored(before), **delta.put}) == after


def test_without_a_known_record_everything_is_sent() -> None:
    """A writer that never saw the stored record sends all of it."""
    assert set(changes(WHOLE, None).put) == {"head", "event", "plan", "i:000", "i:001"}


def test_a_remembered_event_keeps_its_own_digest_and_end() -> None:
    """Of a long closed event the head is left: how it ended, and the digest to judge a repeat by."""
    repeat = replace(accepted(reason="another body"), account=AccountId("DU1"))
    found = remembered(repeat, changes(WHOLE, None).head)
    assert (found.digest, found.outcome, found.closed_at) == (WHOLE.digest, WHOLE.outcome, WHOLE.closed_at)
    assert (found.event, found.plan, found.intents) == (repeat.event, None, ())
