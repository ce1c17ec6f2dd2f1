"""What a processor says of its own login, and how soon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import cast

from event_processor.application.bell import Bell
from event_processor.application.logins import Logins
from event_processor.application.session_keeper import SessionKeeper
from event_processor.domain.ids import AccountId
from event_processor.domain.whereabouts import Login, Place
from event_processor.ports import Journal
from tests.support.making import LoopClock
from tests.support.virtual_time import run_virtual

ONE, TWO = AccountId("DU1"), AccountId("DU2")
SECONDS = 30.0


class Bench:
    """A processor whose session shows the accounts a test says; every announcement takes a second."""

    def __init__(self, *accounts: AccountId) -> None:
        self.session = SimpleNamespace(accounts=accounts)
        self.bell, self.said = Bell(), list[tuple[float, tuple[AccountId, ...]]]()
        journal, session = cast("Journal", self), cast("SessionKeeper", self.session)
        self.logins = Logins(journal, LoopClock(), session, self.bell, processor="me", seconds=SECONDS)
        self.meanwhile: Callable[[], None] = lambda: None

    async def announce(self, processor: str, accounts: Sequence[AccountId]) -> Sequence[Login]:
        self.said.append((asyncio.get_running_loop().time(), tuple(accounts)))
        await asyncio.sleep(1.0)
        self.meanwhile()
        return [Login(processor, tuple(accounts), 0.0)]

    def place(self, account: AccountId) -> Place:
        return self.logins.of(account).place

    def shows(self, *accounts: AccountId) -> None:
        self.session.accounts = accounts
        self.bell.ring()


def test_what_the_session_shows_counts_more_than_what_was_said() -> None:
    """Another user has logged in since: the account that was ours is not traded on the strength of an old word, and
    while no session shows any that word is all there is."""

    async def run() -> None:
        bench = Bench(ONE)
        await bench.logins.look()
        await asyncio.sleep(SECONDS)
        bench.shows(TWO)
        assert (bench.place(ONE), bench.place(TWO)) == (Place.NOWHERE, Place.HERE)
        bench.shows()
        assert (bench.place(ONE), bench.place(TWO)) == (Place.HERE, Place.NOWHERE)

    run_virtual(run())


def test_before_the_first_look_no_account_is_nowhere() -> None:
    """Whoever has it may be starting like us; a while later it is a slip of the pen."""

    async def run() -> None:
        bench = Bench(ONE)
        assert bench.place(TWO) is Place.UNCLEAR
        await bench.logins.look()
        assert bench.place(TWO) is Place.UNCLEAR
        await asyncio.sleep(SECONDS)
        assert bench.place(TWO) is Place.NOWHERE

    run_virtual(run())


def spoken(story: Callable[[Bench], None]) -> list[tuple[float, tuple[AccountId, ...]]]:
    """What is said within a few seconds of a start with one account, to which the story happens."""

    async def run() -> list[tuple[float, tuple[AccountId, ...]]]:
        bench = Bench(ONE)
        story(bench)
        with suppress(TimeoutError):
            await asyncio.wait_for(bench.logins.run(), SECONDS / 4 - 1)
        return bench.said

    return run_virtual(run())


def test_other_accounts_are_said_at_once() -> None:
    """Not with the next round: until then the others would leave them to us, or take ours."""

    def later(bench: Bench) -> None:
        asyncio.get_running_loop().call_later(3.0, bench.shows, TWO)

    assert spoken(later) == [(0.0, (ONE,)), (3.0, (TWO,))]


def test_accounts_that_change_while_they_are_said_are_said_again() -> None:
    """What went out was the list of before."""

    def meanwhile(bench: Bench) -> None:
        bench.meanwhile = lambda: bench.shows(TWO)

    assert spoken(meanwhile)[:2] == [(0.0, (ONE,)), (1.0, (TWO,))]
