from __future__ import annotations

import asyncio
import time

import pytest

from tests.support.virtual_time import VirtualDeadlockError, VirtualSpinError, run_virtual


def test_a_day_of_sleep_takes_no_real_time() -> None:
    """Sleeping moves the loop's clock by exactly the time asked for, at once."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(86_399)
        return loop.time()

    started = time.monotonic()
    assert run_virtual(main()) == pytest.approx(86_399)
    assert time.monotonic() - started < 5


def test_timers_fire_in_order_of_their_time() -> None:
    """Tasks interleave as they would in real time, whatever the order they were started in."""
    seen: list[tuple[str, float]] = []

    async def tick(name: str, period_seconds: float) -> None:
        for _ in range(2):
            await asyncio.sleep(period_seconds)
            seen.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(tick("slow", 5))
            group.create_task(tick("quick", 2))

    run_virtual(main())
    assert seen == [("quick", 2.0), ("quick", 4.0), ("slow", 5.0), ("slow", 10.0)]


def test_time_stands_still_while_anything_is_ready() -> None:
    """Work that needs no waiting happens at one instant."""

    async def main() -> float:
        for _ in range(1_000):
            await asyncio.sleep(0)
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 0.0


def test_timeouts_expire_on_virtual_time() -> None:
    """`asyncio.timeout` and `wait_for` give up at their virtual limit, not before."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 12)
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(42)


def test_the_limit_ends_a_run_that_would_go_on_for_ever() -> None:
    """A loop of timers that never finishes is stopped at the virtual limit."""

    async def main() -> None:
        while True:
            await asyncio.sleep(1)

    with pytest.raises(TimeoutError):
        run_virtual(main(), limit_seconds=100)


def test_a_deadlock_is_an_error_that_names_who_waits() -> None:
    """With every task waiting and no timer left, the run stops at once and says which tasks hang."""

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="the-keeper")

    with pytest.raises(VirtualDeadlockError, match="the-keeper"):
        run_virtual(main())


def test_clean_up_after_the_limit_is_bounded_too() -> None:
    """A task that answers its cancellation with endless work is stopped as well."""

    async def main() -> None:
        try:
            await asyncio.sleep(1_000)
        finally:
            while True:
                await asyncio.sleep(1)

    with pytest.raises(TimeoutError, match="100 virtual seconds"):
        run_virtual(main(), limit_seconds=100)


def test_threads_are_refused() -> None:
    """A thread would answer in real time, so asking for one is an error rather than a flaky test."""

    async def main() -> None:
        await asyncio.to_thread(time.monotonic)

    with pytest.raises(RuntimeError, match="no threads"):
        run_virtual(main())


def test_spinning_is_an_error() -> None:
    """A task that runs again and again while no time passes would never end, and in real time burn a processor."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        while True:
            done = asyncio.Event()
            loop.call_at(loop.time(), done.set)
            await done.wait()

    with pytest.raises(VirtualSpinError, match="no time passed"):
        run_virtual(main())
