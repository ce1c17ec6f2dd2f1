"""Scenarios from TOML files: the shipped ones by name, others by path. Unknown words are errors."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

from .actions import ActionError, prepare
from .hours import MODES
from .pacing import KINDS
from .settings import (
    AccountSettings,
    FaultSettings,
    GatewaySettings,
    HoldingSettings,
    Latency,
    MarketSettings,
    Scenario,
)

FOLDER = Path(__file__).parent / "scenarios"
T = TypeVar("T")
TRIGGERS = {"at_seconds", "after_orders_accepted", "after_executions", "on_symbol"}


class ScenarioError(Exception):
    """The scenario does not exist or is not well-formed; the text says where and why."""


def names() -> list[str]:
    """The shipped scenarios, `plain` first."""
    return sorted((path.stem for path in FOLDER.glob("*.toml")), key=lambda name: (name != "plain", name))


def load(name_or_path: str) -> Scenario:
    """A shipped scenario by name, or one from a file; raises ScenarioError."""
    shipped = FOLDER / f"{name_or_path}.toml"
    path = shipped if name_or_path in names() else Path(name_or_path)
    if not path.is_file():
        raise ScenarioError(f"no scenario {name_or_path!r}; shipped are {', '.join(names())}, or give a file")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return parse(path.stem, table)
    except (tomllib.TOMLDecodeError, ScenarioError) as error:
        raise ScenarioError(f"{path}: {error}") from error


def parse(name: str, table: dict[str, Any]) -> Scenario:
    """A scenario from a TOML table; raises ScenarioError."""
    known = {"description", "latency", "market", "gateway", "rates", "account", "fault"}
    _refuse_unknown("scenario", set(table), known)
    market = _build(MarketSettings, table.get("market", {}), "market")
    if market.hours not in MODES:
        raise ScenarioError(f"market.hours is {market.hours!r}, but must be one of {', '.join(MODES)}")
    if market.data not in {"live", "delayed", "none"}:
        raise ScenarioError(f"market.data is {market.data!r}, but must be live, delayed or none")
    gateway = _build(GatewaySettings, table.get("gateway", {}), "gateway")
    if gateway.pacing not in KINDS:
        raise ScenarioError(f"gateway.pacing is {gateway.pacing!r}, but must be one of {', '.join(KINDS)}")
    parts: dict[str, Any] = {}
    if "account" in table:
        parts["accounts"] = tuple(_account(entry, f"account {n}") for n, entry in enumerate(table["account"], 1))
    if "rates" in table:
        parts["rates"] = _money(table["rates"], "rates")
    return Scenario(
        name=name,
        description=str(table.get("description", "")),
        latency=_build(Latency, table.get("latency", {}), "latency"),
        market=market,
        gateway=gateway,
        faults=tuple(_fault(entry, f"fault {n}") for n, entry in enumerate(table.get("fault", []), 1)),
        **parts,
    )


def _account(table: dict[str, Any], where: str) -> AccountSettings:
    holdings = tuple(_build(HoldingSettings, held, f"{where}, holding") for held in table.get("holdings", []))
    return _build(AccountSettings, {**table, "holdings": holdings}, where)


def _fault(table: dict[str, Any], where: str) -> FaultSettings:
    triggers = {key: value for key, value in table.items() if key in TRIGGERS}
    parameters = {key: value for key, value in table.items() if key not in TRIGGERS | {"action"}}
    action = str(table.get("action", ""))
    try:
        prepare(action, parameters)
    except ActionError as error:
        raise ScenarioError(f"{where}: {error}") from error
    return _build(FaultSettings, {"action": action, "parameters": parameters, **triggers}, where)


def _build(kind: type[T], table: dict[str, Any], where: str) -> T:
    """A settings dataclass from a table, every value converted to the kind its field is declared with."""
    declared = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    _refuse_unknown(where, set(table), set(declared))
    try:
        values: dict[str, Any] = {key: _value(value, declared[key], f"{where}.{key}") for key, value in table.items()}
        return kind(**values)
    except TypeError as error:
        raise ScenarioError(f"{where}: {error}") from error


def _value(value: object, declared: str, where: str) -> object:
    if declared == "dict[str, Decimal]" and isinstance(value, dict):
        return _money(value, where)
    if declared == "Decimal":
        return _decimal(value, where)
    if declared == "float" and isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return float(value)
    wanted = {"int": int, "str": str, "bool": bool}.get(declared)
    if wanted is not None and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
        raise ScenarioError(f"{where} is {value!r}, but must be of type {declared}")
    return value


def _money(table: dict[str, Any], where: str) -> dict[str, Decimal]:
    return {key: _decimal(value, f"{where}.{key}") for key, value in table.items()}


def _decimal(value: object, where: str) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise ScenarioError(f"{where} is {value!r}, but must be a number") from error


def _refuse_unknown(where: str, given: set[str], known: set[str]) -> None:
    unknown = sorted(given - known)
    if unknown:
        raise ScenarioError(f"{where} has unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")
