from __future__ import annotations

import pytest

from tests.tidy.proofs import mocks, weak_tests
from tests.tidy.sources import Source, sources_of_tests

PATH = "tests/unit/test_a.py"


def test_every_test_says_what_it_proves_and_can_fail() -> None:
    """Each test function of the project has a sentence and an assertion, and no double is patched in."""
    assert [line for source in sources_of_tests() for line in weak_tests(source) + mocks(source)] == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("assert f()", "does not say"),
        ("'''Says it.'''\n    f()", "cannot fail"),
        ("'''Says it.'''\n    f().checked()", "cannot fail"),
    ],
)
def test_weak_tests_are_caught(body: str, problem: str) -> None:
    """A test without a sentence, or without an assertion, is found."""
    (found,) = weak_tests(Source(PATH, f"async def test_a():\n    {body}"))
    assert problem in found


@pytest.mark.parametrize(
    "check",
    [
        "assert f()",
        "with pytest.raises(E): f()",
        "check_ledger(x)",
        "ledger.assert_once(x)",
        "pytest.fail('no')",
    ],
)
def test_sound_tests_pass(check: str) -> None:
    """Assertions, expected errors and named checkers all count as a way to fail."""
    assert weak_tests(Source(PATH, f"def test_a():\n    '''Says it.'''\n    {check}")) == []


def test_only_test_files_hold_tests() -> None:
    """A builder in a supporting file is not asked for an assertion."""
    assert weak_tests(Source("tests/support/builders.py", "def test_account(): return 'DU1'")) == []


@pytest.mark.parametrize(
    "text", ["import unittest.mock", "from unittest.mock import Mock", "from unittest import mock"]
)
def test_mocks_are_caught(text: str) -> None:
    """Every way to import unittest.mock is found."""
    assert len(mocks(Source(PATH, text))) == 1
