"""Looks for a run that shows a defect: drawn seeds first, then chosen stories, then the laws of folding."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from event_processor.domain.record import Outcome
from gateway_simulator.settings import AccountSettings, FaultSettings, GatewaySettings, Latency, Scenario
from gateway_simulator.symbols import STOCKS_AND_FUNDS
from tests.mutants import books, deciding, looking, sending
from tests.mutants.mutant import Mutant
from tests.simulation.seeded import run
from tests.support.builders import event_text
from tests.support.stories import ACCOUNT, DeathAtCall, Ending, mixed, mixed_event, play
from tests.support.world import World

MUTANTS: tuple[Mutant, ...] = (*sending.MUTANTS, *looking.MUTANTS, *books.MUTANTS, *deciding.MUTANTS)
SEEDS = 250
LAWS = "tests/properties/test_fold_laws.py"
WRITES = 45
"""How many of the first writes of a run are tried for a death; later ones do nothing new."""
CROWD = 40
"""Symbols of an event that needs more messages than one second allows."""
BROKE, HANGS, BUG = "the run broke", "the run broke: TimeoutError", "unexpected error"


@dataclass(frozen=True, slots=True)
class Catch:
    """What caught a mutant: in words, and how many runs it took."""

    by: str
    runs: int


def hunt(name: str) -> Catch | None:
    """What catches the mutant of this name; None when nothing does."""
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    stories = list(_stories())
    wanted = {title: _seen(tell()) for title, tell in stories}
    for seed in range(1, SEEDS + 1):
        with mutant.alive():
            problem = _problem(run(seed)[1])
        if problem and not _problem(run(seed)[1]):
            return Catch(f"seed {seed}: {problem}", seed)
    with mutant.alive():
        for number, (title, tell) in enumerate(stories, 1):
            ending = tell()
            problem = _problem(ending) or _difference(_seen(ending), wanted[title])
            if problem:
                return Catch(f"{title}: {problem}", SEEDS + number)
        return _by_law()


def _by_law() -> Catch | None:
    with redirect_stdout(io.StringIO()):
        code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(Path(LAWS))])
    return Catch(LAWS, SEEDS) if code is pytest.ExitCode.TESTS_FAILED else None


def _problem(ending: Ending) -> str:
    """The first thing a checker found. A run that hangs is caught; one that the patch itself broke is not."""
    if any(problem.startswith(HANGS) for problem in ending.problems):
        return "the run does not end"
    return next((p for p in ending.problems if not p.startswith(BROKE) and BUG not in p), "")


Seen = tuple[list[Outcome | None], list[str], dict[str, Decimal]]


def _seen(ending: Ending) -> Seen:
    return ending.outcomes, ending.refs, dict(ending.positions)


def _difference(seen: Seen, wanted: Seen) -> str:
    names = ("outcomes", "orders", "positions")
    return next((f"other {name} than without it" for name, a, b in zip(names, seen, wanted, strict=True) if a != b), "")


def _stories() -> Iterator[tuple[str, Callable[[], Ending]]]:
    lost = FaultSettings("order", {"ack_lost": True})
    rests = FaultSettings("order", {"skip": 1, "count": 1, "fill_delay_ms": 9000})
    presets = replace(mixed(rests), gateway=GatewaySettings(tif_preset=True))
    chosen: dict[str, tuple[Scenario, tuple[int, ...]]] = {
        "gateway with order presets": (presets, ()),
        "executions twice": (mixed(FaultSettings("order", {"executions_twice": True})), ()),
        "acknowledgements lost, look-ups late": (mixed(lost, latency=Latency(lookup_ms=3000)), (14,)),
        "a death and ids moved back": (
            mixed(FaultSettings("restart", {"seconds": 2, "ids_back": 6}, after_orders_accepted=6)),
            (20,),
        ),
    }
    for title, (scenario, deaths) in chosen.items():
        yield title, partial(play, partial(World, scenario), [(0.0, mixed_event())], *deaths)
    for number in range(1, WRITES + 1):
        yield f"death before write {number}", partial(_death_at_write, number)
    yield "an event with many symbols", _crowd


def _death_at_write(number: int) -> Ending:
    return play(partial(World, mixed()), [(0.0, mixed_event())], at_call=DeathAtCall(number, "before"))


def _crowd() -> Ending:
    symbols = [line.partition("|")[0] for line in STOCKS_AND_FUNDS.strip().splitlines()[:CROWD]]
    targets = [{"symbol": symbol, "weight": 1 / CROWD} for symbol in symbols]
    account = AccountSettings(number=ACCOUNT, cash={"USD": Decimal(900_000)})
    event = event_text(account=ACCOUNT, targets=targets)
    patient = GatewaySettings(messages_per_second=10_000)
    return play(partial(World, Scenario(name="crowd", accounts=(account,), gateway=patient)), [(0.0, event)])
