from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from gateway_simulator.stand_in.words import Rules
from tests.support.stand_in import RULES, Bench

NAMES = {field.name for field in fields(Rules)}


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., Bench]:
    """Makes a bench; rules are named like the fields of `Rules`, everything else like those of `Bench`."""

    def make(**given: Any) -> Bench:  # noqa: ANN401  (fields of two kinds)
        rules = {name: value for name, value in given.items() if name in NAMES}
        rest = {name: value for name, value in given.items() if name not in NAMES}
        return Bench(tmp_path, rules=replace(RULES, **rules), **rest)

    return make
