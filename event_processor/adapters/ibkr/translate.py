"""ib_async objects <-> domain, pure functions. ib_async's loose types end here."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import ib_async as ib

from event_processor.domain.contract import Contract, ContractQuery
from event_processor.domain.ids import AccountId, ConId, ExecId, PermId
from event_processor.domain.order import Order, OrderStatus, Side
from event_processor.domain.portfolio import Position
from event_processor.domain.reports import Commission, Execution, OrderReport
from event_processor.domain.schedule import parse_hours, read_zone

STOCK = "STK"
"""IBKR's security type for stocks and ETFs alike."""
SMART = "SMART"

_SIDES = {"BUY": Side.BUY, "BOT": Side.BUY, "SELL": Side.SELL, "SLD": Side.SELL, "SSHORT": Side.SELL}
_UNSET_FROM = Decimal("1e300")
"""Unset doubles are 1.7976931348623157E308 on the wire."""
_UNSET_QUANTITIES, _UNSET_QUANTITIES_FROM = frozenset({Decimal(2**31 - 1)}), Decimal("9.2e18")
"""The largest integers, of 32 bits or of 64 and more: "no quantity" (ibapi, decoder of Decimal)."""
_UTC_FORMAT = "%Y%m%d-%H:%M:%S"
_ZONED_FORMAT = "%Y%m%d %H:%M:%S"


def decimal(value: object) -> Decimal | None:
    """A number as the broker wrote it; None when it is missing, unset or no number."""
    try:
        number = Decimal(str(value).replace(",", ""))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= _UNSET_FROM:
        return None
    whole = number.to_integral_value()
    return whole if whole == number else number


def quantity(value: object) -> Decimal | None:
    """A number of shares; None when it is missing or unset, which has more spellings than for other numbers."""
    number = decimal(value)
    return None if number is None or number in _UNSET_QUANTITIES or abs(number) >= _UNSET_QUANTITIES_FROM else number


def known_decimal(value: object) -> Decimal:
    """A number that must be there (ValueError when it is not)."""
    number = decimal(value)
    if number is None:
        raise ValueError(f"{value!r} is not a number")
    return number


def side(text: str) -> Side | None:
    """BUY and SELL of orders, BOT and SLD of executions; None for anything else."""
    return _SIDES.get(text.upper())


def open_order(order_id: int, contract: ib.Contract, order: ib.Order, state: ib.OrderState) -> OrderReport:
    """An openOrder message. It does not say how much is filled."""
    return OrderReport(
        account=AccountId(order.account) if order.account else None,
        order_ref=order.orderRef,
        status=OrderStatus.read(state.status),
        perm_id=PermId(order.permId),
        order_id=order_id,
        client_id=order.clientId,
        con_id=ConId(contract.conId),
        symbol=contract.symbol,
        side=side(order.action),
        quantity=quantity(order.totalQuantity),
        reason=state.warningText,
    )


def order_status(order_id: int, status: str, filled: float, perm_id: int, client_id: int, why_held: str) -> OrderReport:
    """An orderStatus message. It names the order by ids only; `OrderBook` fills in the rest."""
    return OrderReport(
        account=None,
        order_ref="",
        status=OrderStatus.read(status),
        perm_id=PermId(perm_id),
        order_id=order_id,
        client_id=client_id,
        filled=quantity(filled),
        reason=why_held,
    )


def completed_order(contract: ib.Contract, order: ib.Order, state: ib.OrderState) -> OrderReport:
    """A completedOrder message. It carries permId and orderRef, but neither order id nor client id."""
    return OrderReport(
        account=AccountId(order.account) if order.account else None,
        order_ref=order.orderRef,
        status=OrderStatus.read(state.status),
        perm_id=PermId(order.permId),
        con_id=ConId(contract.conId),
        symbol=contract.symbol,
        side=side(order.action),
        quantity=quantity(order.totalQuantity),
        filled=quantity(order.filledQuantity),
        reason=state.completedStatus or state.warningText,
    )


def execution(contract: ib.Contract, report: ib.Execution) -> Execution:
    """An execDetails message (ValueError when a number or the side is missing).

    Executions of orders placed by hand come without an order id (IBKR sends the largest integer).
    """
    bought_or_sold = side(report.side)
    if bought_or_sold is None:
        raise ValueError(f"execution {report.execId} has side {report.side!r}")
    return Execution(
        exec_id=ExecId(report.execId),
        account=AccountId(report.acctNumber),
        order_ref=report.orderRef,
        perm_id=PermId(report.permId),
        con_id=ConId(contract.conId),
        side=bought_or_sold,
        quantity=known_decimal(report.shares),
        price=known_decimal(report.price),
        at=report.time.astimezone(UTC),
        order_id=0 if report.orderId == ib.util.UNSET_INTEGER else report.orderId,
        client_id=report.clientId,
        symbol=contract.symbol,
        cumulative=quantity(report.cumQty) or None,
    )


def commission(report: ib.CommissionReport) -> Commission | None:
    """A commissionReport message; None while the amount is not known (unset)."""
    amount = decimal(report.commission)
    return None if amount is None else Commission(ExecId(report.execId), amount, report.currency)


def position(contract: ib.Contract, quantity: float, average_cost: float) -> Position:
    """A position message. Its contract comes without exchange, price step and hours."""
    return Position(
        contract=Contract(
            con_id=ConId(contract.conId),
            symbol=contract.symbol,
            sec_type=contract.secType,
            currency=contract.currency,
            exchange=SMART,
            primary_exchange=contract.primaryExchange,
        ),
        quantity=known_decimal(quantity),
        average_cost=decimal(average_cost) or Decimal(0),
    )


def contract_of(details: ib.ContractDetails) -> Contract:
    """A contractDetails message, routed by SMART."""
    found = details.contract
    if found is None:
        raise ValueError("contract details without a contract")
    return Contract(
        con_id=ConId(found.conId),
        symbol=found.symbol,
        sec_type=found.secType,
        currency=found.currency,
        exchange=SMART,
        primary_exchange=found.primaryExchange,
        min_tick=decimal(details.minTick) or Decimal("0.01"),
        liquid_hours=parse_hours(details.liquidHours, details.timeZoneId),
    )


def to_ib_query(query: ContractQuery) -> ib.Contract:
    """What to ask for. ETFs are filed under STK; the primary exchange is matched by us, not sent, since
    IBKR answers a misspelt one with "no security definition"."""
    if not query.symbol:
        return ib.Contract(conId=query.con_id)
    sec_type = STOCK if query.sec_type == "ETF" else query.sec_type
    return ib.Contract(
        conId=query.con_id,
        symbol=query.symbol,
        secType=sec_type,
        currency=query.currency,
        exchange=query.exchange or SMART,
    )


def to_ib_contract(contract: Contract) -> ib.Contract:
    """The contract as orders and market data requests name it; an empty exchange is refused with 321."""
    return ib.Contract(
        conId=contract.con_id,
        symbol=contract.symbol,
        secType=STOCK if contract.stock_like else contract.sec_type,
        currency=contract.currency,
        exchange=contract.exchange or SMART,
        primaryExchange=contract.primary_exchange,
    )


def to_ib_order(order: Order) -> ib.Order:
    """The order with tif and account explicit: a preset that fills in the tif answers with 10349."""
    return ib.Order(
        action=order.side.value,
        totalQuantity=_as_sent(order.quantity),
        orderType=order.order_type.value,
        lmtPrice=ib.util.UNSET_DOUBLE if order.limit_price is None else float(order.limit_price),
        tif=order.tif.value,
        account=order.account,
        orderRef=str(order.ref),
        transmit=True,
        outsideRth=False,
    )


def _as_sent(quantity: Decimal) -> float:
    """Whole shares leave as `10`, as IBKR's own client writes them, not as `10.0`."""
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def message_time(text: str, received: datetime) -> datetime:
    """When an execution happened, aware UTC.

    IBKR writes `20240603 09:30:00 US/Eastern`, `20240603-13:30:00` (UTC) or seconds since the epoch. A time
    without a zone is in whatever zone the gateway shows: `received` is nearer to the truth.
    """
    date, _, rest = text.strip().partition(" ")
    time, _, zone_name = rest.strip().partition(" ")
    zone = read_zone(zone_name) if zone_name else None
    try:
        if date.isdigit() and not rest:
            return datetime.fromtimestamp(int(date), UTC)
        if not rest:
            return datetime.strptime(date, _UTC_FORMAT).replace(tzinfo=UTC)
        if zone is not None:
            return datetime.strptime(f"{date} {time}", _ZONED_FORMAT).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return received
    return received


def price(value: float) -> Decimal | None:
    """A price tick; IBKR sends -1 or 0 where there is none."""
    return decimal(value) if not math.isnan(value) and value > 0 else None
