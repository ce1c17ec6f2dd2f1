"""The planner: targets and one snapshot of an account in, a plan out. Pure, so that each plan can be replayed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId, EventKey
from event_processor.domain.money import (
    BASIS_POINT,
    ONE,
    ZERO,
    commission_estimate,
    show_money,
    show_quantity,
    show_share,
    whole_floor,
)
from event_processor.domain.order import OrderType, Side
from event_processor.domain.plan import Leg, Plan, PlanLine
from event_processor.domain.plan_prices import Priced, price_all
from event_processor.domain.plan_sizing import Line, Sizing, size_lines
from event_processor.domain.policy import TradingPolicy
from event_processor.domain.portfolio import PortfolioSnapshot
from event_processor.domain.targets import Completeness, Measure, Mode, Target, TargetPortfolio, Untargeted
from event_processor.errors import ContractUnresolved, PlanError

LEGS_MAX = 999
"""An orderRef has three digits for the leg."""
_NAMES_SHOWN = 10
_SCALE_NOTED = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class _Worth:
    """The account's value and what of it is rebalanced, in base currency, before costs."""

    net_liquidation: Decimal
    kept: Decimal
    basis: Decimal


def plan_rebalance(
    key: EventKey,
    account: AccountId,
    portfolio: TargetPortfolio,
    contracts: Mapping[ContractQuery, Contract],
    snapshot: PortfolioSnapshot,
    policy: TradingPolicy,
) -> Plan:
    """The orders that bring the account to its targets, sells before buys.

    Raises:
        ContractUnresolved: a target without a contract.
        PlanError: two targets of one contract, a contract that is neither stock nor ETF, no exchange rate,
            nothing to rebalance, more orders than one event can have.
        QuotesUnavailable: a price is missing.
    """
    targets = _targets_by_contract(portfolio, contracts)
    priced = price_all([contracts[target.query] for target in targets.values()], snapshot, policy)
    worth = _worth(portfolio, targets, priced, snapshot)
    reserve_share = max(portfolio.reserve, policy.cash_reserve)
    scale, notes = _scale(portfolio, reserve_share)
    notes += _fraction_notes(targets, priced)

    traded = {
        con_id: _line(item, targets.get(con_id), scale, portfolio.mode, policy)
        for con_id, item in priced.items()
        if con_id in targets or portfolio.untargeted is Untargeted.LIQUIDATE
    }
    sizing = size_lines(list(traded.values()), worth.basis, snapshot.state.cash, reserve_share)
    notes += _sizing_notes(sizing, [priced[con_id] for con_id in traded], policy, snapshot)

    changes = dict(zip(traded, sizing.changes, strict=True))
    ideals = {con_id: line.ideal(sizing.basis) for con_id, line in traded.items()}
    weights = {con_id: target.amount * scale for con_id, target in targets.items() if target.measure is Measure.WEIGHT}
    legs = _legs(priced, changes)
    plan = Plan(
        key=key,
        account=account,
        plan_id="",
        made_at=snapshot.at,
        base_currency=snapshot.state.base_currency,
        net_liquidation=worth.net_liquidation,
        kept=worth.kept,
        basis=worth.basis,
        cash=snapshot.state.cash,
        reserve=sizing.reserve,
        slippage=policy.slippage_bps * BASIS_POINT * _bought(legs),
        lines=_plan_lines(priced, changes, ideals, weights, worth.basis),
        legs=legs,
        adjusted=bool(sizing.trimmed),
        notes=tuple(notes),
    )
    return replace(plan, plan_id=_digest(plan))


def _targets_by_contract(
    portfolio: TargetPortfolio, contracts: Mapping[ContractQuery, Contract]
) -> dict[ConId, Target]:
    missing = [str(target.query) for target in portfolio.targets if target.query not in contracts]
    if missing:
        raise ContractUnresolved(f"no contract is known for {', '.join(missing)}")
    found: dict[ConId, Target] = {}
    for target in portfolio.targets:
        contract = contracts[target.query]
        if not contract.stock_like:
            raise PlanError(f"{target.query} is of type {contract.sec_type}: only stocks and ETFs are traded")
        if contract.con_id in found:
            other = found[contract.con_id].query
            raise PlanError(f"the targets {other} and {target.query} are one contract, conId {contract.con_id}")
        found[contract.con_id] = target
    return found


def _worth(
    portfolio: TargetPortfolio,
    targets: Mapping[ConId, Target],
    priced: Mapping[ConId, Priced],
    snapshot: PortfolioSnapshot,
) -> _Worth:
    state = snapshot.state
    holdings = sum((item.held * item.value for item in priced.values()), ZERO)
    net_liquidation = state.cash + holdings + state.other_value
    kept = state.other_value
    if portfolio.untargeted is Untargeted.KEEP:
        kept += sum((item.held * item.value for con_id, item in priced.items() if con_id not in targets), ZERO)
    basis = net_liquidation if portfolio.completeness is Completeness.PARTIAL else net_liquidation - kept
    if basis <= 0:
        money = state.base_currency
        raise PlanError(
            f"nothing to rebalance: net liquidation value {show_money(net_liquidation)} {money}, of which"
            f" {show_money(kept)} {money} is kept, leaves {show_money(basis)} {money}"
        )
    return _Worth(net_liquidation, kept, basis)


def _scale(portfolio: TargetPortfolio, reserve_share: Decimal) -> tuple[Decimal, list[str]]:
    """By what all weights are multiplied so that the reserve fits beside them."""
    total = sum((target.amount for target in portfolio.targets if target.measure is Measure.WEIGHT), ZERO)
    room = ONE - reserve_share
    if total <= room:
        return ONE, []
    if total - room <= _SCALE_NOTED:
        return room / total, []
    note = (
        f"all weights are scaled by {show_share(room / total)}, so that"
        f" {show_share(reserve_share)} stay in cash as the account's policy asks"
    )
    return room / total, [note]


def _fraction_notes(targets: Mapping[ConId, Target], priced: Mapping[ConId, Priced]) -> list[str]:
    return [
        f"{priced[con_id].contract.symbol}: the quantity {show_quantity(target.amount)} is rounded down to"
        f" {show_quantity(whole_floor(target.amount))} whole shares"
        for con_id, target in targets.items()
        if target.measure is Measure.QUANTITY and target.amount != whole_floor(target.amount)
    ]


def _line(item: Priced, target: Target | None, scale: Decimal, mode: Mode, policy: TradingPolicy) -> Line:
    """What the sizing needs to know; no target means that the holding goes."""
    fixed = slope = ZERO
    if target is not None:
        match target.measure:
            case Measure.WEIGHT:
                slope = target.amount * scale / item.value
            case Measure.QUANTITY:
                fixed = whole_floor(target.amount)
            case Measure.VALUE:
                fixed = target.amount / item.price
    closes = not fixed and not slope
    return Line(
        held=item.held,
        value=item.value,
        cost=item.cost,
        proceeds=item.proceeds,
        fixed=fixed,
        slope=slope,
        whole=max(whole_floor(item.held), ZERO),
        trade_min=ZERO if closes else policy.trade_value_min,
        may_buy=mode is not Mode.SELL_ONLY,
        may_sell=mode is not Mode.BUY_ONLY,
    )


def _sizing_notes(
    sizing: Sizing, items: Sequence[Priced], policy: TradingPolicy, snapshot: PortfolioSnapshot
) -> list[str]:
    notes = []
    money = snapshot.state.base_currency
    if sizing.trimmed:
        names = _names([items[i].contract.symbol for i in sizing.trimmed])
        notes.append(f"the cash does not pay for all buys; fewer shares than wanted of {names}")
    if sizing.suppressed:
        names = _names([items[i].contract.symbol for i in sizing.suppressed])
        least = f"{show_money(policy.trade_value_min)} {money}"
        notes.append(f"orders worth less than {least} are left out: {names}")
    others = sorted(p.contract.symbol for p in snapshot.state.positions if not p.contract.stock_like and p.quantity)
    if others:
        notes.append(f"neither stocks nor ETFs, so left alone: {_names(others)}")
    return notes


def _names(symbols: Sequence[str]) -> str:
    shown = ", ".join(symbols[:_NAMES_SHOWN])
    return shown if len(symbols) <= _NAMES_SHOWN else f"{shown} and {len(symbols) - _NAMES_SHOWN} more"


def _plan_lines(
    priced: Mapping[ConId, Priced],
    changes: Mapping[ConId, Decimal],
    ideals: Mapping[ConId, Decimal],
    weights: Mapping[ConId, Decimal],
    basis: Decimal,
) -> tuple[PlanLine, ...]:
    """Every contract that counts, the largest target weight first."""
    lines = []
    for con_id, item in priced.items():
        ideal = ideals.get(con_id, item.held)
        target = item.held + changes.get(con_id, ZERO)
        share = item.value / basis
        weight = weights.get(con_id)
        lines.append(
            PlanLine(
                contract=replace(item.contract, liquid_hours=None),
                held=item.held,
                ideal=ideal,
                target=target,
                price=item.price,
                rate=item.rate,
                weight_before=item.held * share,
                weight_target=ideal * share if weight is None else weight,
                weight_after=target * share,
            )
        )
    return tuple(sorted(lines, key=lambda line: (-line.weight_target, line.contract.symbol, line.contract.con_id)))


def _legs(priced: Mapping[ConId, Priced], changes: Mapping[ConId, Decimal]) -> tuple[Leg, ...]:
    """Sells before buys, each side by falling value."""
    trades = [(priced[con_id], change) for con_id, change in changes.items() if change]
    if len(trades) > LEGS_MAX:
        raise PlanError(f"the plan has {len(trades)} orders: one event can have at most {LEGS_MAX}")
    trades.sort(key=lambda trade: (trade[1] > 0, -abs(trade[1]) * _unit(*trade), trade[0].contract.con_id))
    return tuple(_leg(number, item, change) for number, (item, change) in enumerate(trades, start=1))


def _unit(item: Priced, change: Decimal) -> Decimal:
    return item.cost if change > 0 else item.proceeds


def _leg(number: int, item: Priced, change: Decimal) -> Leg:
    limit = item.buy_limit if change > 0 else item.sell_limit
    quantity, unit = abs(change), _unit(item, change)
    return Leg(
        number=number,
        contract=item.contract,
        side=Side.BUY if change > 0 else Side.SELL,
        quantity=quantity,
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        limit_price=limit,
        unit_value=unit,
        commission=commission_estimate(quantity, quantity * unit),
        rate=item.rate,
    )


def _bought(legs: Sequence[Leg]) -> Decimal:
    return sum((leg.quantity * leg.unit_value for leg in legs if leg.side is Side.BUY), ZERO)


def _digest(plan: Plan) -> str:
    """The same plan from the same snapshot has the same id."""
    head = (plan.key, plan.account, plan.made_at.isoformat(), plan.basis, plan.cash, plan.reserve)
    lines = ((line.contract.con_id, line.held, line.target, line.price, line.rate) for line in plan.lines)
    legs = ((leg.number, leg.contract.con_id, leg.side, leg.quantity, leg.limit_price) for leg in plan.legs)
    text = "\n".join(" ".join(map(str, row)) for row in (head, *lines, *legs))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
