"""House rules that one file can break by itself: sizes, names, and things that are never written."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

from tests.tidy.sources import Source

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
EMPTY_WORDS = frozenset({"helper", "helpers", "manager", "managers", "service", "services", "util", "utils"})
BROAD = frozenset({"", "Exception", "BaseException"})
# Spelled so that this file keeps the rule it states.
PROMISES = re.compile(r"\b(?:TO[D]O|FIX[M]E)\b")


def oversizes(source: Source) -> list[str]:
    """A file over 300 lines, or a function over 70."""
    found = []
    lines = len(source.text.splitlines())
    if lines > FILE_LINES_MAX:
        found.append(f"{source.path}:1: {lines} lines, the limit is {FILE_LINES_MAX}")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                found.append(source.at(node, f"{node.name} has {lines} lines, the limit is {FUNCTION_LINES_MAX}"))
    return found


def empty_names(source: Source) -> list[str]:
    """Files, folders and classes whose name says nothing: Manager, Helper, Service, Utils."""
    found = [
        f"{source.path}:1: {part!r} says nothing"
        for part in PurePosixPath(source.path).with_suffix("").parts
        if _words(part) & EMPTY_WORDS
    ]
    found += [
        source.at(node, f"class {node.name} says nothing")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and _words(node.name) & EMPTY_WORDS
    ]
    return found


def promises(source: Source) -> list[str]:
    """Work left for later in a comment."""
    return [
        f"{source.path}:{number}: do it, or leave it out"
        for number, line in enumerate(source.text.splitlines(), 1)
        if PROMISES.search(line)
    ]


def swallowed_exceptions(source: Source) -> list[str]:
    """Handlers and suppressions that lose any error whatever."""
    return [source.at(node, "this loses every error") for node in ast.walk(source.tree) if _swallows(node)]


def sleeps(source: Source) -> list[str]:
    """Blocking sleeps: product code waits for events, with a limit."""
    return [
        source.at(node, "wait for the event, not for time to pass") for node in ast.walk(source.tree) if _is_sleep(node)
    ]


def _swallows(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return _is_broad(node.type) and all(map(_is_nothing, node.body))
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).split(".")[-1] == "suppress" and any(map(_is_broad, node.args))
    return False


def _is_sleep(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "time" and any(alias.name == "sleep" for alias in node.names)
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep"


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def _is_broad(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(map(_is_broad, kind.elts))
    return ("" if kind is None else ast.unparse(kind)) in BROAD


def _is_nothing(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass | ast.Continue)
