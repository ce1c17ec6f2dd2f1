"""From the environment to raw values: secret files, unknown names, and what is wrong with them, in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIXES = ("IB_", "REDIS_")
"""Names that begin like this are ours: one we do not know is a mistake, not somebody else's."""

NEIGHBOURS = frozenset(
    {"IB_GATEWAY_IMAGE", "IB_PASSWORD", "IB_PASSWORD_FILE", "IB_USERNAME", "REDIS_IMAGE", "REDIS_SECRETS"}
)
"""Names under our prefixes that the rest of the stack reads from the same file."""

FILE_SUFFIX = "_FILE"
LIKENESS_MIN = 0.85


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the setting, what it was given (masked already), the rule and the way out."""

    name: str
    rule: str
    fix: str
    value: str = ""

    def __str__(self) -> str:
        given = f" is {self.value!r}" if self.value else ""
        return f"{self.name}{given}: {self.rule}. {self.fix}"


def read_environ(
    environ: Mapping[str, str], names: Iterable[str], secrets: Iterable[str]
) -> tuple[dict[str, str], list[Problem]]:
    """The value of each of `names` that is set, secrets also from the file that `NAME_FILE` points to.

    An empty variable counts as not set, which is what an env file's `NAME=` means.
    """
    values = {name: environ[name] for name in names if environ.get(name, "").strip()}
    problems: list[Problem] = []
    for name in secrets:
        path = environ.get(name + FILE_SUFFIX, "").strip()
        if not path:
            continue
        if name in values:
            rule = f"{name} and {name}{FILE_SUFFIX} are both set"
            problems.append(Problem(name, rule, "Keep one of them; the file is the safer one."))
            continue
        found = _read_secret(name, Path(path))
        if isinstance(found, Problem):
            problems.append(found)
        else:
            values[name] = found
    return values, problems


def unknown_names(environ: Mapping[str, str], names: Iterable[str], secrets: Iterable[str]) -> list[Problem]:
    """Names that look like settings and are none: all under our prefixes, and near misses anywhere."""
    known = {*names, *(name + FILE_SUFFIX for name in secrets)}
    problems = []
    for name in sorted(set(environ) - known - NEIGHBOURS):
        near = difflib.get_close_matches(name, known, n=1, cutoff=LIKENESS_MIN)
        if near or name.startswith(PREFIXES):
            fix = f"Did you mean {near[0]}?" if near else "Remove it; docs/reference/settings.md lists all settings."
            problems.append(Problem(name, "there is no such setting", fix))
    return problems


def _read_secret(name: str, path: Path) -> str | Problem:
    setting = name + FILE_SUFFIX
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        rule = f"the file cannot be read ({why})"
        return Problem(setting, rule, "Correct the path, or let this user read the file.", str(path))
    if not text:
        return Problem(setting, "the file is empty", f"Write the value of {name} into it.", str(path))
    return text
