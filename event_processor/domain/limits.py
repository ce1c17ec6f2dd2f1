"""Pre-trade checks: what a plan would break, in words with the figures."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from event_processor.domain.money import ZERO, show_money, show_quantity, show_share
from event_processor.domain.plan import Plan
from event_processor.domain.policy import Limits


def breaches(plan: Plan, limits: Limits) -> tuple[str, ...]:
    """Every limit the plan exceeds, one sentence each; empty when there is none.

    A position's weight is judged only where the plan buys: holdings that grew too large by themselves, and
    sales out of them, break nothing. The age of prices is judged when they are fetched.
    """
    return tuple(_breaches(plan, limits))


def _breaches(plan: Plan, limits: Limits) -> Iterator[str]:
    money = plan.base_currency
    traded = ZERO
    for leg in plan.legs:
        value = leg.quantity * leg.unit_value
        traded += value
        if limits.order_value_max is not None and value > limits.order_value_max:
            yield (
                f"{leg.side} {show_quantity(leg.quantity)} {leg.contract.symbol} is worth {show_money(value)} {money}:"
                f" at most {show_money(limits.order_value_max)} {money} per order are allowed"
            )
    if limits.orders_max is not None and len(plan.legs) > limits.orders_max:
        yield f"the plan has {len(plan.legs)} orders: at most {limits.orders_max} are allowed"
    if limits.turnover_max is not None and traded > limits.turnover_max * plan.net_liquidation:
        yield (
            f"the plan trades {show_money(traded)} {money}, {_share(traded, plan.net_liquidation)} of the net"
            f" liquidation value: at most {show_share(limits.turnover_max)} are allowed"
        )
    if limits.position_weight_max is None:
        return
    for line in plan.lines:
        if line.target > line.held and line.weight_after > limits.position_weight_max:
            yield (
                f"{line.contract.symbol} would weigh {show_share(line.weight_after)}:"
                f" at most {show_share(limits.position_weight_max)} are allowed"
            )


def _share(part: Decimal, whole: Decimal) -> str:
    return show_share(part / whole) if whole > 0 else "more than all"
