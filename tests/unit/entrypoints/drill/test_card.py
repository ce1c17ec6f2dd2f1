from __future__ import annotations

import json
from pathlib import Path

import pytest

from event_processor.entrypoints.drill import report
from event_processor.entrypoints.drill.card import Card, Check, DrillSkipped, Result, Verdict, judged
from event_processor.entrypoints.drill.catalogue import CARDS
from event_processor.entrypoints.drill.place import Place
from event_processor.entrypoints.drill.stage import Stage
from tests.support.builders import ACCOUNT


async def nothing(_: Stage) -> None:
    """A card that checks nothing."""


CARD = Card("D-98", "a card", "a test is a test", ("look",), {"one": "first", "two": "second"}, nothing)
GOOD = (Check("one", "first", ok=True, seen="a"), Check("two", "second", ok=True, seen="b"))
ABOUT = {"version": "1", "gateway": "simulator"}


def stage_of(card: Card = CARD) -> Stage:
    return Stage(card, Place("127.0.0.1", 1), ACCOUNT, "SPY", "run")


def test_a_card_passes_when_every_criterion_was_checked_and_holds() -> None:
    """Only then."""
    assert judged(CARD, GOOD, {}, 1.0).verdict is Verdict.PASSED


def test_a_criterion_nobody_checked_fails_the_card() -> None:
    """A card that was cut short cannot pass by saying nothing."""
    found = judged(CARD, GOOD[:1], {}, 1.0)
    assert (found.verdict, found.reason) == (Verdict.FAILED, "never checked: second")


def test_a_broken_criterion_fails_the_card_with_what_was_seen() -> None:
    """The reason names the criterion and the value."""
    found = judged(CARD, (GOOD[0], Check("two", "second", ok=False, seen="17")), {}, 1.0)
    assert (found.verdict, found.reason) == (Verdict.FAILED, "second (seen: 17)")


def test_a_stage_takes_only_checks_of_its_card() -> None:
    """A misspelt criterion is a mistake in the card, not a check."""
    stage = stage_of()
    stage.check("one", ok=1, seen=[1])
    assert stage.checks == [Check("one", "first", ok=True, seen="[1]")]
    with pytest.raises(KeyError):
        stage.check("three", ok=True, seen="")


def test_what_needs_a_person_is_skipped_without_one() -> None:
    """Nobody at the screen is no verdict on the broker."""
    with pytest.raises(DrillSkipped):
        stage_of().ask("log in")


def test_each_session_of_a_drill_has_orders_of_its_own() -> None:
    """Two traders of one card never share an orderRef."""
    stage = stage_of()
    runs = [stage.trader(), stage.trader()]
    assert len({id(run) for run in runs}) == stage._traders == 2  # noqa: SLF001 - counted for the orderRef
    assert stage.settings(1).client_id == stage.settings().client_id + 1


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.number)
def test_every_card_says_what_it_is_about(card: Card) -> None:
    """A number, steps and criteria in words, and a bound."""
    assert card.title
    assert card.confirms
    assert card.steps
    assert card.passes
    assert card.seconds > 0


def test_the_report_is_written_for_programs_and_for_people(tmp_path: Path) -> None:
    """Both hold every card with its checks and what else was seen; the counts add up."""
    results = [
        judged(CARD, GOOD, {"latency": "3 ms"}, 1.0),
        Result(CARD, Verdict.SKIPPED, "nobody there", 0.0),
        judged(CARD, (), {}, 0.1),
    ]
    machine, readable = report.write(tmp_path / "drill.json", ABOUT, results)
    told = json.loads(machine.read_text(encoding="utf-8"))
    assert (told["passed"], told["skipped"], told["failed"]) == (1, 1, 1)
    assert told["cards"][0]["checks"][0] == {"name": "one", "criterion": "first", "ok": True, "seen": "a"}
    words = readable.read_text(encoding="utf-8")
    for expected in ("D-98 a card: passed", "ok: first (seen: a)", "latency: 3 ms", "nobody there", "never checked"):
        assert expected in words


@pytest.mark.parametrize("name", ["report.json", "report.md", "report"])
def test_the_two_forms_of_the_report_never_overwrite_each_other(tmp_path: Path, name: str) -> None:
    """Whichever name is given."""
    machine, readable = report.write(tmp_path / name, ABOUT, [])
    assert machine != readable
    assert json.loads(machine.read_text(encoding="utf-8"))["cards"] == []
    assert readable.suffix == ".md"
