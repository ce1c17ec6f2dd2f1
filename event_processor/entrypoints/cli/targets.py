"""`SPY=60%`, `SPY=100sh`, `SPY=$5000` as the data of a rebalance event."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from event_processor.errors import EventMalformed

_WORD = re.compile(
    r"(?P<symbol>[A-Za-z0-9][A-Za-z0-9 ._-]{0,31})=(?P<money>\$?)(?P<amount>\d+(?:\.\d+)?)(?P<unit>%|sh|)"
)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Request:
    """The `data` of an event, and what was added to it in words."""

    data: dict[str, Any]
    notes: tuple[str, ...] = ()


def parse_target(word: str) -> dict[str, Any]:
    """One target line; raises `EventMalformed` saying how to write it."""
    match = _WORD.fullmatch(word.strip())
    if match is None:
        raise EventMalformed(f"{word!r} is no target: {_HOW}")
    symbol, money, unit = match["symbol"].upper(), match["money"], match["unit"]
    amount = Decimal(match["amount"])
    match money, unit:
        case "", "%":
            return {"symbol": symbol, "weight": amount / 100}
        case "", "sh":
            return {"symbol": symbol, "quantity": amount}
        case "$", "":
            return {"symbol": symbol, "value": amount}
        case _:
            raise EventMalformed(f"{word!r} is no target: {_HOW}")


_HOW = "write SPY=60% (of net liquidation value), SPY=100sh (shares) or SPY=$5000 (money)"


def request(
    account: str,
    words: Sequence[str],
    *,
    partial: bool = False,
    liquidate: bool = False,
    dry_run: bool = False,
    reason: str = "",
) -> Request:
    """The event's data. In a full event of weights, what is missing to 100 % becomes the cash reserve.

    Raises `EventMalformed` for a word that is no target and for weights above 100 %.
    """
    targets = [parse_target(word) for word in words]
    data: dict[str, Any] = {"account": account, "targets": targets}
    if partial:
        data["completeness"] = "partial"
    if liquidate:
        data["untargeted"] = "liquidate"
    if dry_run:
        data["dry_run"] = True
    if reason:
        data["reason"] = reason
    rest = ONE - sum((target.get("weight", Decimal(0)) for target in targets), Decimal(0))
    if rest < 0:
        raise EventMalformed(f"the weights sum to {percent(ONE - rest)}, more than 100%")
    if partial or rest == 0 or not all("weight" in target for target in targets):
        return Request(data)
    data["cash"] = {"reserve": rest}
    return Request(data, (f"The weights sum to {percent(ONE - rest)}; the remaining {percent(rest)} stay in cash.",))


def percent(share: Decimal) -> str:
    """0.125 as 12.5%."""
    return f"{(share * 100).normalize():f}%"
