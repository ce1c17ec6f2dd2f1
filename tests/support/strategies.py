"""Hypothesis strategies: accounts with quotes, targets and policies as they occur, and worse."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import ConId
from event_processor.domain.plan import Plan
from event_processor.domain.policy import OrderStyle, TradingPolicy
from event_processor.domain.portfolio import PortfolioSnapshot, Position, Quote
from event_processor.domain.targets import Completeness, Measure, Mode, Target, TargetPortfolio, Untargeted
from tests.support.builders import AT, plan, snapshot

RATES = {"EUR": Decimal("1.0837"), "GBP": Decimal("1.2714")}
OPTION = Contract(ConId(900_001), "SPY 260116C00600000", sec_type="OPT")


@dataclass(frozen=True)
class Case:
    """All that a plan is made from."""

    portfolio: TargetPortfolio
    seen: PortfolioSnapshot
    policy: TradingPolicy
    contracts: dict[ContractQuery, Contract]

    def plan(self, seen: PortfolioSnapshot | None = None) -> Plan:
        """The plan, optionally for the account as it is later."""
        return plan(self.portfolio, seen or self.seen, self.policy, self.contracts)


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    """Decimals between two numbers with so many places."""
    return st.decimals(low, high, places=places, allow_nan=False, allow_infinity=False)


@st.composite
def quotes(draw: st.DrawFn, con_id: ConId) -> Quote:
    """A bid and an ask some basis points apart, or only a last trade."""
    price = draw(st.one_of(decimals("0.50", "20", 2), decimals("20", "900", 2), decimals("900", "6000", 2)))
    if draw(st.integers(0, 9)) == 0:
        return Quote(con_id, AT, last=price)
    half = (price * draw(decimals("0", "0.0020", 4))).quantize(Decimal("0.01"))
    return Quote(con_id, AT, max(price - half, Decimal("0.01")), price + half)


@st.composite
def policies(draw: st.DrawFn) -> TradingPolicy:
    """Reserve and order style."""
    return TradingPolicy(
        cash_reserve=draw(st.sampled_from([Decimal(0), Decimal(0), Decimal("0.02"), Decimal("0.3")])),
        order_style=draw(st.sampled_from(OrderStyle)),
        limit_offset_bps=draw(st.sampled_from([Decimal(0), Decimal(25), Decimal(100)])),
    )


def _shares(draw: st.DrawFn, count: int, total: Decimal) -> list[Decimal]:
    """Non-negative weights that sum to at most `total`, mostly exactly."""
    parts = draw(st.lists(st.integers(0, 100), min_size=count, max_size=count).filter(any))
    weights = [(total * part / sum(parts)).quantize(Decimal("0.0001"), "ROUND_DOWN") for part in parts]
    weights[-1] += total - sum(weights)
    return weights


@st.composite
def cases(draw: st.DrawFn, *, cash_low: str = "0", shorts: bool = True, plain: bool = False) -> Case:
    """An account of up to eight contracts, of which some are targeted.

    `plain` means full weights, buys and sells, no negative cash: what always suffices to reach the targets.
    """
    count = draw(st.integers(1, 8))
    contracts = [
        Contract(ConId(100 + i), f"C{i}", currency=draw(st.sampled_from(["USD", "USD", "EUR", "GBP"])))
        for i in range(count)
    ]
    quantity = st.one_of(st.just(Decimal(0)), decimals("0", "900", 0), decimals("0", "50", 4))
    held = [draw(quantity) for _ in contracts]
    if shorts and draw(st.integers(0, 4)) == 0:
        held[0] = -held[0]
    seen = snapshot(
        cash=draw(st.one_of(decimals(cash_low, "5000", 2), decimals("5000", "2000000", 2))),
        positions=[
            *(Position(c, q, Decimal("0.01")) for c, q in zip(contracts, held, strict=True) if q),
            Position(OPTION, Decimal(3)),
        ],
        quotes=[draw(quotes(c.con_id)) for c in contracts],
        other_value=draw(st.sampled_from(["0", "1500.50"])),
        rates=RATES,
    )
    targeted = contracts[: draw(st.integers(1, count))]
    reserve = draw(st.sampled_from([Decimal(0), Decimal("0.05")]))
    full = plain or draw(st.booleans())
    total = 1 - reserve if full else draw(decimals("0", "0.9", 2)) * (1 - reserve)
    weights = _shares(draw, len(targeted), total)
    targets = [_target(draw, c, w, plain=plain) for c, w in zip(targeted, weights, strict=True)]
    portfolio = TargetPortfolio(
        targets=tuple(targets),
        completeness=Completeness.FULL if full else Completeness.PARTIAL,
        untargeted=draw(st.sampled_from(Untargeted)) if full else Untargeted.KEEP,
        mode=Mode.FULL if plain else draw(st.sampled_from([Mode.FULL, Mode.FULL, *Mode])),
        reserve=reserve,
    )
    queries = {ContractQuery(symbol=c.symbol, currency=c.currency): c for c in targeted}
    return Case(portfolio, seen, draw(policies()), queries)


def _target(draw: st.DrawFn, contract: Contract, weight: Decimal, *, plain: bool) -> Target:
    query = ContractQuery(symbol=contract.symbol, currency=contract.currency)
    if plain or draw(st.integers(0, 3)):
        return Target(query, Measure.WEIGHT, weight)
    measure = draw(st.sampled_from([Measure.QUANTITY, Measure.VALUE]))
    return Target(query, measure, draw(decimals("0", "3000", 1)))
