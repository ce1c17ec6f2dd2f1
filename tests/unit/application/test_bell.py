from __future__ import annotations

import asyncio

from event_processor.application.bell import Bell
from tests.support.virtual_time import run_virtual


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_ring_wakes_the_waiter_at_once() -> None:
    """Waiting ends with the ring, not with the time given."""

    async def main() -> tuple[bool, float]:
        bell = Bell()
        asyncio.get_running_loop().call_later(3, bell.ring)
        return await bell.heard(60), now()

    assert run_virtual(main()) == (True, 3.0)


def test_silence_ends_with_the_time_given() -> None:
    """Nobody waits for ever."""

    async def main() -> tuple[bool, float]:
        return await Bell().heard(60), now()

    assert run_virtual(main()) == (False, 60.0)


def test_a_ring_before_the_wait_is_remembered_once() -> None:
    """A change between looking and waiting is not missed, and does not wake twice."""

    async def main() -> tuple[bool, bool, float]:
        bell = Bell()
        bell.ring()
        bell.ring()
        return await bell.heard(60), await bell.heard(5), now()

    assert run_virtual(main()) == (True, False, 5.0)


def test_a_ring_at_the_very_end_of_the_wait_is_heard() -> None:
    """Ring and time-out in the same instant: a ring came, so the answer is that one came."""

    async def main() -> bool:
        bell = Bell()
        asyncio.get_running_loop().call_later(5, bell.ring)
        return await bell.heard(5)

    assert run_virtual(main()) is True


def test_a_wait_of_no_time_only_asks() -> None:
    """Zero or less looks whether it rang and does not wait."""

    async def main() -> tuple[bool, bool, float]:
        bell = Bell()
        bell.ring()
        return await bell.heard(0), await bell.heard(-1), now()

    heard, silent, at = run_virtual(main())
    assert (heard, silent, at) == (True, False, 0.0)


def test_linked_bells_ring_along_until_unlinked() -> None:
    """Everybody who listens hears; who has left does not; the listener's own ring stays its own."""

    async def main() -> list[bool]:
        bell, one, two = Bell(), Bell(), Bell()
        with bell.link(one), bell.link(two) as same:
            assert same is two
            bell.ring()
            heard = [await each.heard(1) for each in (bell, one, two)]
            one.ring()
            heard += [await each.heard(1) for each in (bell, two, one)]
        bell.ring()
        return [*heard, *[await each.heard(1) for each in (bell, one, two)]]

    assert run_virtual(main()) == [True, True, True, False, False, True, True, False, False]


def test_links_reach_further_than_one_bell() -> None:
    """A ring goes down the whole chain of links."""

    async def main() -> bool:
        bell, middle, end = Bell(), Bell(), Bell()
        with bell.link(middle), middle.link(end):
            bell.ring()
            return await end.heard(1)

    assert run_virtual(main())
