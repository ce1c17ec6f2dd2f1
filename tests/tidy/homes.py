"""Things that make a run unrepeatable have one home per package: the clock, chance, the environment."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.tidy.sources import Source

CLOCK, CHANCE, ENVIRONMENT = "the clock", "chance", "the environment"
# Module and name of what is read -> what that is.
READS = {
    **dict.fromkeys(
        [("time", name) for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")], CLOCK
    ),
    **dict.fromkeys([("os", "environ"), ("os", "getenv")], ENVIRONMENT),
    **dict.fromkeys([("uuid", "uuid1"), ("uuid", "uuid4")], CHANCE),
}
TODAY = frozenset({"now", "utcnow", "today"})
# Seeded generators repeat; everything else in these modules does not.
CHANCE_MODULES = frozenset({"random", "secrets"})
# Where the home is agreed; elsewhere any one file of the package may be it.
AGREED = {
    ("event_processor", CLOCK): "event_processor/adapters/clock.py",
    ("event_processor", ENVIRONMENT): "event_processor/settings.py",
}


def homeless(sources: Iterable[Source]) -> list[str]:
    """Reads outside the agreed home, or in more than one file of a package."""
    places: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for source in sources:
        for node, what in reads(source):
            places[source.package, what][source.path].append(source.at(node, f"reads {what}"))
    found = []
    for (package, what), files in sorted(places.items()):
        home = AGREED.get((package, what), min(files, key=lambda path: (-len(files[path]), path)))
        found += [f"{line}; its home is {home}" for path, lines in files.items() if path != home for line in lines]
    return found


def reads(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every read of the clock, of chance and of the environment in the file."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute):
            what = _attribute(node)
        elif isinstance(node, ast.ImportFrom):
            what = next(filter(None, (_read(node.module or "", alias.name) for alias in node.names)), "")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"random.Random", "Random"}:
            what = "" if node.args or node.keywords else CHANCE
        else:
            continue
        if what:
            yield node, what


def _attribute(node: ast.Attribute) -> str:
    base = ast.unparse(node.value)
    if node.attr in TODAY and base.split(".")[-1] in {"datetime", "date"}:
        return CLOCK
    return _read(base, node.attr)


def _read(module: str, name: str) -> str:
    if module in CHANCE_MODULES and name != "Random":
        return CHANCE
    return READS.get((module, name), "")
