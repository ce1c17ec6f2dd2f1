"""The nouns every part of the simulator shares: contracts, orders, executions, positions, requests' answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Contract:
    """What a client names; empty or zero fields mean "not said"."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    last_trade_date: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""


@dataclass(frozen=True, slots=True)
class Instrument:
    """A contract of the simulated universe with everything `contractDetails` says about it."""

    contract: Contract
    market_name: str
    long_name: str
    min_tick: Decimal
    order_types: str
    valid_exchanges: str
    market_rule_ids: str
    industry: str = ""
    category: str = ""
    subcategory: str = ""
    stock_type: str = "COMMON"
    price_magnifier: int = 1
    min_size: Decimal = Decimal(1)
    size_increment: Decimal = Decimal(1)


@dataclass(slots=True)
class Order:
    """An order as the client sent it; `extra` keeps fields that are only echoed."""

    order_id: int = 0
    client_id: int = 0
    perm_id: int = 0
    action: str = ""
    total_quantity: Decimal = ZERO
    order_type: str = ""
    lmt_price: Decimal | None = None
    aux_price: Decimal | None = None
    tif: str = ""
    oca_group: str = ""
    account: str = ""
    order_ref: str = ""
    parent_id: int = 0
    transmit: bool = True
    outside_rth: bool = False
    hidden: bool = False
    what_if: bool = False
    algo_strategy: str = ""
    algo_params: tuple[tuple[str, str], ...] = ()
    good_after_time: str = ""
    good_till_date: str = ""
    cash_qty: Decimal | None = None
    extra: dict[str, str] = field(default_factory=dict)
    """Other fields the client set, by IBKR's name, as text; unset ones are absent."""
    groups: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """Repeated fields by IBKR's name: comboLegs, orderComboLegs, smartComboRoutingParams, conditions."""


class Status(StrEnum):
    """Order statuses as IBKR names them (TWS API, OrderStatus)."""

    API_PENDING = "ApiPending"
    PENDING_SUBMIT = "PendingSubmit"
    PENDING_CANCEL = "PendingCancel"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    API_CANCELLED = "ApiCancelled"
    CANCELLED = "Cancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"


@dataclass(frozen=True, slots=True)
class Execution:
    """One trade report, without its commission."""

    exec_id: str
    time: float
    """Seconds since the epoch, UTC, on the simulator's clock."""
    account: str
    exchange: str
    side: str
    """BOT or SLD."""
    shares: Decimal
    price: Decimal
    perm_id: int
    client_id: int
    order_id: int
    cumulative_quantity: Decimal
    average_price: Decimal
    order_ref: str
    contract: Contract


@dataclass(frozen=True, slots=True)
class Commission:
    """What one execution cost; the realized profit when it closed something."""

    exec_id: str
    amount: Decimal
    currency: str
    realized_pnl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A holding of one account; the cost is per unit, times the multiplier."""

    account: str
    contract: Contract
    quantity: Decimal
    average_cost: Decimal


@dataclass(frozen=True, slots=True)
class OrderState:
    """What accompanies an open order: its status and, for what-if, margin and commission."""

    status: str
    commission: Decimal | None = None
    commission_currency: str = ""
    init_margin_before: Decimal | None = None
    maint_margin_before: Decimal | None = None
    equity_with_loan_before: Decimal | None = None
    init_margin_change: Decimal | None = None
    maint_margin_change: Decimal | None = None
    equity_with_loan_change: Decimal | None = None
    init_margin_after: Decimal | None = None
    maint_margin_after: Decimal | None = None
    equity_with_loan_after: Decimal | None = None
    warning_text: str = ""
    completed_time: str = ""
    completed_status: str = ""
