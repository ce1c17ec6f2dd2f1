"""Which processor's login an account belongs to, as far as the processors have said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from event_processor.domain.ids import AccountId


@dataclass(frozen=True, slots=True)
class Login:
    """What a processor says of itself: the accounts of its login as it last saw them (none: it never was logged in),
    and how many seconds ago it was last heard of."""

    processor: str
    accounts: tuple[AccountId, ...]
    seconds_ago: float


class Place(StrEnum):
    HERE = "here"
    """In our login, or nobody can say yet whether it is."""
    ELSEWHERE = "elsewhere"
    """In the login of another processor, which lives and looks after it."""
    DESERTED = "deserted"
    """In the login of another processor, which has not been heard of for a while."""
    UNCLEAR = "unclear"
    """In none that is known, but not all that live are known."""
    NOWHERE = "nowhere"
    """In no login: a slip of the pen, or an account that was closed."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where an account is, and that in words."""

    place: Place
    reason: str

    @property
    def missing(self) -> bool:
        """Whether nobody works on the account now, though somebody may later."""
        return self.place in {Place.DESERTED, Place.UNCLEAR}


def whereabouts(account: AccountId, mine: Login, others: Sequence[Login], alive_seconds: float) -> Whereabouts:
    """Where the account is, seen by the processor of `mine`; who said nothing for `alive_seconds` counts as gone."""
    if account in mine.accounts:
        return Whereabouts(Place.HERE, "it is in this login")
    living = [login for login in others if login.seconds_ago < alive_seconds]
    for place, candidates in ((Place.ELSEWHERE, living), (Place.DESERTED, others)):
        holder = next((login.processor for login in candidates if account in login.accounts), None)
        if holder is not None:
            gone = ", which is not running" if place is Place.DESERTED else ""
            return Whereabouts(place, f"account {account} is in the login of {holder}{gone}")
    if not mine.accounts:
        return Whereabouts(Place.HERE, "this processor has not been logged in yet")
    unknown = sorted(login.processor for login in living if not login.accounts)
    if unknown:
        who = ", ".join(unknown)
        return Whereabouts(
            Place.UNCLEAR, f"account {account} is in no login seen so far, and that of {who} is not known"
        )
    if not others:
        has = ", ".join(mine.accounts)
        return Whereabouts(Place.NOWHERE, f"account {account} does not belong to this login (it has {has})")
    known = "; ".join(f"{login.processor} has {', '.join(login.accounts) or 'none'}" for login in (mine, *others))
    return Whereabouts(Place.NOWHERE, f"account {account} belongs to no login ({known})")


def holder_of(account: AccountId, logins: Sequence[Login], alive_seconds: float) -> str:
    """The living processor whose login has the account; empty when there is none."""
    living = (login for login in logins if login.seconds_ago < alive_seconds)
    return next((login.processor for login in living if account in login.accounts), "")
