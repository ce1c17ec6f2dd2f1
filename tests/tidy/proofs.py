"""What a test must be: a sentence that says what it proves, and at least one way to fail."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.tidy.sources import Source

PYTEST_CHECKS = frozenset({"pytest.raises", "pytest.warns", "pytest.fail", "pytest.RaisesGroup"})
CHECKER_PREFIXES = ("assert_", "check_")


def weak_tests(source: Source) -> list[str]:
    """Tests without a sentence or without an assertion."""
    found = []
    for test in _tests(source):
        if not ast.get_docstring(test):
            found.append(source.at(test, f"{test.name} does not say what it proves"))
        if not any(map(_can_fail, ast.walk(test))):
            found.append(source.at(test, f"{test.name} cannot fail"))
    return found


def mocks(source: Source) -> list[str]:
    """Patched-in doubles of unittest.mock; ours are written by hand against the port."""
    return [
        source.at(node, "write the double by hand")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and "unittest" in ast.unparse(node)
    ]


def _tests(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    if not PurePosixPath(source.path).name.startswith("test_"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


def _can_fail(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.Assert)
    called = ast.unparse(node.func)
    return called in PYTEST_CHECKS or called.split(".")[-1].startswith(CHECKER_PREFIXES)
