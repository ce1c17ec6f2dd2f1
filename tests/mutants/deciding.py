"""Defects in what is planned, and in what is said of the end."""

# ruff: noqa: ANN401 - a defect takes the place of whatever stands there

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import ROUND_CEILING
from itertools import count
from typing import Any

from event_processor.application import book, drafts, outbox, processor, rebalance
from event_processor.domain import plan_sizing, planning
from event_processor.domain.record import Outcome
from tests.mutants.mutant import Mutant, Swap


def _no_reserve(kept: Any) -> Any:
    return lambda lines, basis, cash, _share: kept(lines, basis, cash, basis * 0)


def _rounded_up(_kept: Any) -> Any:
    return lambda quantity: quantity.to_integral_value(ROUND_CEILING)


def _told_as(said: Outcome, wrongly: Outcome) -> Callable[[Any], Any]:
    def make(kept: Any) -> Any:
        def conclude(plan: Any, intents: Any) -> Any:
            found = kept(plan, intents)
            return replace(found, outcome=wrongly) if found.outcome is said else found

        return conclude

    return make


def _as_it_was(_kept: Any) -> Any:
    return lambda _self, state: state


def _under_way_too(kept: Any) -> Any:
    return lambda records, now: kept([replace(record, intents=()) for record in records], now)


def _at_once(kept: Any) -> Any:
    def made(self: Any, entry: Any) -> Any:
        record = kept(self, entry)
        return replace(record, expires_at=min(record.expires_at, record.accepted_at + timedelta(seconds=2)))

    return made


def _when_published(kept: Any) -> Any:
    numbers = count(1)
    return lambda **said: kept(**{**said, "at": said["at"] + timedelta(seconds=next(numbers))})


MUTANTS = (
    Mutant(
        "reserve forgotten", "The plan spends the cash that was to stay.", (Swap(planning, "size_lines", _no_reserve),)
    ),
    Mutant(
        "shares rounded up", "Fractions of shares are bought whole.", (Swap(plan_sizing, "whole_floor", _rounded_up),)
    ),
    Mutant(
        "old cash believed",
        "A plan is made on the broker's cash of before the last run.",
        (Swap(book.Book, "corrected", _as_it_was),),
    ),
    Mutant(
        "partial is completed",
        "What was filled in part only is told as completed.",
        (Swap(rebalance, "conclude", _told_as(Outcome.PARTIAL, Outcome.COMPLETED)),),
    ),
    Mutant(
        "partial is failed",
        "What was filled in part only is told as if nothing had been traded.",
        (Swap(rebalance, "conclude", _told_as(Outcome.PARTIAL, Outcome.FAILED)),),
    ),
    Mutant(
        "doubt is an end",
        "Orders of unknown fate are told as not filled, and nobody is asked.",
        (Swap(rebalance, "conclude", _told_as(Outcome.NEEDS_REVIEW, Outcome.PARTIAL)),),
    ),
    Mutant(
        "supersede what is under way",
        "An event whose orders are at the broker gives way to a newer one.",
        (Swap(processor, "agenda", _under_way_too),),
    ),
    Mutant("expire early", "Every event expires two seconds after it came.", (Swap(drafts.Drafts, "of", _at_once),)),
    Mutant(
        "outcomes dated anew",
        "An outcome that is published again says something else under the same id.",
        (Swap(outbox, "outcome_envelope", _when_published),),
    ),
)
