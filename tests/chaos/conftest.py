"""A stack of its own for each test, over an account, or several, in the middle of everyday life."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stack import Stack

StartStack = Callable[..., Stack]

SEEDS = 1_000_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-seed", type=int, help="the moments of an earlier run once more; else drawn by lot")


def pytest_configure(config: pytest.Config) -> None:
    """Draw a seed before the test processes are started, so that all have the same."""
    if config.getoption("chaos_seed", None) is None:
        config.option.chaos_seed = secrets.randbelow(SEEDS)


def pytest_report_header(config: pytest.Config) -> str:
    seed = config.getoption("chaos_seed")
    return f"chaos seed: {seed} (the same moments again: make chaos SEED={seed})"


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    """What the moments of this run are drawn from; printed at its head."""
    return int(pytestconfig.getoption("chaos_seed"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartStack]:
    """Start the stack with a scenario and settings; at the end the processors must stop in good order."""
    with ExitStack() as ends:

        def start(
            scenario: str,
            *,
            folder: str = "",
            beside: Stack | None = None,
            started: bool = True,
            kept: bool = False,
            **settings: str,
        ) -> Stack:
            stack = Stack(tmp_path / folder, scenario, beside, started=started, kept=kept, **settings)
            return ends.enter_context(stack)

        yield start
