"""SIGKILL at any moment: the processor, Redis, the gateway restarting under both, and all of them in turn."""

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
    stack.control("restart", seconds=AWAY_SECONDS, ids_back=IDS_BACK)


def kill_processor(stack: Stack) -> None:
    stack.restart()


BLOWS: list[Callable[[Stack], None]] = [kill_redis, restart_gateway, kill_processor]


@pytest.mark.timeout(240)
def test_the_processor_is_killed_fifty_times(start: StartStack) -> None:
    """Some die while they start, most in mid-run, and the next one goes on: every event comes to its one end, each
    order once.
    """
    stack = start(scenario())
    producer = Producer(stack)
    for number, life in enumerate(moments(2601, 50, MIDST_SECONDS_MAX)):
        producer.feed()
        if number % 3:
            stack.wait_session("ready")
        producer.live(life)
        stack.restart()
    producer.finish()
    producer.check_ends()


@pytest.mark.timeout(90)
def test_redis_is_killed_ten_times(start: StartStack) -> None:
    """It comes back from its append-only file each time, and what it had confirmed is there."""
    stack = start(scenario())
    producer = Producer(stack)
    for life in moments(2602, 10, LIFE_SECONDS_MAX):
        producer.live(life)
        kill_redis(stack)
    producer.finish()
    producer.check_ends()


@pytest.mark.timeout(90)
def test_the_gateway_restarts_and_forgets_its_last_ids(start: StartStack) -> None:
    """NextValidId moves back each time, under working orders: no id is used again, no order is sent twice."""
    stack = start(scenario(fill_ms=700))
    stack.wait_session("ready")
    producer = Producer(stack)
    for life in moments(2603, 6, LIFE_SECONDS_MAX):
        producer.live(life)
        restart_gateway(stack)
        stack.wait_session("ready", since=len(stack.processor.lines))
    producer.finish()
    producer.check_ends()


@pytest.mark.timeout(120)
def test_everything_breaks_in_turn(start: StartStack) -> None:
    """Processor, Redis and gateway, one at a time or two at once, in an order drawn by lot."""
    stack = start(scenario())
    producer = Producer(stack)
    chance = random.Random(2604)
    for life in moments(2605, 10, LIFE_SECONDS_MAX * 2):
        producer.live(life)
        for blow in chance.sample(BLOWS, chance.choice([1, 1, 2])):
            blow(stack)
    producer.finish()
    producer.check_ends()
