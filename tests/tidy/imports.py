"""Which module may import which: the arrows of docs/explanation/architecture.md as two tables."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from tests.tidy.sources import PRODUCT_PACKAGES, Source

# Layer of event_processor -> the layers it may import. An arrow may skip layers, never point up or sideways.
ARROWS: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "domain": frozenset({"errors"}),
    "ports": frozenset({"domain", "errors"}),
    "settings": frozenset({"domain", "errors"}),
    "accounts": frozenset({"domain", "errors"}),
    "application": frozenset({"ports", "domain", "errors"}),
    "adapters": frozenset({"ports", "domain", "errors"}),
    "bootstrap": frozenset({"settings", "accounts", "application", "adapters", "ports", "domain", "errors"}),
    "entrypoints": frozenset(
        {"bootstrap", "settings", "accounts", "application", "adapters", "ports", "domain", "errors"}
    ),
    "__main__": frozenset({"entrypoints"}),
}
# Layers that see no third-party package at all.
STANDARD_LIBRARY_ONLY = frozenset({"errors", "domain", "ports", "application"})
# Third-party packages with one door each: package -> the modules below which it may be imported.
DOORS: dict[str, tuple[str, ...]] = {
    # The drill also sends what the adapter never does: what-if orders, and orders without a time in force.
    "ib_async": ("event_processor.adapters.ibkr", "event_processor.entrypoints.drill"),
    "ibapi": (),
    "apprise": ("event_processor.adapters.notifiers",),
    "redis": ("event_processor.adapters.redis", "event_processor.entrypoints.demo"),
}
# What a pure module has no use for.
IMPURE = frozenset(
    {
        *("asyncio", "concurrent", "io", "logging", "multiprocessing", "os", "pathlib", "queue", "random"),
        *("secrets", "selectors", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile"),
        *("threading", "time"),
    }
)
INDEPENDENT = ("gateway_simulator", "healthcheck")
PROCESSOR = "event_processor"
HEALTH_WORDS = "healthcheck.report"


def import_violations(source: Source) -> list[str]:
    """Every import of the file that points the wrong way."""
    return [
        source.at(node, f"{source.module} must not import {target}: {reason}")
        for node, target in imported(source)
        if (reason := _objection(source.module, target))
    ]


def impurities(source: Source) -> list[str]:
    """Async code in the domain, which only ever decides."""
    if _layer(source.module) != "domain":
        return []
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    return [
        source.at(node, "the domain has no async code") for node in ast.walk(source.tree) if isinstance(node, kinds)
    ]


def imported(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Each import with the full name it may reach: `from a import b` reaches a.b."""
    is_package = source.path.endswith("/__init__.py")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = source.module.split(".")
                home = parts[: len(parts) - node.level + is_package]
                base = ".".join([*home, base] if base else home)
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def _objection(module: str, target: str) -> str:
    package, target_package = (name.partition(".")[0] for name in (module, target))
    if target_package in sys.stdlib_module_names:
        impure = _layer(module) == "domain" and target_package in IMPURE
        return "the domain is pure" if impure else ""
    if package == target_package == PROCESSOR:
        return _arrow_objection(module, target)
    if package == target_package:
        return ""
    if package in INDEPENDENT:
        return f"{package} stands on the standard library alone"
    if target_package in PRODUCT_PACKAGES:
        return _neighbour_objection(module, target)
    return _third_party_objection(module, target_package)


def _arrow_objection(module: str, target: str) -> str:
    ours, theirs = _layer(module), _layer(target)
    if ours == theirs:
        apart = ours == "adapters" and _adapter(module) != _adapter(target)
        return "adapters do not know each other" if apart and _adapter(module) and _adapter(target) else ""
    if theirs == "":  # the package itself holds nothing but its version
        return ""
    if theirs not in ARROWS:
        return f"{theirs} is in no layer"
    return "" if theirs in ARROWS.get(ours, frozenset()) else f"{ours or 'the package'} is below {theirs} or beside it"


def _neighbour_objection(module: str, target: str) -> str:
    if _layer(module) in {"application", "bootstrap", "entrypoints"} and _within(target, HEALTH_WORDS):
        return ""
    return f"of its neighbours only {HEALTH_WORDS} is shared, and only with application, bootstrap and entrypoints"


def _third_party_objection(module: str, package: str) -> str:
    name = module.removeprefix(f"{PROCESSOR}.domain.")
    is_event_contract = name == "event" or name.startswith("event_")
    if _layer(module) in STANDARD_LIBRARY_ONLY and not (package in {"pydantic", "pydantic_core"} and is_event_contract):
        return f"{_layer(module)} sees no third-party package"
    doors = DOORS.get(package)
    if doors is None or any(_within(module, door) for door in doors):
        return ""
    return f"its only door is {' or '.join(doors) or 'in the tests'}"


def _layer(module: str) -> str:
    """`event_processor.domain.plan` -> domain; empty for the package itself and for other packages."""
    parts = module.split(".")
    if parts[0] != PROCESSOR or len(parts) == 1 or parts[1] == "__version__":
        return ""
    return "settings" if parts[1].startswith("settings_") else parts[1]


def _adapter(module: str) -> str:
    """`event_processor.adapters.redis.keys` -> redis."""
    return ".".join(module.split(".")[2:3])


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
