"""Answers about orders on their way: status, executions, commissions and the ends of lists."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from gateway_simulator.codec.fields import contract_fields, double, message
from gateway_simulator.model import Commission, Execution

_PENDING_PRICE_REVISION = 178


def order_status(
    order_id: int,
    status: str,
    *,
    filled: Decimal,
    remaining: Decimal,
    average_fill_price: Decimal,
    perm_id: int,
    parent_id: int,
    last_fill_price: Decimal,
    client_id: int,
    why_held: str = "",
) -> list[str]:
    """Where an order stands; repeated on every change, sometimes without one."""
    market_cap_price = 0
    return message(
        3, order_id, status, filled, remaining, average_fill_price, perm_id, parent_id, last_fill_price,
        client_id, why_held, market_cap_price,
    )  # fmt: skip


def open_order_end() -> list[str]:
    """No more open orders to this request."""
    return message(53, 1)


def order_bound(perm_id: int, client_id: int, order_id: int) -> list[str]:
    """An order from elsewhere now has an order id of this client."""
    return message(100, perm_id, client_id, order_id)


def exec_details(server_version: int, request_id: int, execution: Execution, zone: ZoneInfo) -> list[str]:
    """One execution, -1 as request id when nobody asked. Its time is written in the zone's local time."""
    local = datetime.fromtimestamp(execution.time, zone)
    return [
        *message(11, request_id, execution.order_id),
        *contract_fields(execution.contract),
        *message(execution.exec_id, f"{local:%Y%m%d %H:%M:%S} {zone.key}", execution.account, execution.exchange),
        *message(execution.side, execution.shares, execution.price, execution.perm_id, execution.client_id),
        "0",  # liquidation: not a forced sale
        *message(execution.cumulative_quantity, execution.average_price, execution.order_ref),
        *("", "", ""),  # economic value rule and multiplier, model code
        "2",  # last liquidity: removed
        *(["0"] if server_version >= _PENDING_PRICE_REVISION else []),
    ]


def exec_details_end(request_id: int) -> list[str]:
    """No more executions to this request."""
    return message(55, 1, request_id)


def commission_report(commission: Commission) -> list[str]:
    """What one execution cost and, for a closing one, what it earned."""
    bond_yield, redemption_date = double(None), ""
    return message(
        59, 1, commission.exec_id, commission.amount, commission.currency, double(commission.realized_pnl),
        bond_yield, redemption_date,
    )  # fmt: skip


def completed_orders_end() -> list[str]:
    """No more completed orders to this request."""
    return message(102)
