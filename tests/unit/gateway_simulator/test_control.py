from __future__ import annotations

import json

import pytest

from gateway_simulator import __main__ as command
from gateway_simulator.actions import catalogue
from gateway_simulator.control import ControlConnection, help_text
from tests.unit.gateway_simulator.conftest import World


class Wire:
    """What a control connection writes to."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.lines.append(data)


def talk(world: World, *requests: bytes) -> list[dict[str, object]]:
    """Send lines to a control connection; returns its answers."""
    wire = Wire()
    connection = ControlConnection(world.sim)
    connection.connection_made(wire)  # type: ignore[arg-type]
    for request in requests:
        connection.data_received(request)
    connection.connection_lost(None)
    return [json.loads(line) for line in wire.lines]


def test_a_command_is_carried_out(world: World) -> None:
    """An action with its parameters, also when the line comes in pieces."""
    answers = talk(world, b'{"action": "pri', b'ce", "symbol": "SPY", "price": 1}\n{"action": "status"}\n')
    assert [answer["ok"] for answer in answers] == [True, True]
    assert world.sim.market.price(world.sim.universe.by_symbol("SPY", sec_type="STK"), 0) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nonsense\n", "not JSON"),
        (b"[1]\n", "is an object"),
        (b'{"action": 4}\n', "is an object"),
        (b'{"action": "explode"}\n', "unknown action"),
        (b"x" * 70_000, "at most"),
    ],
)
def test_a_mistake_is_answered_in_words(world: World, line: bytes, words: str) -> None:
    """Not JSON, no object, no such action, too long: the connection lives on."""
    answer, good = talk(world, line, b'\n{"action": "status"}\n' if len(line) < 70_000 else b'{"action": "status"}\n')
    assert answer["ok"] is False
    assert words in str(answer["error"])
    assert good["ok"] is True


def test_the_ledger_can_be_read_and_followed(world: World) -> None:
    """All entries of a kind, and new ones as they are written."""
    answers = talk(
        world, b'{"action": "ledger", "kind": "cash"}\n', b'{"action": "follow"}\n{"action": "halt", "symbol": "SPY"}\n'
    )
    entries = answers[0]["entries"]
    assert isinstance(entries, list)
    assert [entry["kind"] for entry in entries] == ["cash"]
    followed = [answer["entry"] for answer in answers if "entry" in answer]
    assert [entry["kind"] for entry in followed if isinstance(entry, dict)] == ["action"]
    assert world.sim.ledger.on_entry == []


def test_help_names_every_action() -> None:
    """The help is made from the actions and leaves none out."""
    text = help_text()
    assert all(name in text for name in catalogue())


def test_the_clock_can_be_advanced_by_control(world: World) -> None:
    """On a manual clock, `advance` makes things happen."""
    world.place(1)
    (answer,) = talk(world, b'{"action": "advance", "seconds": 1}\n')
    assert answer["ok"] is True
    assert world.client.statuses[-1] == "Filled"


def test_the_command_line_lists_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its description."""
    assert command.main(["--list-scenarios"]) == 0
    assert "lost-acknowledgement" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["--scenario", "nope"], ["control", "--port", "1", "status"], ["control", "--port", "1", "a", "b"]]
)
def test_the_command_line_fails_in_words(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """No such scenario, nobody on the control port, a parameter without value: a sentence and a code above 0."""
    assert command.main(arguments) > 0
    assert capsys.readouterr().err.startswith("gateway_simulator: ")
