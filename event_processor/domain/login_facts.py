"""Facts about the weekly login, which a person must approve: see `domain/facts.py` for what a fact is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from event_processor.domain.facts import Fact, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginDue(Fact):
    """The weekly login ends at `deadline`; said a day and an hour before."""

    name: ClassVar[str] = "login.due"
    deadline: datetime
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginNeeded(Fact):
    """The gateway asks for the second factor: the `prompt`-th time since `since`, `seconds` to approve it."""

    name: ClassVar[str] = "login.needed"
    level: ClassVar[Level] = "warning"
    since: datetime
    prompt: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginOverdue(Fact):
    """Nobody is logged in, and the market opens at `opens_at` or is open (`market_open`)."""

    name: ClassVar[str] = "login.overdue"
    level: ClassVar[Level] = "error"
    since: datetime
    opens_at: datetime
    market_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginDone(Fact):
    """The login that was asked for is there."""

    name: ClassVar[str] = "login.done"
    since: datetime
