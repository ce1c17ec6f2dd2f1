"""How long plans take to make: `python -m benchmarks.bench_plan`. Prints a table; fails nothing."""

from __future__ import annotations

import random
import statistics
import time
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId, EventKey
from event_processor.domain.planning import plan_rebalance
from event_processor.domain.policy import OrderStyle, TradingPolicy
from event_processor.domain.portfolio import AccountState, PortfolioSnapshot, Position, Quote
from event_processor.domain.targets import Measure, Target, TargetPortfolio

AT = datetime(2026, 1, 5, 15, tzinfo=UTC)
ACCOUNT = AccountId("DU1234567")
RUNS = 15
SIZES = (10, 50, 100, 500)


def seen(contracts: list[Contract], seed: int) -> PortfolioSnapshot:
    """An account that holds two thirds of the contracts, and some cash."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    marks = {c.con_id: Decimal(chance.randint(500, 60_000)) / 100 for c in contracts}
    cent = Decimal("0.01")
    quotes = {con_id: Quote(con_id, AT, mark - cent, mark + cent) for con_id, mark in marks.items()}
    held = tuple(Position(c, Decimal(chance.randint(1, 400))) for c in contracts if chance.randrange(3))
    state = AccountState(ACCOUNT, AT, "USD", Decimal(0), Decimal(1_000_000), held)
    return PortfolioSnapshot(state, quotes, AT)


def milliseconds(size: int, policy: TradingPolicy) -> tuple[float, float, int]:
    """Best and median over some runs, and how many orders the plan has."""
    contracts = [Contract(ConId(number), f"S{number}") for number in range(1, size + 1)]
    known = {ContractQuery(symbol=c.symbol): c for c in contracts}
    weight = (Decimal(1) - policy.cash_reserve) / size
    portfolio = TargetPortfolio(tuple(Target(query, Measure.WEIGHT, weight) for query in known))
    snapshot, orders, taken = seen(contracts, size), 0, []
    for _ in range(RUNS):
        started = time.perf_counter()
        orders = len(plan_rebalance(EventKey("bench"), ACCOUNT, portfolio, known, snapshot, policy).legs)
        taken.append((time.perf_counter() - started) * 1000)
    return min(taken), statistics.median(taken), orders


def main() -> None:
    """Every size with market orders, and with everything the policy can ask for."""
    rich = TradingPolicy(
        cash_reserve=Decimal("0.05"),
        order_style=OrderStyle.MARKETABLE_LIMIT,
        trade_value_min=Decimal(200),
    )
    table = Table("lines", "policy", "orders", "best ms", "median ms", title="plan_rebalance")
    for size in SIZES:
        for name, policy in (("default", TradingPolicy()), ("reserve, limits, smallest order", rich)):
            best, median, orders = milliseconds(size, policy)
            table.add_row(str(size), name, str(orders), f"{best:.2f}", f"{median:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
