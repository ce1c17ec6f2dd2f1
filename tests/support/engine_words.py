"""What the simulated exchange says, in the processor's words; the in-process twin of `adapters/ibkr/translate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from event_processor.domain import order as our_orders
from event_processor.domain import reports
from event_processor.domain.contract import Contract, ContractQuery, TradingInterval
from event_processor.domain.ids import AccountId, ConId, ExecId, PermId
from event_processor.domain.order import OrderStatus, Side
from event_processor.domain.portfolio import Position
from event_processor.domain.reports import OrderReport
from event_processor.domain.schedule import parse_hours
from gateway_simulator import model
from gateway_simulator.account_values import Valuation, money
from gateway_simulator.events import OrderOpened, StatusReported
from gateway_simulator.universe import Listing
from gateway_simulator.working import WorkingOrder

SIDES = {"BUY": Side.BUY, "BOT": Side.BUY, "SELL": Side.SELL, "SLD": Side.SELL}


def opened(event: OrderOpened) -> OrderReport:
    """openOrder: says nothing of how much is filled."""
    order, contract = event.order, event.contract
    return OrderReport(
        account=AccountId(order.account) if order.account else None,
        order_ref=order.order_ref,
        status=OrderStatus.read(event.state.status),
        perm_id=PermId(order.perm_id),
        order_id=order.order_id,
        client_id=order.client_id,
        con_id=ConId(contract.con_id),
        symbol=contract.symbol,
        side=SIDES[order.action],
        quantity=order.total_quantity,
        reason=event.state.warning_text,
    )


def status(event: StatusReported) -> OrderReport:
    """orderStatus: names the order by ids only."""
    return OrderReport(
        account=None,
        order_ref="",
        status=OrderStatus.read(event.status),
        perm_id=PermId(event.perm_id),
        order_id=event.order_id,
        client_id=event.client_id,
        filled=event.filled,
        reason=event.why_held,
    )


def completed(working: WorkingOrder) -> OrderReport:
    """completedOrder: neither order id nor client id."""
    order = working.order
    return OrderReport(
        account=AccountId(order.account) if order.account else None,
        order_ref=order.order_ref,
        status=OrderStatus.read(working.status),
        perm_id=PermId(order.perm_id),
        con_id=ConId(working.contract.con_id),
        symbol=working.contract.symbol,
        side=SIDES[order.action],
        quantity=order.total_quantity,
        filled=working.filled,
        reason=working.reason,
    )


def executed(execution: model.Execution) -> reports.Execution:
    """execDetails: its time has whole seconds."""
    return reports.Execution(
        exec_id=ExecId(execution.exec_id),
        account=AccountId(execution.account),
        order_ref=execution.order_ref,
        perm_id=PermId(execution.perm_id),
        con_id=ConId(execution.contract.con_id),
        side=SIDES[execution.side],
        quantity=execution.shares,
        price=execution.price,
        at=datetime.fromtimestamp(int(execution.time), UTC),
        order_id=execution.order_id,
        client_id=execution.client_id,
        symbol=execution.contract.symbol,
        cumulative=execution.cumulative_quantity,
    )


def commission(found: model.Commission) -> reports.Commission:
    """A commissionReport message."""
    return reports.Commission(ExecId(found.exec_id), found.amount, found.currency)


def position(held: model.Position) -> Position:
    """position: a contract without price step and hours."""
    contract = held.contract
    return Position(
        contract=Contract(
            con_id=ConId(contract.con_id),
            symbol=contract.symbol,
            sec_type=contract.sec_type,
            currency=contract.currency,
            primary_exchange=contract.primary_exchange,
        ),
        quantity=held.quantity,
        average_cost=held.average_cost,
    )


@dataclass(frozen=True, slots=True)
class Values:
    """An account's values as the gateway sends them, with its digits."""

    base_currency: str
    net_liquidation: Decimal
    cash: Decimal
    other: Decimal
    rates: Mapping[str, Decimal]


def values(now: Valuation) -> Values:
    """updateAccountValue, and of updatePortfolio the worth of what is neither stock nor fund."""
    others = [(held.contract, worth) for held, worth in now.worths if held.contract.sec_type != "STK"]
    return Values(
        base_currency=now.account.base_currency,
        net_liquidation=Decimal(money(now.net_liquidation)),
        cash=Decimal(money(now.total(now.cash))),
        other=sum((worth * now.to_base(contract.currency) for contract, worth in others), Decimal(0)),
        rates={currency: Decimal(f"{now.to_base(currency):.7f}") for currency in now.currencies},
    )


def asked_for(query: ContractQuery) -> model.Contract:
    """A reqContractDetails message for a query; the primary exchange is judged by the asker."""
    if query.con_id:
        return model.Contract(con_id=query.con_id)
    sec_type = "STK" if query.sec_type == "ETF" else query.sec_type
    return model.Contract(
        symbol=query.symbol, sec_type=sec_type, currency=query.currency, exchange=query.exchange or "SMART"
    )


def described(listing: Listing, liquid_hours: str) -> Contract:
    """A contractDetails message."""
    contract = listing.contract
    return Contract(
        con_id=ConId(contract.con_id),
        symbol=contract.symbol,
        sec_type=contract.sec_type,
        currency=contract.currency,
        primary_exchange=contract.primary_exchange,
        min_tick=listing.instrument.min_tick,
        liquid_hours=_hours(liquid_hours, listing.time_zone),
    )


def to_engine(order: our_orders.Order) -> tuple[model.Contract, model.Order]:
    """A placeOrder message."""
    contract = model.Contract(
        con_id=order.contract.con_id,
        symbol=order.contract.symbol,
        sec_type=order.contract.sec_type,
        exchange=order.contract.exchange,
        currency=order.contract.currency,
    )
    return contract, model.Order(
        action=order.side,
        total_quantity=order.quantity,
        order_type=order.order_type,
        lmt_price=order.limit_price,
        tif=order.tif,
        account=order.account,
        order_ref=str(order.ref),
    )


@cache
def _hours(text: str, zone: str) -> tuple[TradingInterval, ...] | None:
    return parse_hours(text, zone)
