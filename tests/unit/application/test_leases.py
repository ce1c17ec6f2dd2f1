from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from event_processor.application.bell import Bell
from event_processor.application.leases import Leases
from event_processor.domain.facts import LeaseChanged
from event_processor.domain.ids import AccountId
from event_processor.errors import LeaseLost, StoreUnavailable
from event_processor.ports import Journal
from tests.support.builders import ACCOUNT
from tests.support.making import FactBook, LoopClock, running
from tests.support.memory_store import Interrupt, MemoryStore, Moment
from tests.support.virtual_time import run_virtual

SECONDS = 12.0
OTHER = AccountId("DU7654321")


class Office:
    """Leases of one owner over a store, with what they told."""

    def __init__(self, store: MemoryStore, owner: str = "one") -> None:
        self.facts, self.bell = FactBook(), Bell()
        self.journal: Journal = store.client(owner).journal
        self.leases = Leases(self.journal, LoopClock(), self.facts, self.bell, owner=owner, seconds=SECONDS)

    @property
    def told(self) -> list[tuple[str, bool, int]]:
        return [(fact.account, fact.held, fact.token) for fact in self.facts.of(LeaseChanged)]


def away(name: str, *, when: Callable[[], bool] = lambda: True) -> Interrupt:
    async def interrupt(call: str, moment: Moment) -> None:
        if call == name and when():
            raise StoreUnavailable

    return interrupt


def test_a_free_account_is_held_and_told_once() -> None:
    """Asking again gives the same lease without asking the store or telling anybody."""

    async def main() -> None:
        store = MemoryStore()
        office = Office(store)
        lease = await office.leases.hold(ACCOUNT)
        assert lease is not None
        store.interrupt = away("acquire")
        assert await office.leases.hold(ACCOUNT) == lease
        assert office.leases.fresh(ACCOUNT)
        assert office.leases.accounts() == (ACCOUNT,)
        assert office.told == [(ACCOUNT, True, lease.token)]

    run_virtual(main())


def test_an_account_of_somebody_else_is_not_held() -> None:
    """While another owner works there we get nothing, and it is not fresh for us."""

    async def main() -> None:
        store = MemoryStore()
        assert await Office(store, "two").leases.hold(ACCOUNT)
        office = Office(store)
        assert await office.leases.hold(ACCOUNT) is None
        assert not office.leases.fresh(ACCOUNT)
        assert office.told == []

    run_virtual(main())


def test_a_lease_that_was_not_renewed_stops_being_fresh_before_it_ends() -> None:
    """Well before another may take it over we no longer rely on it."""

    async def main() -> tuple[bool, bool, bool]:
        store = MemoryStore()
        office = Office(store)
        await office.leases.hold(ACCOUNT)
        await asyncio.sleep(SECONDS * 0.69)
        before = office.leases.fresh(ACCOUNT)
        await asyncio.sleep(SECONDS * 0.02)
        return before, office.leases.fresh(ACCOUNT), store.lease_now(ACCOUNT) is not None

    assert run_virtual(main()) == (True, False, True)


def test_renewing_keeps_it_fresh_for_as_long_as_it_runs() -> None:
    """An hour later the lease is still ours, under the same token."""

    async def main() -> list[tuple[str, bool, int]]:
        office = Office(MemoryStore())
        await office.leases.hold(ACCOUNT)
        async with running(office.leases.run()):
            for _ in range(720):
                await asyncio.sleep(5)
                assert office.leases.fresh(ACCOUNT)
        return office.told

    assert [held for _, held, _ in run_virtual(main())] == [True]


def test_a_short_outage_costs_nothing_and_a_long_one_only_freshness() -> None:
    """A failed renewal drops nothing: the lease ages, and is fresh again with the first one that works."""

    async def main() -> list[bool]:
        store = MemoryStore()
        office = Office(store)
        await office.leases.hold(ACCOUNT)
        fresh = []
        store.interrupt = away("renew_lease", when=lambda: asyncio.get_running_loop().time() < SECONDS * 0.6)
        async with running(office.leases.run()):
            for seconds in (4.2, 4.4, 1.0):
                await asyncio.sleep(seconds)
                fresh.append(office.leases.fresh(ACCOUNT))
        assert office.told == [(ACCOUNT, True, 1)]
        return fresh

    assert run_virtual(main()) == [True, False, True]


def test_a_lease_that_aged_is_asked_for_again_without_telling() -> None:
    """Not fresh, but still ours in the store: extended under the same token, and nobody needs to know."""

    async def main() -> list[tuple[str, bool, int]]:
        office = Office(MemoryStore())
        first = await office.leases.hold(ACCOUNT)
        await asyncio.sleep(SECONDS * 0.8)
        assert await office.leases.hold(ACCOUNT) == first
        assert office.leases.fresh(ACCOUNT)
        return office.told

    assert run_virtual(main()) == [(ACCOUNT, True, 1)]


def test_a_lost_lease_is_dropped_and_told() -> None:
    """The store says it is another's: at once it is not fresh, and whoever waits is woken."""

    async def main() -> None:
        store = MemoryStore()
        office = Office(store)
        await office.leases.hold(ACCOUNT)
        store.leases[ACCOUNT] = ("two", store.next_token(), 1e9)
        async with running(office.leases.run()):
            assert await office.bell.heard(SECONDS / 4 + 1)
        assert not office.leases.fresh(ACCOUNT)
        assert office.told == [(ACCOUNT, True, 1), (ACCOUNT, False, 1)]
        assert await office.leases.hold(ACCOUNT) is None

    run_virtual(main())


def test_a_lease_that_was_taken_over_meanwhile_is_dropped_when_asked_for() -> None:
    """After a stall the store decides: no longer fresh, asked again, another's: ours no more."""

    async def main() -> None:
        store = MemoryStore()
        office = Office(store)
        await office.leases.hold(ACCOUNT)
        await asyncio.sleep(SECONDS + 1)
        assert await Office(store, "two").leases.hold(ACCOUNT)
        assert await office.leases.hold(ACCOUNT) is None
        assert office.told == [(ACCOUNT, True, 1), (ACCOUNT, False, 1)]

    run_virtual(main())


def test_a_lease_found_anew_has_a_new_token() -> None:
    """Expired and taken again: the fence has grown, so writes of before are refused, and that is told."""

    async def main() -> list[tuple[str, bool, int]]:
        office = Office(MemoryStore())
        await office.leases.hold(ACCOUNT)
        await asyncio.sleep(SECONDS + 1)
        again = await office.leases.hold(ACCOUNT)
        assert again is not None
        assert again.token == 2
        assert office.leases.fresh(ACCOUNT)
        return office.told

    assert run_virtual(main()) == [(ACCOUNT, True, 1), (ACCOUNT, True, 2)]


def test_a_late_answer_about_an_old_lease_says_nothing_about_the_new_one() -> None:
    """A renewal of the expired lease is under way while a new one is acquired: the new one stays."""

    async def main() -> None:
        store = MemoryStore()
        office = Office(store)
        await office.leases.hold(ACCOUNT)

        async def slow(call: str, moment: Moment) -> None:
            if (call, moment) == ("renew_lease", "before"):
                await asyncio.sleep(SECONDS * 1.5)

        store.interrupt = slow
        async with running(office.leases.run()):
            await asyncio.sleep(SECONDS * 1.2)
            again = await office.leases.hold(ACCOUNT)
            assert again is not None
            assert again.token == 2
            await asyncio.sleep(SECONDS * 0.6)
            assert office.leases.fresh(ACCOUNT)

    run_virtual(main())


def test_everything_is_given_back_on_a_tidy_stop() -> None:
    """Another processor need not wait for the leases to run out."""

    async def main() -> None:
        store = MemoryStore()
        office = Office(store)
        await office.leases.hold(ACCOUNT)
        await office.leases.hold(OTHER)
        await office.leases.release_all()
        assert office.leases.accounts() == ()
        successor = Office(store, "two").leases
        assert await successor.hold(ACCOUNT)
        assert await successor.hold(OTHER)

    run_virtual(main())


def test_dropping_what_is_not_held_is_harmless() -> None:
    """Nothing is told of a lease we never had."""

    async def main() -> list[tuple[str, bool, int]]:
        office = Office(MemoryStore())
        office.leases.drop(ACCOUNT)
        return office.told

    assert run_virtual(main()) == []


def test_a_lease_that_another_start_took_is_not_confirmed() -> None:
    """What we believe to hold may have passed to a later start of ours; only the store knows."""

    async def main() -> None:
        store = MemoryStore()
        office = Office(store)
        with pytest.raises(LeaseLost):
            await office.leases.confirm(ACCOUNT)
        assert await office.leases.hold(ACCOUNT)
        await office.leases.confirm(ACCOUNT)
        await asyncio.sleep(1)
        assert await Office(store).leases.hold(ACCOUNT)
        assert office.leases.fresh(ACCOUNT)
        with pytest.raises(LeaseLost):
            await office.leases.confirm(ACCOUNT)

    run_virtual(main())


@pytest.mark.parametrize("call", ["acquire", "renew_lease"])
def test_a_lease_runs_from_when_it_was_asked_for(call: str) -> None:
    """The store counts from the request: when its answer is late, that much of the lease is over already."""

    async def main() -> None:
        store = MemoryStore()
        office = Office(store)

        async def slowly(name: str, moment: Moment) -> None:
            if (name, moment) == (call, "after"):
                await asyncio.sleep(SECONDS * 0.8)

        async with running(office.leases.run()):
            if call == "acquire":
                store.interrupt = slowly
            assert await office.leases.hold(ACCOUNT)
            store.interrupt = slowly
            await asyncio.sleep(0 if call == "acquire" else SECONDS * 1.1)
            assert not office.leases.fresh(ACCOUNT)

    run_virtual(main())


def test_an_account_that_another_took_is_left_alone_for_a_while() -> None:
    """Whoever took it while it should have been ours has a reason; it may be free again, but not for us."""

    async def main() -> list[bool]:
        office = Office(MemoryStore())
        lease = await office.leases.hold(ACCOUNT)
        assert lease is not None
        await office.journal.release(lease)
        office.leases.lost(ACCOUNT)
        held = [await office.leases.hold(ACCOUNT) is not None]
        await asyncio.sleep(SECONDS + 0.1)
        return [*held, await office.leases.hold(ACCOUNT) is not None]

    assert run_virtual(main()) == [False, True]


def test_an_account_that_is_given_back_is_free_at_once() -> None:
    """In the store, too: another processor need not wait until the lease runs out."""

    async def main() -> None:
        store = MemoryStore()
        office = Office(store)
        assert await office.leases.hold(ACCOUNT)
        await office.leases.give_back(ACCOUNT)
        assert office.leases.accounts() == ()
        assert await Office(store, "two").leases.hold(ACCOUNT)

    run_virtual(main())
