from __future__ import annotations

import asyncio

import pytest

from event_processor.adapters.ibkr.pacing import Pacer
from tests.support.virtual_time import run_virtual


async def _send(pacer: Pacer, times: list[float], count: int, *, urgent: bool = False) -> None:
    for _ in range(count):
        await pacer.slot(urgent=urgent)
        times.append(asyncio.get_running_loop().time())
        pacer.sent()


def _most_in_one_second(times: list[float]) -> int:
    return max(sum(start <= time <= start + 1 for time in times) for start in times)


def test_no_second_sees_more_than_the_limit() -> None:
    """Two hundred messages of four senders never come closer than the limit, over any one second."""
    times: list[float] = []

    async def run() -> None:
        pacer = Pacer(45)
        await asyncio.gather(*(_send(pacer, times, 50) for _ in range(4)))

    run_virtual(run())
    assert len(times) == 200
    assert _most_in_one_second(times) == 45
    assert times[-1] < 5


def test_a_place_held_for_a_while_counts_from_when_it_is_used() -> None:
    """Places taken early and used late do not let the messages bunch up beyond the limit."""
    times: list[float] = []

    async def run() -> None:
        pacer = Pacer(10)
        for _ in range(10):
            await pacer.slot()
        others = asyncio.ensure_future(_send(pacer, times, 10))
        await asyncio.sleep(3)
        for _ in range(10):
            times.append(asyncio.get_running_loop().time())
            pacer.sent()
        await others

    run_virtual(run())
    assert _most_in_one_second(times) == 10


def test_orders_go_before_waiting_requests() -> None:
    """An urgent message overtakes every patient one that waits."""
    order: list[str] = []

    async def one(pacer: Pacer, name: str, *, urgent: bool) -> None:
        await pacer.slot(urgent=urgent)
        order.append(name)
        pacer.sent()

    async def run() -> None:
        pacer = Pacer(1)
        await _send(pacer, [], 1)
        patient = [asyncio.ensure_future(one(pacer, f"request {n}", urgent=False)) for n in range(3)]
        await asyncio.sleep(0)
        await asyncio.gather(one(pacer, "order", urgent=True), *patient)

    run_virtual(run())
    assert order == ["order", "request 0", "request 1", "request 2"]


def test_places_nobody_uses_come_back() -> None:
    """A place given back, one whose taker was cancelled, and one forgotten for ten seconds are free again."""

    async def run() -> list[bool]:
        pacer = Pacer(1)
        await pacer.slot()
        taker = asyncio.ensure_future(pacer.slot())
        await asyncio.sleep(0)
        pacer.give_back(1)
        taker.cancel()
        await asyncio.gather(taker, return_exceptions=True)
        await asyncio.wait_for(pacer.slot(), 0.1)
        start = asyncio.get_running_loop().time()
        await pacer.slot()
        return [taker.cancelled(), 9.9 < asyncio.get_running_loop().time() - start < 10.2]

    assert run_virtual(run()) == [True, True]


def test_slowing_down_halves_the_rate_for_a_while() -> None:
    """After a complaint half as many messages leave; later the rate is back."""
    times: list[float] = []

    async def run() -> None:
        pacer = Pacer(10)
        pacer.slow_down(30)
        await _send(pacer, times, 20)
        assert _most_in_one_second(times) == 5
        await asyncio.sleep(60)
        times.clear()
        await _send(pacer, times, 20)

    run_virtual(run())
    assert _most_in_one_second(times) == 10


def test_sending_without_a_place_is_noticed() -> None:
    """A message may leave without a promised place only while there is room."""

    async def run() -> list[bool]:
        pacer = Pacer(1)
        before = pacer.may_send
        pacer.sent()
        full = pacer.may_send
        await pacer.slot()
        return [before, full, pacer.may_send]

    assert run_virtual(run()) == [True, False, True]


@pytest.mark.parametrize("rate", [0, 51])
def test_a_rate_above_the_brokers_limit_is_refused(rate: int) -> None:
    """The pace cannot be set to what IBKR punishes."""
    with pytest.raises(ValueError, match="1 to 50"):
        Pacer(rate)


def test_half_of_one_is_still_one() -> None:
    """The slowest pace there is goes on when the gateway complains of it."""
    times: list[float] = []

    async def run() -> None:
        pacer = Pacer(1)
        pacer.slow_down(60)
        await _send(pacer, times, 3)

    run_virtual(run())
    assert times[-1] < 10


def test_who_no_longer_waits_is_passed_over() -> None:
    """A place that comes free goes to the next who still wants it."""
    times: list[float] = []

    async def run() -> None:
        pacer = Pacer(1)
        await _send(pacer, times, 1)
        gone = asyncio.ensure_future(pacer.slot())
        waits = asyncio.ensure_future(_send(pacer, times, 1))
        await asyncio.sleep(0.1)
        gone.cancel()
        await waits

    run_virtual(run())
    assert len(times) == 2
