"""Mistakes in words: which field, what it says, which rule it breaks."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

Path = tuple[str | int, ...]

PROBLEMS_SHOWN = 50
_VALUE_SHOWN = 60
_ABSENT = object()

_RULES = {
    "missing": "is required",
    "string_type": "must be text",
    "string_unicode": "must be valid Unicode text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
    "string_pattern_mismatch": "must match {pattern}",
    "finite_number": "must be a finite number",
    "too_short": "must not be empty",
    "value_error": "{error}",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where, the rule, and the value there (left out when there is none to show)."""

    path: Path
    rule: str
    value: Any = _ABSENT

    def __str__(self) -> str:
        where = show_path(self.path)
        return f"{where} {self.rule}" if self.value is _ABSENT else f"{where} = {_show(self.value)}: {self.rule}"


def show_path(path: Path) -> str:
    """A path as people write it: data.targets[0].weight."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the body"


def read_problems(error: ValidationError, known: Collection[str]) -> list[Problem]:
    """The mistakes that pydantic found, in our words; `known` are the field names to suggest from."""
    return [_problem(dict(detail), known) for detail in error.errors(include_url=False)]


def _problem(detail: Mapping[str, Any], known: Collection[str]) -> Problem:
    path, kind = detail["loc"], detail["type"]
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        return Problem(path, "is not a known field" + (f": did you mean {near[0]}?" if near else ""))
    if kind == "missing":
        return Problem(path, _RULES[kind])
    rule = _RULES[kind].format(**detail.get("ctx", {})) if kind in _RULES else detail["msg"]
    return Problem(path, rule, detail["input"])


def first_per_path(problems: Iterable[Problem]) -> list[Problem]:
    """One mistake for each place: the first that was found there."""
    found: dict[Path, Problem] = {}
    for problem in problems:
        found.setdefault(problem.path, problem)
    return list(found.values())


def tell(problems: Collection[Problem]) -> str:
    """All mistakes in one message."""
    lines = [str(problem) for problem in problems][:PROBLEMS_SHOWN]
    if len(problems) > len(lines):
        lines.append(f"and {len(problems) - len(lines)} more")
    head = f"{len(problems)} mistakes: " if len(problems) > 1 else ""
    return head + "; ".join(lines)


def _show(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    return text if len(text) <= _VALUE_SHOWN else text[: _VALUE_SHOWN - 1] + "…"
