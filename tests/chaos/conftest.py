"""A stack of its own for each test, over an account, or several, in the middle of everyday life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stack import Stack

StartStack = Callable[..., Stack]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartStack]:
    """Start the stack with a scenario and settings; at the end the processors must stop in good order."""
    with ExitStack() as ends:

        def start(
            scenario: str, *, folder: str = "", beside: Stack | None = None, started: bool = True, **settings: str
        ) -> Stack:
            return ends.enter_context(Stack(tmp_path / folder, scenario, beside, started=started, **settings))

        yield start
