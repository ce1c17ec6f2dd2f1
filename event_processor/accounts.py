"""The accounts file: which accounts may be traded, under which alias, with which policy.

Strict: an unknown field, a double key or a value of the wrong type is an error, and all errors are told at
once, each with its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from event_processor.domain.event_fields import Amount, Positive, Weight
from event_processor.domain.event_problems import Path as FieldPath
from event_processor.domain.event_problems import Problem, first_per_path, read_problems
from event_processor.domain.ids import is_account_number
from event_processor.domain.policy import (
    AccountRule,
    ForeignOrders,
    Limits,
    OnTimeout,
    OrderStyle,
    TradingPolicy,
)
from event_processor.errors import ConfigurationError

_DEFAULT = TradingPolicy()
_ALIAS = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"

Bps = Annotated[Amount, Field(le=1000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Limits(_Strict):
    max_order_value: Positive | None = None
    max_orders: Annotated[int, Field(gt=0)] | None = None
    max_turnover: Positive | None = None
    max_position_weight: Weight | None = None
    max_quote_age_seconds: Positive = _DEFAULT.limits.quote_age_seconds_max

    def limits(self) -> Limits:
        return Limits(
            order_value_max=self.max_order_value,
            orders_max=self.max_orders,
            turnover_max=self.max_turnover,
            position_weight_max=self.max_position_weight,
            quote_age_seconds_max=self.max_quote_age_seconds,
        )


class _Policy(_Strict):
    cash_reserve: Weight = _DEFAULT.cash_reserve
    order_style: OrderStyle = Field(_DEFAULT.order_style, strict=False)
    limit_offset_bps: Bps = _DEFAULT.limit_offset_bps
    trade_value_min: Amount = _DEFAULT.trade_value_min
    slippage_bps: Bps = _DEFAULT.slippage_bps
    on_timeout: OnTimeout = Field(_DEFAULT.on_timeout, strict=False)
    foreign_orders: ForeignOrders = Field(_DEFAULT.foreign_orders, strict=False)
    limits: _Limits = _Limits()

    def policy(self) -> TradingPolicy:
        return TradingPolicy(
            cash_reserve=self.cash_reserve,
            order_style=self.order_style,
            limit_offset_bps=self.limit_offset_bps,
            trade_value_min=self.trade_value_min,
            slippage_bps=self.slippage_bps,
            on_timeout=self.on_timeout,
            foreign_orders=self.foreign_orders,
            limits=self.limits.limits(),
        )


def _account_number(value: Any) -> Any:  # noqa: ANN401 - whatever the file says
    if isinstance(value, str) and not is_account_number(value):
        raise ValueError("must be an IBKR account number, like U1234567 or DU1234567 (paper)")
    return value


class _Account(_Strict):
    account: Annotated[str, BeforeValidator(_account_number)]
    armed: bool = False
    policy: _Policy = _Policy()


class _File(_Strict):
    accounts: dict[Annotated[str, Field(pattern=_ALIAS)], _Account] = Field(min_length=1)


_KNOWN = sorted({name for model in (_File, _Account, _Policy, _Limits) for name in model.model_fields})


def load_accounts(path: Path) -> tuple[AccountRule, ...]:
    """The rules in an accounts file, in its order.

    Raises:
        ConfigurationError: cannot be read, or is wrong; with every mistake, its line and the rule.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the accounts file {path} cannot be read: {error}") from error
    return parse_accounts(text, str(path))


def parse_accounts(text: str, name: str = "accounts file") -> tuple[AccountRule, ...]:
    """The rules in the text of an accounts file; `name` is what to call it in messages.

    Raises:
        ConfigurationError: as `load_accounts`.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        reader = _Reader()
        content = {} if root is None else reader.read(root, ())
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigurationError(f"{name} is not YAML: {error}") from error
    problems, found = reader.problems, None
    try:
        found = _File.model_validate(content)
    except ValidationError as error:
        problems += read_problems(error, _KNOWN)
    problems = first_per_path([*problems, *_clashes(content)])
    if found is None or problems:
        told = "".join(f"\n  line {reader.line(problem.path)}: {problem}" for problem in problems)
        raise ConfigurationError(f"{name} has {len(problems)} mistake(s), see accounts.example.yaml:{told}")
    return tuple(
        AccountRule(alias=alias, account=entry.account, armed=entry.armed, policy=entry.policy.policy())
        for alias, entry in found.accounts.items()
    )


def _clashes(content: Any) -> Iterable[Problem]:  # noqa: ANN401 - whatever the file says
    entries = content.get("accounts") if isinstance(content, Mapping) else None
    first: dict[str, str] = {}
    for alias, entry in entries.items() if isinstance(entries, Mapping) else ():
        number = entry.get("account") if isinstance(entry, Mapping) else None
        if not isinstance(number, str):
            continue
        if is_account_number(alias) and alias != number:
            yield Problem(("accounts", alias), f"must not be named like another account than its own ({number})")
        if number in first:
            yield Problem(("accounts", alias, "account"), f"must be unique: {first[number]} has it too", number)
        first.setdefault(number, alias)


class _Reader:
    """YAML nodes to plain values, numbers exact, remembering the line of each field."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._lines: dict[FieldPath, int] = {}

    def line(self, path: FieldPath) -> int:
        """The line of a field, or of the nearest thing around it that is there."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def read(self, node: yaml.Node, path: FieldPath) -> Any:  # noqa: ANN401 - whatever the file says
        self._lines.setdefault(path, node.start_mark.line + 1)
        match node:
            case yaml.MappingNode():
                return self._mapping(node, path)
            case yaml.SequenceNode():
                return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            case _:
                return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: FieldPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            inner = (*path, key)
            if key in found:
                self.problems.append(Problem(inner, "must be given once: the key stands there more than once"))
            self._lines[inner] = key_node.start_mark.line + 1
            value = self.read(value_node, inner)
            if not (value is None and path):
                found[key] = value
        return found


def _scalar(node: yaml.Node) -> Any:  # noqa: ANN401 - whatever the file says
    """Numbers as Decimals or whole numbers, the rest as YAML has it."""
    if node.tag.endswith((":float", ":int")):
        try:
            number = Decimal(node.value.replace("_", ""))
        except InvalidOperation:
            return node.value
        return int(number) if node.tag.endswith(":int") else number
    return yaml.constructor.SafeConstructor().construct_object(node)
