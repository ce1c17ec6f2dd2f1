"""The project's own Python files, as the house rules read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT_PACKAGES = ("event_processor", "gateway_simulator", "healthcheck")


@dataclass(frozen=True)
class Source:
    """One file: its path from the root of the project, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def module(self) -> str:
        """The dotted name it is imported by."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def package(self) -> str:
        """The folder at the root that it belongs to."""
        return self.path.split("/")[0]

    def at(self, node: ast.AST, problem: str) -> str:
        """A violation, written as file:line: problem."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {problem}"


def product_sources() -> list[Source]:
    """Every file of the packages that people run."""
    return [source for package in PRODUCT_PACKAGES for source in _below(package)]


def sources_of_tests() -> list[Source]:
    """Every file under tests/."""
    return list(_below("tests"))


def _below(folder: str) -> Iterator[Source]:
    for file in sorted((ROOT / folder).rglob("*.py")):
        yield Source(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
