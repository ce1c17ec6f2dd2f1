"""What becomes of a lease while the store is being asked for it."""

from __future__ import annotations

import asyncio

from event_processor.application.bell import Bell
from event_processor.application.leases import Leases
from tests.support.builders import ACCOUNT
from tests.support.making import FactBook, LoopClock, running
from tests.support.memory_store import MemoryStore, Moment
from tests.support.virtual_time import run_virtual

SECONDS = 12.0


def test_a_lease_that_was_given_up_during_its_renewal_is_not_held_again() -> None:
    """The answer says that it was ours when it was asked for, and not that it still is."""

    async def main() -> tuple[bool, bool, tuple[str, ...]]:
        store, bell = MemoryStore(), Bell()
        leases = Leases(store.client("one").journal, LoopClock(), FactBook(), bell, owner="one", seconds=SECONDS)
        held = await leases.hold(ACCOUNT)
        asked = False

        async def slow(call: str, moment: Moment) -> None:
            nonlocal asked
            if (call, moment) == ("renew_lease", "after"):
                asked = True
                await asyncio.sleep(1)

        store.interrupt = slow
        async with running(leases.run()):
            await asyncio.sleep(SECONDS / 4 + 0.5)
            leases.drop(ACCOUNT)
            await asyncio.sleep(1)
        assert held is not None
        return asked, leases.fresh(ACCOUNT) or leases.holds(held), leases.accounts()

    assert run_virtual(main()) == (True, False, ())


def test_nobody_before_us_can_send_only_from_the_store_s_answer_on() -> None:
    """Until the store has given us the account a process before us may have had it, however long we asked."""

    async def main() -> float:
        store = MemoryStore()
        leases = Leases(store.client("one").journal, LoopClock(), FactBook(), Bell(), owner="one", seconds=SECONDS)

        async def slow(call: str, moment: Moment) -> None:
            if (call, moment) == ("acquire", "before"):
                await asyncio.sleep(2)

        store.interrupt = slow
        assert await leases.hold(ACCOUNT) is not None
        return leases.first_held(ACCOUNT)

    assert run_virtual(main()) == 2.0


def test_two_of_one_name_may_tell_under_one_lease_but_trade_under_none_they_share() -> None:
    """Without a session each asks under the name alone and has the same lease; who can trade asks anew, and the other
    one is fenced off."""

    async def main() -> None:
        store = MemoryStore()

        def process() -> Leases:
            return Leases(store.client("one").journal, LoopClock(), FactBook(), Bell(), owner="one", seconds=SECONDS)

        first = process()
        await asyncio.sleep(1)
        second = process()
        assert await first.hold(ACCOUNT, take_over=False) == await second.hold(ACCOUNT, take_over=False)
        early, late = await first.hold(ACCOUNT), await second.hold(ACCOUNT)
        assert early is not None
        assert late is not None
        assert early.token < late.token
        assert store.lease_now(ACCOUNT) == (late.owner, late.token)
        assert await second.hold(ACCOUNT, take_over=False) == late

    run_virtual(main())
