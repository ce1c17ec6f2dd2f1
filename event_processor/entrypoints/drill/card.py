"""A drill card: one statement about the broker, how it is tried, and what must be seen for it to hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from event_processor.errors import ProcessorError

if TYPE_CHECKING:
    from event_processor.entrypoints.drill.stage import Stage


class Manner(StrEnum):
    """How a card is played on a paper account; on the simulator every card plays by itself."""

    ALONE = "yes"
    ASKS = "asks you"
    """A person has to do something at the right moment."""
    NAMED = "when named"
    """It takes hours, so it is skipped unless the card is asked for by its number."""


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class DrillFailed(ProcessorError):
    """Something did not happen that the card waits for, or the drill cannot be played at all."""

    reason_code = "drill"


class DrillSkipped(ProcessorError):
    """The card cannot be played here and now; that says nothing about its statement."""

    reason_code = "drill_skipped"


@dataclass(frozen=True, slots=True)
class Card:
    """`passes` are the criteria by their short names, each to be checked while `play` runs; `seconds` bounds it.

    `scenario` is the simulator's, `manual_clock` says that there the card moves time itself, `trades` that it
    executes orders and therefore needs an open market.
    """

    number: str
    title: str
    confirms: str
    steps: tuple[str, ...]
    passes: Mapping[str, str]
    play: Callable[[Stage], Awaitable[None]]
    manner: Manner = Manner.ALONE
    scenario: str = "plain"
    manual_clock: bool = False
    trades: bool = False
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """One criterion as it was found."""

    name: str
    criterion: str
    ok: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a card. `seen` holds everything measured, also what no criterion asks for."""

    card: Card
    verdict: Verdict
    reason: str
    seconds: float
    checks: tuple[Check, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)


def judged(card: Card, checks: tuple[Check, ...], seen: Mapping[str, str], seconds: float) -> Result:
    """The verdict on a card that was played to its end: every criterion checked, and every check held."""
    missing = [name for name in card.passes if name not in {check.name for check in checks}]
    broken = [f"{check.criterion} (seen: {check.seen})" for check in checks if not check.ok]
    broken += [f"never checked: {card.passes[name]}" for name in missing]
    verdict = Verdict.FAILED if broken else Verdict.PASSED
    return Result(card, verdict, "; ".join(broken), seconds, checks, seen)
