"""Says which accounts our login has, and hears which the others' have: each account is left to whoever has it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from event_processor.application.bell import Bell
from event_processor.application.session_keeper import SessionKeeper
from event_processor.domain.ids import AccountId
from event_processor.domain.whereabouts import Login, Place, Whereabouts, whereabouts
from event_processor.errors import StoreUnavailable
from event_processor.ports import Clock, Journal

_STARTING_SHARE = 1 / 3
"""The share of a lease's time for which others that are started together with us may still be silent."""


class Logins:
    """The logins as last heard of. `run` keeps them fresh; `look` asks now, where that would end an event."""

    def __init__(
        self, journal: Journal, clock: Clock, session: SessionKeeper, bell: Bell, *, processor: str, seconds: float
    ) -> None:
        """`processor` is our stable name; one that is silent for `seconds` is taken for gone."""
        self._journal, self._clock, self._session, self._bell = journal, clock, session, bell
        self._processor, self._seconds = processor, seconds
        self._said: tuple[AccountId, ...] = ()
        self._first_look: float | None = None
        self.known: Sequence[Login] = ()

    def of(self, account: AccountId) -> Whereabouts:
        """Where the account is. What our session shows now counts more than what was said of it before."""
        said = next((login for login in self.known if login.processor == self._processor), None)
        accounts = self._session.accounts or (said.accounts if said else ())
        others = [login for login in self.known if login is not said]
        found = whereabouts(account, Login(self._processor, accounts, 0.0), others, self._seconds)
        if found.place is Place.NOWHERE and self._starting():
            return Whereabouts(Place.UNCLEAR, f"{found.reason}; others may be starting still")
        return found

    async def look(self) -> None:
        """Say what we have, and hear the others. Raises StoreUnavailable."""
        accounts = self._session.accounts
        known = await self._journal.announce(self._processor, accounts)
        if self._first_look is None:
            self._first_look = self._clock.monotonic()
        changed = _placed(known) != _placed(self.known)
        self._said, self.known = accounts, known
        if changed:
            self._bell.ring()

    async def run(self) -> None:
        """Until cancelled: look now and then, and as soon as our login shows other accounts than before."""
        listener = Bell()
        with self._bell.link(listener):
            while True:
                try:
                    await self.look()
                except StoreUnavailable:
                    await asyncio.sleep(0.5)  # the intake tells; whoever is silent for long is taken for gone
                    continue
                due = self._clock.monotonic() + self._seconds / 4
                while self._said == self._session.accounts and (left := due - self._clock.monotonic()) > 0:
                    await listener.heard(left)

    def _starting(self) -> bool:
        first = self._first_look
        return first is None or self._clock.monotonic() - first < self._seconds * _STARTING_SHARE


def _placed(logins: Sequence[Login]) -> dict[str, tuple[AccountId, ...]]:
    return {login.processor: login.accounts for login in logins}
