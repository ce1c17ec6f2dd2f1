"""One stack for a whole day of tests: brought up from nothing, with the simulator in the gateway's place."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.composed import ROOT, ComposedStack
from tests.support.screen import Screen, screen

FIGURES = ROOT / "build/stack-figures.json"
LINES = "80"


@pytest.fixture(scope="session")
def figures() -> Iterator[dict[str, object]]:
    """What was measured on the way, kept as a build output; nothing is asserted of it."""
    found: dict[str, object] = {}
    yield found
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, figures: dict[str, object]) -> Iterator[ComposedStack]:
    """Images built, everything up, nobody logged in; removed with its data afterwards."""
    made = ComposedStack(tmp_path_factory.mktemp("server"), f"day{os.getpid()}", IB_USERNAME="")
    try:
        began = time.monotonic()
        made.compose("build", "--quiet", seconds=900)
        figures["build_seconds"] = round(time.monotonic() - began, 1)
        began = time.monotonic()
        made.up()
        figures["up_without_login_seconds"] = round(time.monotonic() - began, 1)
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def window() -> Iterator[Screen]:
    """A browser with one page, for the gateway's window."""
    with screen() as opened:
        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what every container said last, and keeps a picture of the open window."""
    report = yield
    given = getattr(item, "funcargs", {}) if report.failed else {}
    if isinstance(running := given.get("stack"), ComposedStack):
        report.sections.append(("containers", running.logs("--tail", LINES)))
    if isinstance(window := given.get("window"), Screen):
        report.sections.append(("screenshot", window.picture_of_failure(item.name)))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A login first, then what may be done, what breaks, and what ends the stack; each file in its own order."""
    order = {"test_day_login": 1, "test_day_rights": 2, "test_day_faults": 3, "test_day_end": 4}
    items.sort(key=lambda item: order.get(Path(item.path).stem, 0))
