from __future__ import annotations

import pytest

from gateway_simulator.actions import Actions, catalogue
from gateway_simulator.control import help_text
from gateway_simulator.stand_in.actions import StandInActions
from gateway_simulator.stand_in.machine import locked_words, step
from gateway_simulator.stand_in.table import TABLE, TIMERS, WINDOWS
from gateway_simulator.stand_in.words import Input, Login, Rules, State
from tests.tidy.sources import ROOT

ALL = [(state, given) for state, row in TABLE.items() for given in row]
SCREENLESS = {State.OFF, State.ENDED}


def test_every_state_is_reached_and_left() -> None:
    """No state of the table is dead: something leads to each, and out of each but the last."""
    reached = {move.to for row in TABLE.values() for move in row.values()}
    assert set(State) - reached == {State.OFF}
    assert [state for state, row in TABLE.items() if not any(move.to is not state for move in row.values())] == [
        State.ENDED
    ]
    assert set(TABLE) == set(State)


def test_every_state_has_its_window() -> None:
    """A person always sees a window with the real title, but before the start and after the end."""
    assert set(State) - set(WINDOWS) == SCREENLESS


def test_timers_mean_something_where_they_ring() -> None:
    """What happens by itself in a state is in its row, or a rule turns it into something that is."""
    rules = [Rules(), Rules("a", "b", relogin=False), Rules("a", "b", relogin=True, existing_action="primary")]
    silent = [
        (state, given)
        for state, entries in TIMERS.items()
        for given, _ in entries
        if all(step(Login(state), given, each, 0.0) is None for each in rules)
    ]
    assert silent == []


@pytest.mark.parametrize(("state", "given"), ALL)
def test_each_move_says_what_can_be_said(state: State, given: Input) -> None:
    """No text of the table asks for a word that nobody knows, whatever the rules."""
    results = [step(Login(state), given, rules, 100.0) for rules in (Rules(), Rules("a", "b", relogin=False))]
    effects = [effect for result in results if result is not None for effect in result[1]]
    assert any(result is not None for result in results)
    assert not any("{" in str(effect) for effect in effects)


def test_the_brokers_waiting_time_reads_as_the_real_one() -> None:
    """IBC reads minutes and seconds out of these words."""
    assert "Please wait 53 seconds before" in locked_words(53)
    assert "Please wait 4 minutes & 47 seconds before" in locked_words(287)
    assert "Please wait 1 minute before" in locked_words(60)


def test_the_image_knows_all_actions_of_the_simulator_and_more() -> None:
    """`control help` of the image lists both."""
    added = set(catalogue(StandInActions)) - set(catalogue())
    assert added == {"approve", "miss", "twofa", "stall", "log_in", "choose", "owner_logs_in"}
    assert set(catalogue()) < set(catalogue(StandInActions))
    assert all(f"\n  {name} " in f"\n{help_text(StandInActions)}" for name in added)
    assert "owner_logs_in" not in help_text(Actions)


def test_the_reference_lists_the_image_s_own_actions() -> None:
    """Each with the words of the program itself."""
    text = (ROOT / "docs/reference/simulator.md").read_text(encoding="utf-8")
    own = {name: method for name, method in catalogue(StandInActions).items() if name not in catalogue()}
    assert [
        name for name, method in own.items() if f"\n| `{name}` |" not in text or str(method.__doc__) not in text
    ] == []
