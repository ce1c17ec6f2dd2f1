from __future__ import annotations

import asyncio

import pytest

from event_processor.adapters.ibkr.sharing import Shared
from event_processor.errors import GatewayDisconnected
from tests.support.virtual_time import run_virtual

LOOK_SECONDS = 1.0


class Gateway:
    """Answers each look-up after a second, with the moment it began; `fails` are the numbers of those it refuses."""

    def __init__(self, *fails: int) -> None:
        self.began: list[float] = []
        self.at_once = self.most_at_once = 0
        self._fails = fails

    async def look(self) -> float:
        now = asyncio.get_running_loop().time()
        self.began.append(now)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(LOOK_SECONDS)
        finally:
            self.at_once -= 1
        if len(self.began) in self._fails:
            raise GatewayDisconnected("gone")
        return now


async def later(seconds: float, shared: Shared[float]) -> float:
    await asyncio.sleep(seconds)
    return await shared.ask()


def test_whoever_asks_while_a_look_up_runs_shares_the_next() -> None:
    """Many questions cost two look-ups, and no answer is older than its question."""
    asked = (0.0, 0.2, 0.5, 0.9)

    async def story() -> tuple[Gateway, list[float]]:
        gateway = Gateway()
        shared = Shared(gateway.look, asyncio.Lock())
        return gateway, await asyncio.gather(*(later(seconds, shared) for seconds in asked))

    gateway, answers = run_virtual(story())
    assert gateway.began == [0.0, 1.0]
    assert answers == [0.0, 1.0, 1.0, 1.0]
    assert all(answer >= question for answer, question in zip(answers, asked, strict=True))


def test_an_error_goes_to_everybody_who_asked_and_to_nobody_after() -> None:
    """A request that failed is no answer, and the next question is asked anew."""

    async def story() -> float:
        shared = Shared(Gateway(2).look, asyncio.Lock())
        first, *failed = await asyncio.gather(
            *(later(seconds, shared) for seconds in (0.0, 0.5, 0.6)), return_exceptions=True
        )
        assert first == 0.0
        assert [type(error) for error in failed] == [GatewayDisconnected] * 2
        return await shared.ask()

    assert run_virtual(story()) == 2 * LOOK_SECONDS


def test_one_who_goes_away_takes_no_answer_from_the_others() -> None:
    """Cancelling one of those who wait leaves the look-up to the rest, and to nobody where none is left."""

    async def story() -> list[float]:
        gateway = Gateway(2)
        shared = Shared(gateway.look, asyncio.Lock())
        gone, kept = (asyncio.ensure_future(shared.ask()) for _ in range(2))
        await asyncio.sleep(0.5)
        gone.cancel()
        assert await kept == 0.0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(shared.ask(), LOOK_SECONDS / 2)
        await asyncio.sleep(LOOK_SECONDS)
        return gateway.began

    assert run_virtual(story()) == [0.0, 1.0]


def test_look_ups_of_one_lock_never_run_beside_each_other() -> None:
    """Answers without an id could not be told apart."""

    async def story() -> Gateway:
        gateway, lock = Gateway(), asyncio.Lock()
        one, two = Shared(gateway.look, lock), Shared(gateway.look, lock)
        await asyncio.gather(one.ask(), two.ask(), later(0.5, one), later(0.5, two))
        return gateway

    gateway = run_virtual(story())
    assert gateway.most_at_once == 1
    assert gateway.began == [0.0, 1.0, 2.0]
