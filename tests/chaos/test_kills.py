"""SIGKILL at any moment: the processor, Redis, the gateway under both, and all of them in turn."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.chaos.conftest import StartStack
from tests.support.producer import Producer, moments, scenario
from tests.support.stack import Stack

LIFE_SECONDS_MAX = 1.6
MIDST_SECONDS_MAX = 0.9
"""Orders fill after 0.3 s, and an event takes two rounds of them."""
AWAY_SECONDS = 0.5
IDS_BACK = 4


def kill_redis(stack: Stack) -> None:
    stack.redis_server.kill()
    stack.redis_server.start()


def restart_gateway(stack: Stack) -> None:
    """Its own daily restart: it closes every connection and is back after a while."""
    stack.control("restart", seconds=AWAY_SECONDS, ids_back=IDS_BACK)


def kill_gateway(stack: Stack) -> None:
    """Its process dies without a word; the exchange behind it goes on with every order it had taken."""
    stack.restart_simulator(ids_back=IDS_BACK)


def kill_processor(stack: Stack) -> None:
    stack.restart()


Blow = Callable[[Stack], None]
BLOWS: tuple[Blow, ...] = (kill_redis, restart_gateway, kill_gateway, kill_processor)


@pytest.mark.timeout(360)
def test_the_processor_is_killed_fifty_times(start: StartStack, seed: int) -> None:
    """Some die while they start, most in mid-run, and the next one goes on: every event comes to its one end, each
    order once.
    """
    stack = start(scenario())
    producer = Producer(stack)
    for number, life in enumerate(moments(seed, 50, MIDST_SECONDS_MAX)):
        producer.feed()
        if number % 3:
            stack.wait_session("ready")
        producer.live(life)
        stack.restart()
    producer.check_ends()


@pytest.mark.timeout(90)
def test_redis_is_killed_ten_times(start: StartStack, seed: int) -> None:
    """It comes back from its append-only file each time, and what it had confirmed is there."""
    stack = start(scenario())
    producer = Producer(stack)
    for life in moments(seed, 10, LIFE_SECONDS_MAX):
        producer.live(life)
        kill_redis(stack)
    producer.check_ends()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("blow", [restart_gateway, kill_gateway])
def test_the_gateway_forgets_its_last_ids(start: StartStack, seed: int, blow: Blow) -> None:
    """It restarts, or is killed and started again, and nextValidId moves back each time, under working orders: no id
    is used again, no order is sent twice, and what filled meanwhile is known.
    """
    stack = start(scenario(fill_ms=700), kept=True)
    stack.wait_session("ready")
    producer = Producer(stack)
    for life in moments(seed, 6, LIFE_SECONDS_MAX):
        producer.live(life)
        since = len(stack.processor.lines)
        blow(stack)
        stack.wait_session("ready", since=since)
    producer.check_ends()


@pytest.mark.timeout(120)
def test_everything_breaks_in_turn(start: StartStack, seed: int) -> None:
    """Processor, Redis and gateway, one at a time or two at once, in an order drawn by lot."""
    stack = start(scenario(), kept=True)
    producer = Producer(stack)
    chance = random.Random(seed)
    for life in moments(seed, 10, LIFE_SECONDS_MAX * 2):
        producer.live(life)
        for blow in chance.sample(BLOWS, chance.choice([1, 1, 2])):
            blow(stack)
    producer.check_ends()
