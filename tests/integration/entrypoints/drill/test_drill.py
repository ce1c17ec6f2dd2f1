"""Every card on the simulator, and what becomes of a drill where it must not be played."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from event_processor.entrypoints.cli import app
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.drill import sessions
from event_processor.entrypoints.drill.card import Card, DrillFailed, Result, Verdict
from event_processor.entrypoints.drill.catalogue import BY_NUMBER, CARDS
from event_processor.entrypoints.drill.performance import SIMULATED_ACCOUNT, Drill, find_account, perform
from event_processor.entrypoints.drill.place import Place
from event_processor.errors import GatewayDisconnected
from gateway_simulator.server import Server
from tests.support.gateway import HOST, gateway


async def played(drill: Drill, cards: Sequence[Card]) -> list[Result]:
    """The results, in order."""
    return [result async for result in perform(drill, cards)]


def at(server: Server) -> Drill:
    """A drill at a gateway that it may not interfere with."""
    return Drill(Place(HOST, server.port), SIMULATED_ACCOUNT, "SPY")


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.number)
async def test_every_card_passes_on_the_simulator(card: Card) -> None:
    """The simulator behaves as the cards say the broker does."""
    [result] = await played(Drill(None, SIMULATED_ACCOUNT, "SPY"), [card])
    assert result.verdict is Verdict.PASSED, result
    assert {check.name for check in result.checks} == set(card.passes)


async def test_a_drill_at_a_gateway_leaves_nothing_behind() -> None:
    """The cards that play by themselves pass where nobody interferes; no order and no share is left."""
    numbers = ("D-26", "D-01", "D-02", "D-03", "D-05", "D-06", "D-07", "D-27")
    async with gateway() as running:
        results = await played(at(running.server), [BY_NUMBER[number] for number in numbers])
        assert {result.card.number: result.reason for result in results if result.verdict is not Verdict.PASSED} == {}
        assert list(running.sim.book.working()) == []
        positions = [entry["quantity"] for entry in running.sim.ledger.of("position")]
        assert str(positions[-1]) == "0"


async def test_cards_that_need_a_person_or_hours_are_skipped() -> None:
    """Nobody is at the screen, and nobody asked for the long ones by number; the order of the card is withdrawn."""
    async with gateway() as running:
        results = await played(at(running.server), [BY_NUMBER[number] for number in ("D-08", "D-09", "D-12")])
        assert [result.verdict for result in results] == [Verdict.SKIPPED] * 3
        assert "--card D-12" in results[2].reason
        assert list(running.sim.book.working()) == []


async def test_an_acknowledgement_that_never_comes_fails_the_card() -> None:
    """What did not happen is the reason."""
    async with gateway() as running:
        running.do("order", side="BUY", count=1, swallow=True)
        [result] = await played(at(running.server), [BY_NUMBER["D-03"]])
        assert (result.verdict, "no sign of the acknowledgement" in result.reason) == (Verdict.FAILED, True)


async def test_a_broker_slower_than_the_card_says_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client id that stays in use too long: the criterion is named with what was seen."""
    monkeypatch.setattr(sessions, "FREE_SECONDS", 0.3)
    async with gateway() as running:
        running.do("busy_client_ids", seconds=1)
        [result] = await played(at(running.server), [BY_NUMBER["D-05"]])
        assert result.verdict is Verdict.FAILED
        assert [check.name for check in result.checks if not check.ok] == ["free"]


@pytest.mark.parametrize(("name", "wanted"), [("live-account", ""), ("plain", "U1234567"), ("plain", "DU9999999")])
async def test_a_drill_is_refused_before_anything_is_sent(name: str, wanted: str) -> None:
    """A live login, a live account by name, and an account of another login: no order reaches the gateway."""
    async with gateway(name) as running:
        with pytest.raises(DrillFailed):
            await find_account(Place(HOST, running.port), wanted)
        assert running.sim.ledger.of("order_received") == []


async def test_the_account_is_found_or_has_to_be_chosen() -> None:
    """One account needs no naming, several do."""
    async with gateway() as running:
        assert await find_account(Place(HOST, running.port), "") == SIMULATED_ACCOUNT
    async with gateway("multi-account") as running:
        with pytest.raises(DrillFailed, match="--account"):
            await find_account(Place(HOST, running.port), "")
        assert await find_account(Place(HOST, running.port), "DU7654321") == "DU7654321"


async def test_a_gateway_that_is_not_there_is_told() -> None:
    """No session, no drill."""
    with pytest.raises(GatewayDisconnected):
        await find_account(Place(HOST, 1), "")


def call(*words: str) -> Any:  # noqa: ANN401 - what the runner gives
    return CliRunner().invoke(app, ["drill", *words])


def test_the_command_plays_chosen_cards_and_writes_its_report(tmp_path: Path) -> None:
    """A table for people, the report as JSON and text, exit code 0."""
    file = tmp_path / "report.json"
    result = call("--card", "D-26", "--card", "D-27", "--report", str(file))
    assert result.exit_code == Exit.OK, result.output
    told = json.loads(file.read_text(encoding="utf-8"))
    assert [card["card"] for card in told["cards"]] == ["D-26", "D-27"]
    assert (told["passed"], told["gateway"]) == (2, "simulator")
    assert "what-if: passed" in file.with_suffix(".md").read_text(encoding="utf-8")


def test_the_command_lists_the_cards_without_playing_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number with what it confirms; no report."""
    monkeypatch.chdir(tmp_path)
    result = call("--list")
    assert result.exit_code == Exit.OK
    assert all(card.number in result.output for card in CARDS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("--card", "D-99"), ("--gateway", "nowhere"), ("--gateway", "host:0")])
def test_wrong_calls_are_refused_in_words(words: tuple[str, ...]) -> None:
    """A card that no program can play, and a gateway that is no address."""
    assert call(*words).exit_code == Exit.USAGE
