"""Short ways to say contracts, quotes, accounts, snapshots and events in tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId, EventKey
from event_processor.domain.order import Side
from event_processor.domain.plan import Plan
from event_processor.domain.planning import plan_rebalance
from event_processor.domain.policy import TradingPolicy
from event_processor.domain.portfolio import AccountState, PortfolioSnapshot, Position, Quote
from event_processor.domain.targets import Measure, Target, TargetPortfolio

AT = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
KEY = EventKey("key-of-the-event")
ACCOUNT = AccountId("DU1234567")
CON_IDS = {"SPY": 756733, "TLT": 15547841, "GLD": 51529211, "SAP": 14204, "IEF": 15547816}


def contract(symbol: str, *, con_id: int = 0, **changes: Any) -> Contract:  # noqa: ANN401 - any field
    """A contract; well-known symbols have their true conId."""
    return replace(Contract(ConId(con_id or CON_IDS[symbol]), symbol), **changes)


def quote(con_id: int, mark: str | Decimal, spread: str | Decimal = "0") -> Quote:
    """A quote around a mark, at `AT`."""
    half = Decimal(spread) / 2
    return Quote(ConId(con_id), AT, Decimal(mark) - half, Decimal(mark) + half)


def snapshot(
    *,
    cash: str | Decimal = "0",
    holdings: Mapping[str, str] | None = None,
    prices: Mapping[str, str] | None = None,
    positions: Sequence[Position] | None = None,
    quotes: Sequence[Quote] | None = None,
    other_value: str | Decimal = "0",
    rates: Mapping[str, Decimal] | None = None,
) -> PortfolioSnapshot:
    """An account in USD; holdings and prices by symbol, or positions and quotes as they are."""
    if positions is None:
        positions = [Position(contract(s), Decimal(q), Decimal(1)) for s, q in (holdings or {}).items()]
    if quotes is None:
        quotes = [quote(CON_IDS[s], p) for s, p in (prices or {}).items()]
    state = AccountState(
        account=ACCOUNT,
        at=AT,
        base_currency="USD",
        net_liquidation=Decimal(0),
        cash=Decimal(cash),
        positions=tuple(positions),
        other_value=Decimal(other_value),
        rates=rates or {},
    )
    return PortfolioSnapshot(state, {q.con_id: q for q in quotes}, AT)


def target(symbol: str, amount: str | Decimal, measure: Measure = Measure.WEIGHT) -> Target:
    """A target by symbol."""
    return Target(ContractQuery(symbol=symbol), measure, Decimal(amount))


def weights(**amounts: str) -> TargetPortfolio:
    """A full portfolio, as in `weights(SPY="0.6", TLT="0.4")`."""
    return TargetPortfolio(tuple(target(symbol, amount) for symbol, amount in amounts.items()))


def plan(
    portfolio: TargetPortfolio,
    seen: PortfolioSnapshot,
    policy: TradingPolicy | None = None,
    contracts: Mapping[ContractQuery, Contract] | None = None,
) -> Plan:
    """The plan for `ACCOUNT`; contracts of well-known symbols come by themselves."""
    known = contracts or {t.query: contract(t.query.symbol) for t in portfolio.targets}
    return plan_rebalance(KEY, ACCOUNT, portfolio, known, seen, policy or TradingPolicy())


def orders(made: Plan) -> list[tuple[str, str, int]]:
    """The legs as (side, symbol, quantity), in order."""
    return [(leg.side.value, leg.contract.symbol, int(leg.quantity)) for leg in made.legs]


def cash_after(made: Plan) -> Decimal:
    """Cash once every leg traded at its estimated price and commission."""
    cash = made.cash
    for leg in made.legs:
        value = leg.quantity * leg.unit_value
        cash += (value if leg.side is Side.SELL else -value) - leg.commission
    return cash


def settled(made: Plan, seen: PortfolioSnapshot) -> PortfolioSnapshot:
    """The account once every leg traded at its estimated price and commission, at unchanged quotes."""
    others = [p for p in seen.state.positions if not p.contract.stock_like]
    held = [Position(line.contract, line.target) for line in made.lines if line.target]
    return replace(seen, state=replace(seen.state, cash=cash_after(made), positions=(*others, *held)))


def event_body(**data: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A valid event; `data` replaces or adds fields of its data, None takes one out."""
    content = {
        "account": "growth",
        "targets": [{"symbol": "SPY", "weight": 0.6}, {"symbol": "TLT", "weight": 0.4}],
        **data,
    }
    return {
        "specversion": "1.0",
        "id": "2026-01-05-growth",
        "source": "/strategies/growth",
        "type": "rebalance.requested.v1",
        "subject": "growth",
        "time": "2026-01-05T14:30:00Z",
        "data": {name: value for name, value in content.items() if value is not None},
    }


def event_text(**data: Any) -> str:  # noqa: ANN401 - any JSON
    """`event_body` as JSON."""
    return json.dumps(event_body(**data))
