"""SIGKILL at any moment: the processor, Redis, and the gateway restarting under both."""

from __future__ import annotations

import random

import pytest

from tests.integration.chaos.conftest import StartStack
from tests.support.ledger_judge import check_ledger
from tests.support.producer import Producer, moments, scenario

SEED = 2601
ROUNDS = 50
LIFE_SECONDS_MAX = 1.6
"""Start to ready takes about half of it, so that some die before they are ready and some in mid-run."""


@pytest.mark.timeout(150)
def test_the_processor_is_killed_fifty_times(start: StartStack) -> None:
    """Whenever it dies, the next one goes on: every event comes to its one end, each order once."""
    stack = start(scenario())
    producer = Producer(stack)
    for life in moments(SEED, ROUNDS, LIFE_SECONDS_MAX):
        producer.live(life)
        stack.restart()
    producer.finish()
    check_ledger(stack, producer.finals)
    assert len(producer.finals) > len(stack.ledger("account")), "no event ever came to its end"
