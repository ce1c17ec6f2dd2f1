from __future__ import annotations

import pytest

from tests.tidy.homes import homeless, reads
from tests.tidy.sources import Source, product_sources


def test_clock_chance_and_environment_have_one_home_each() -> None:
    """Nothing in the product reads them anywhere else, so that every run can be repeated."""
    assert homeless(product_sources()) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("datetime.now(UTC)", "the clock"),
        ("datetime.datetime.utcnow()", "the clock"),
        ("date.today()", "the clock"),
        ("time.time()", "the clock"),
        ("clock = time.monotonic", "the clock"),
        ("from time import monotonic", "the clock"),
        ("random.uniform(0, 1)", "chance"),
        ("random.Random()", "chance"),
        ("from random import choice", "chance"),
        ("secrets.token_hex()", "chance"),
        ("uuid.uuid4()", "chance"),
        ("os.environ['X']", "the environment"),
        ("os.getenv('X')", "the environment"),
        ("from os import environ", "the environment"),
    ],
)
def test_reads_are_found(text: str, what: str) -> None:
    """Each way to read clock, chance or environment is recognised."""
    assert [found for _, found in reads(Source("healthcheck/a.py", text))] == [what]


@pytest.mark.parametrize(
    "text",
    ["clock.now()", "self._random.uniform(0, 1)", "random.Random(seed)", "loop.time()", "uuid.uuid5(a, b)"],
)
def test_injected_sources_are_no_reads(text: str) -> None:
    """What is handed in, or follows from a seed, repeats."""
    assert list(reads(Source("healthcheck/a.py", text))) == []


def test_an_agreed_home_is_the_only_one() -> None:
    """The clock is read in its adapter, the environment in the settings, and nowhere else."""
    good = [
        Source("event_processor/adapters/clock.py", "datetime.now(UTC)"),
        Source("event_processor/settings.py", "os.environ"),
    ]
    bad = [
        Source("event_processor/domain/plan.py", "datetime.now(UTC)"),
        Source("event_processor/bootstrap.py", "os.environ"),
    ]
    assert homeless(good) == []
    assert [line.split(":")[0] for line in homeless(good + bad)] == [source.path for source in bad]


def test_elsewhere_one_file_per_package_is_enough() -> None:
    """A package without an agreed home may choose one file, not two; packages do not share."""
    first, second = (Source(f"gateway_simulator/{name}.py", "time.monotonic()") for name in "ab")
    neighbour = Source("healthcheck/a.py", "time.monotonic()")
    assert homeless([first, neighbour]) == []
    assert homeless([first, second, neighbour]) == [
        "gateway_simulator/b.py:1: reads the clock; its home is gateway_simulator/a.py"
    ]
