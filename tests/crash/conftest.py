"""How many pairs of deaths are tried."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-pair", action="store_true", help="every pair of deaths in every variant, not a sample")


@pytest.fixture(scope="session")
def every_pair(request: pytest.FixtureRequest) -> bool:
    """Whether no pair of deaths may be left out."""
    return bool(request.config.getoption("every_pair"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The variants in which the processor dies twice."""
    if "twice" in metafunc.fixturenames:
        module = metafunc.module
        metafunc.parametrize("twice", list(module.ALL if metafunc.config.getoption("every_pair") else module.VARIANTS))
