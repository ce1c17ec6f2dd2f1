"""What an event wants the account to hold, in the planner's own terms."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from event_processor.domain.contract import ContractQuery


class Completeness(StrEnum):
    FULL = "full"
    PARTIAL = "partial"


class Untargeted(StrEnum):
    """What happens to stock-like holdings the targets do not name."""

    KEEP = "keep"
    LIQUIDATE = "liquidate"


class Mode(StrEnum):
    FULL = "full"
    BUY_ONLY = "buy_only"
    SELL_ONLY = "sell_only"


class Measure(StrEnum):
    """In what a target is given: share of the basis, number of shares, or money in the contract's currency."""

    WEIGHT = "weight"
    QUANTITY = "quantity"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Target:
    """One line: this contract, this much of it."""

    query: ContractQuery
    measure: Measure
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TargetPortfolio:
    """All lines with the rules that say how to read them.

    `reserve` is the event's own cash reserve as a share of the basis; the account's policy may ask for
    more, and the larger one holds.
    """

    targets: tuple[Target, ...]
    completeness: Completeness = Completeness.FULL
    untargeted: Untargeted = Untargeted.KEEP
    mode: Mode = Mode.FULL
    reserve: Decimal = Decimal(0)
