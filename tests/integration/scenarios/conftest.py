"""A stack of its own for each scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stack import Stack

StartStack = Callable[..., Stack]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartStack]:
    """Start the stack with a scenario and settings; at the end the processor must stop in good order."""
    with ExitStack() as ends:

        def start(scenario: str = "plain", *, accounts: str = "", started: bool = True, **settings: str) -> Stack:
            running = Stack(tmp_path, scenario, accounts=accounts, started=started, kept=False, **settings)
            return ends.enter_context(running)

        yield start
