"""Identifiers: which are ours, which are the broker's, and how ours are derived.

`orderRef` is our key on every order. It is a pure function of the event, the account, the leg and the
try, so that a restart computes the same one. IBKR does not de-duplicate it, and its true length limit is
unverified live (drill card D-02); 32 characters or fewer is the safe reading of `tws-protocol` fact 18.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NewType

AccountId = NewType("AccountId", str)
"""An IBKR account number such as DU1234567."""
ConId = NewType("ConId", int)
"""IBKR's lasting id of one contract."""
PermId = NewType("PermId", int)
"""IBKR's lasting id of one order; the same over every session."""
ExecId = NewType("ExecId", str)
"""IBKR's id of one execution."""
EventKey = NewType("EventKey", str)
"""Digest of an event's source and id: the idempotency key."""
EntryId = NewType("EntryId", str)
"""Id of one entry of the event stream."""

ORDER_REF_LENGTH_MAX = 32
_END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_REF = re.compile(r"rb([0-9a-f]{16})-(\d{3})-(\d{1,3})\Z")
_PAPER = re.compile(r"D[A-Z]{1,2}\d+\Z")
_ACCOUNT = re.compile(r"[A-Z]{1,3}\d{4,12}\Z")


def event_key(source: str, event_id: str) -> EventKey:
    """Digest of `source` and `id`, safe as part of a key name."""
    return EventKey(hashlib.sha256(f"{len(source)}:{source}{event_id}".encode()).hexdigest()[:24])


def published_at(entry: EntryId) -> datetime:
    """When the store took the entry, by its own clock: the first half of its id, milliseconds since 1970. A producer
    may choose the id, so anything up to 64 bits can be there; that is the end of time, then."""
    return datetime.fromtimestamp(min(int(entry.partition("-")[0]) / 1000, _END_OF_TIME), UTC)


def is_account_number(text: str) -> bool:
    """Whether the text has the shape of an IBKR account number (U1234567, DU1234567, DF…)."""
    return bool(_ACCOUNT.match(text))


def is_paper_account(account: AccountId) -> bool:
    """IBKR's paper accounts begin with D (DU, DF, DI …); live ones never do."""
    return bool(_PAPER.match(account))


@dataclass(frozen=True, slots=True)
class OrderRef:
    """Our key for one order: event and account (digest), leg of the plan, try."""

    run: str
    leg: int
    attempt: int = 1

    @classmethod
    def derive(cls, key: EventKey, account: AccountId, leg: int, attempt: int = 1) -> OrderRef:
        """The one reference this leg of this event in this account can have."""
        return cls(run_digest(key, account), leg, attempt)

    @classmethod
    def parse(cls, text: str) -> OrderRef | None:
        """The reference in `text`, or None when the order is not one of ours."""
        match = _REF.match(text)
        return cls(match[1], int(match[2]), int(match[3])) if match else None

    def left_of(self, told: str) -> bool:
        """Whether the text is what a gateway that cuts off references, or changes their case, may have left of it."""
        return str(self).startswith(told.lower())

    def __str__(self) -> str:
        return f"rb{self.run}-{self.leg:03d}-{self.attempt}"


def run_digest(key: EventKey, account: AccountId) -> str:
    """The part of every orderRef that names the event in one account."""
    return hashlib.sha256(f"{key}/{account}".encode()).hexdigest()[:16]
