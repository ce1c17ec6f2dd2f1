from __future__ import annotations

import asyncio

from event_processor.adapters.notifiers.backlog import BACKLOG_MAX, Backlog
from event_processor.adapters.notifiers.courier import ATTEMPTS_MAX, ATTEMPTS_URGENT_MAX, Courier
from event_processor.adapters.notifiers.message import Urgency
from tests.support.notices import Ledger, Listener, message
from tests.support.virtual_time import run_virtual


class Bench:
    """A courier at work."""

    def __init__(self, listener: Listener) -> None:
        self.listener, self.ledger = listener, Ledger()
        self.courier = Courier(listener, self.ledger)
        self.task = asyncio.create_task(self.courier.run())

    async def end(self) -> None:
        self.courier.close()
        await self.task


def test_messages_arrive_in_order_urgent_first() -> None:
    """What is urgent overtakes; the rest keeps its order."""

    async def story() -> list[str]:
        bench = Bench(Listener())
        for name, urgency in (("a", Urgency.NEWS), ("b", Urgency.SOON), ("c", Urgency.NEWS), ("u", Urgency.NOW)):
            bench.courier.post(message(name, urgency))
        await bench.end()
        return bench.listener.titles

    assert run_virtual(story()) == ["u", "b", "a", "c"]


def test_a_failed_delivery_is_tried_again_with_growing_pauses() -> None:
    """5, 10, 20 … seconds, and when the receiver works again everything arrives."""

    async def story() -> tuple[list[float], list[str]]:
        bench = Bench(Listener(failing=True))
        bench.courier.post(message("a"))
        await asyncio.sleep(40)
        bench.listener.failing = False
        await asyncio.sleep(40)
        await bench.end()
        return [at for at, _ in bench.listener.tries], bench.listener.titles

    times, titles = run_virtual(story())
    assert ([round(at) for at in times], titles) == ([0, 5, 15, 35, 75], ["a"])


def test_tries_have_an_end() -> None:
    """A message that never gets through is given up, an urgent one later; both are counted and told later."""

    async def story() -> tuple[Bench, int]:
        bench = Bench(Listener(failing=True))
        bench.courier.post(message("a"))
        bench.courier.post(message("u", Urgency.NOW))
        await asyncio.sleep(5 * 3600)
        tries = len(bench.listener.tries)
        bench.listener.failing = False
        bench.courier.post(message("b"))
        await asyncio.sleep(1)
        await bench.end()
        return bench, tries

    bench, tries = run_virtual(story())
    assert tries == ATTEMPTS_MAX + ATTEMPTS_URGENT_MAX
    assert bench.ledger.of("failed") == ["a", "u"]
    assert bench.listener.titles == ["b", "2 messages were lost"]


def test_a_message_that_is_refused_does_not_block_the_others() -> None:
    """The next one is tried before the refused one is tried again."""

    class Picky(Listener):
        async def send(self, message: object) -> None:
            self.failing = getattr(message, "title", "") == "bad"
            await super().send(message)  # type: ignore[arg-type]  # it is a message

    async def story() -> list[str]:
        bench = Bench(Picky())
        for name, urgency in (("bad", Urgency.NOW), ("a", Urgency.NEWS), ("b", Urgency.NEWS)):
            bench.courier.post(message(name, urgency))
        await asyncio.sleep(60)
        bench.task.cancel()
        return bench.listener.titles

    assert run_virtual(story()) == ["a", "b"]


def test_something_urgent_cuts_a_pause_short() -> None:
    """While a receiver is given time to recover, an urgent message is tried at once."""

    async def story() -> list[float]:
        bench = Bench(Listener(failing=True))
        bench.courier.post(message("a"))
        await asyncio.sleep(1_000)
        bench.listener.tries.clear()
        bench.courier.post(message("u", Urgency.NOW))
        await asyncio.sleep(1)
        bench.task.cancel()
        return [at for at, _ in bench.listener.tries]

    assert run_virtual(story()) == [1_000.0]


def test_a_full_backlog_loses_the_oldest_of_the_least_urgent_and_says_so_later() -> None:
    """The urgent stay; drops are counted, and told when the receiver works again."""

    async def story() -> Bench:
        bench = Bench(Listener(failing=True))
        bench.courier.post(message("u", Urgency.NOW))
        for number in range(BACKLOG_MAX + 1):
            bench.courier.post(message(f"m{number}", Urgency.NEWS))
        await asyncio.sleep(1)
        bench.listener.failing = False
        await asyncio.sleep(60)
        await bench.end()
        return bench

    bench = run_virtual(story())
    assert bench.ledger.of("dropped") == ["m0", "m1"]
    assert "u" in bench.listener.titles
    assert bench.listener.titles[-1] == "2 messages were lost"


def test_a_backlog_drops_the_newcomer_when_it_is_the_least_urgent() -> None:
    """News has no place in a backlog full of what is urgent."""
    backlog = Backlog(2)
    for name in ("a", "b"):
        assert backlog.put(message(name, Urgency.NOW)) is None
    news = message("news", Urgency.NEWS)
    assert backlog.put(news) is news
    assert (len(backlog), backlog.lost) == (2, 1)


def test_at_the_end_nothing_is_tried_twice() -> None:
    """A close gives up after some failures, without a pause, and all that is left is counted."""

    async def story() -> tuple[list[tuple[float, str]], int, list[str]]:
        bench = Bench(Listener(failing=True))
        for name in ("a", "b", "c", "d"):
            bench.courier.post(message(name))
        await bench.end()
        return bench.listener.tries, bench.courier.leave(), bench.ledger.of("dropped")

    tries = [(0.0, "a"), (0.0, "b"), (0.0, "c")]
    assert run_virtual(story()) == (tries, 2, ["a", "b", "c", "d"])


def test_a_failure_under_way_does_not_cost_what_was_never_tried() -> None:
    """When the end comes while a delivery fails, the others are still tried."""

    async def story() -> list[str]:
        bench = Bench(Listener(failing=True))
        bench.courier.post(message("a"))
        await asyncio.sleep(1)
        bench.listener.failing = False
        bench.courier.post(message("b"))
        await bench.end()
        return bench.listener.titles

    assert run_virtual(story()) == ["b", "a"]
