from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tidy.habits import empty_names, oversizes, promises, sleeps, swallowed_exceptions
from tests.tidy.sources import Source, product_sources, sources_of_tests

Rule = Callable[[Source], list[str]]
PATH = "event_processor/application/processor.py"


@pytest.mark.parametrize("rule", [oversizes, sleeps])
def test_the_product_keeps_its_habits(rule: Rule) -> None:
    """Files and functions stay small, and nothing sleeps instead of waiting for an event."""
    assert [line for source in product_sources() for line in rule(source)] == []


@pytest.mark.parametrize("rule", [empty_names, promises, swallowed_exceptions])
def test_product_and_tests_keep_their_habits(rule: Rule) -> None:
    """Names mean something, nothing is left for later, and no error is lost."""
    assert [line for source in product_sources() + sources_of_tests() for line in rule(source)] == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (oversizes, "x = 1\n" * 301),
        (oversizes, "def f():\n" + "    x = 1\n" * 70),
        (oversizes, "class A:\n    async def f(self):\n" + "        x = 1\n" * 70),
        (empty_names, "class OrderManager: ..."),
        (empty_names, "class IBHelper: ..."),
        (empty_names, "class ServiceLayer: ..."),
        (promises, f"x = 1  # TO{'DO'}: later"),
        (promises, f"# FIX{'ME'}"),
        (swallowed_exceptions, "try: f()\nexcept Exception: pass"),
        (swallowed_exceptions, "try: f()\nexcept: ..."),
        (swallowed_exceptions, "try: f()\nexcept (OSError, BaseException) as e: 'never mind'"),
        (swallowed_exceptions, "for x in y:\n    try: f()\n    except Exception: continue"),
        (swallowed_exceptions, "with contextlib.suppress(Exception): f()"),
        (sleeps, "import time\ntime.sleep(1)"),
        (sleeps, "from time import monotonic, sleep"),
    ],
)
def test_broken_habits_are_caught(rule: Rule, text: str) -> None:
    """Each planted violation is found once, and reported with its place."""
    (found,) = rule(Source(PATH, text))
    assert found.startswith(f"{PATH}:")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (oversizes, "x = 1\n" * 300),
        (oversizes, "def f():\n" + "    x = 1\n" * 69),
        (empty_names, "class Serviceable: ..."),
        (empty_names, "class Supervisor: ..."),
        (promises, "x = 'a to-do list'"),
        (swallowed_exceptions, "try: f()\nexcept OSError: pass"),
        (swallowed_exceptions, "try: f()\nexcept Exception: stop()"),
        (swallowed_exceptions, "with contextlib.suppress(KeyError): f()"),
        (sleeps, "await asyncio.sleep(1)"),
    ],
)
def test_good_habits_pass(rule: Rule, text: str) -> None:
    """The rules do not fire at what is allowed."""
    assert rule(Source(PATH, text)) == []


@pytest.mark.parametrize("path", ["event_processor/utils.py", "tests/support/ib_helpers.py", "a/managers/b.py"])
def test_empty_file_names_are_caught(path: str) -> None:
    """A file or folder name that says nothing is found as well as a class."""
    assert len(empty_names(Source(path, ""))) == 1
