"""The judges of a run speak: of a run in which nothing was wrong, one thing at a time is made to look wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from event_processor.domain.ids import OrderRef
from event_processor.domain.record import EventRecord, Outcome, Stage
from tests.support.builders import event_text
from tests.support.checkers import Checkers
from tests.support.stories import ACCOUNT, WEIGHTS, mixed
from tests.support.virtual_time import run_virtual
from tests.support.world import World

TARGETS = [{"symbol": symbol, "weight": weight * 0.9} for symbol, weight in WEIGHTS.items()]
Edit = Callable[[EventRecord], EventRecord]


@pytest.fixture(scope="module")
def world() -> World:
    """A run that is over, of an event with a cash reserve."""

    async def story() -> World:
        world = World(mixed())
        world.start()
        world.publish(event_text(account=ACCOUNT, targets=TARGETS, cash={"reserve": 0.1}))
        await world.settle()
        await world.close()
        return world

    done = run_virtual(story())
    assert done.problems() == []
    return done


def _intents(record: EventRecord, **changes: Any) -> EventRecord:  # noqa: ANN401 - any field
    first, *others = record.intents
    return replace(record, intents=(replace(first, **changes), *others))


def _plan(record: EventRecord, **changes: Any) -> EventRecord:  # noqa: ANN401 - any field
    assert record.plan is not None
    return replace(record, plan=replace(record.plan, **changes))


def _line(record: EventRecord, **changes: Any) -> EventRecord:  # noqa: ANN401 - any field
    assert record.plan is not None
    first, *others = record.plan.lines
    return _plan(record, lines=(replace(first, **changes), *others))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda r: _intents(r, ref=OrderRef("0123456789abcdef", 1)), "is not the reference of order 1"),
        (lambda r: _intents(r, fills=()), "the books have 0 executed"),
        (lambda r: _intents(r, fills=(replace(r.intents[0].fills[0], commission=Decimal(9)),)), "the books have 9"),
        (lambda r: _intents(r, leg=replace(r.intents[0].leg, quantity=Decimal(1))), " of 1 planned"),
        (lambda r: replace(r, intents=r.intents[1:]), "which nobody recorded"),
        (lambda r: _line(r, target=Decimal(1)), "although completed"),
        (lambda r: _line(r, ideal=Decimal(1)), "more than one share off"),
        (lambda r: _line(r, held=Decimal(1)), "held, not"),
        (lambda r: _plan(r, cash=Decimal(90_000)), "cash, not"),
        (lambda r: _plan(r, reserve=Decimal(0)), "its plan keeps 0"),
        (lambda r: _plan(r, reserve=Decimal(60_000), cash=Decimal(60_000)), "below"),
        (lambda r: _plan(r, slippage=Decimal(90_000)), "lets prices slip"),
        (lambda r: replace(r, outcome=Outcome.NO_CHANGE), "the exchange has its orders"),
        (lambda r: replace(r, outcome=Outcome.FAILED), "shares were executed"),
        (lambda r: replace(r, outcome=Outcome.PARTIAL), "is partial with"),
        (lambda r: replace(r, outcome=Outcome.SUPERSEDED), "none is newer"),
        (lambda r: replace(r, outcome=Outcome.EXPIRED), "before its time"),
        (lambda r: replace(r, outcome=Outcome.PARTIAL), "the outcome stream says"),
        (lambda r: replace(r, stage=Stage.PLANNED), "ended as planned"),
    ],
)
def test_books_that_differ_from_what_happened(
    world: World, monkeypatch: pytest.MonkeyPatch, edit: Edit, words: str
) -> None:
    """The record is judged by the ledger, by the event as it was published, and by what was told."""
    [(key, record)] = world.store.records.items()
    monkeypatch.setitem(world.store.records, key, edit(record))
    assert any(words in problem for problem in world.problems()), world.problems()


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("order_accepted", {"permId": 5}, "accepted"),
        ("execution", {}, "explained"),
        ("execution", {"orderRef": "rb0123456789abcdef-001-1"}, "which nobody recorded"),
        ("position", {"quantity": "7"}, "explained"),
    ],
)
def test_a_ledger_with_one_entry_too_many(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str, changes: dict[str, object], words: str
) -> None:
    """An order twice, an execution twice, one of nobody's, a position that nothing explains."""
    ledger = world.sim.ledger
    more: Any = {**ledger.of(kind)[-1], **changes}
    monkeypatch.setattr(ledger, "entries", [*ledger.entries, more])
    assert any(words in problem for problem in world.problems()), world.problems()


def test_the_pace_is_judged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty messages in any one second, and not one more."""
    monkeypatch.setattr(world.sim.ledger, "_busiest", {17: 50})
    assert world.problems() == []
    monkeypatch.setattr(world.sim.ledger, "_busiest", {17: 51})
    assert world.problems() == ["51 messages were sent in one second"]


def test_what_is_told_is_judged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each end once, with one content; dead letters whole and once."""
    told, store = world.store.outcomes, world.store
    [entry_id] = store.entries
    letter = {"entry_id": str(entry_id), "event": store.entries[entry_id]["event"]}
    cases: list[tuple[str, list[Any], str]] = [
        ("outcomes", told[:-1], "the outcome stream says []"),
        ("outcomes", [*told, {**told[-1], "time": "later"}], "with two contents"),
        ("outcomes", [*told, {**told[-1], "id": "another"}], "the outcome stream says"),
        ("dead", [{**letter, "event": letter["event"][:-1]}], "is not whole"),
        ("dead", [letter, letter], "buried twice"),
    ]
    for name, value, words in cases:
        with monkeypatch.context() as patch:
            patch.setattr(store, name, value)
            assert any(words in problem for problem in world.problems()), words


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda r: replace(r, stage=Stage.PLANNED), "was acknowledged while its event was planned"),
        (lambda r: replace(r, stage=Stage.PLANNED), "before the store had it"),
        (lambda r: replace(r, event=r.event.model_copy(update={"subject": "other"})), "says something else"),
        (lambda _: None, "nothing is known of it"),
    ],
)
def test_what_is_acknowledged_and_told_too_early(
    world: World, monkeypatch: pytest.MonkeyPatch, edit: Callable[[EventRecord], EventRecord | None], words: str
) -> None:
    """Before the end is durable, or for something else than what the entry says."""
    [(key, record)] = world.store.records.items()
    changed = edit(record)
    if changed is None:
        monkeypatch.delitem(world.store.records, key)
    else:
        monkeypatch.setitem(world.store.records, key, changed)
    checkers = Checkers(world.sim, world.store)
    checkers.acknowledged()
    checkers.published()
    assert any(words in problem for problem in checkers.verdict()), checkers.verdict()
