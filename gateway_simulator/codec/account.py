"""Answers about money and positions: account updates, summaries, positions, profit and loss."""

from __future__ import annotations

from decimal import Decimal

from gateway_simulator.codec.fields import contract_fields, double, message
from gateway_simulator.model import Position

_PORTFOLIO_RIGHT = "0"
"""What updatePortfolio says for a contract that is no option."""


def account_value(key: str, value: str, currency: str, account: str) -> list[str]:
    """One line of the account, such as NetLiquidation; currency is empty for values that have none."""
    return message(6, 2, key, value, currency, account)


def portfolio_value(
    position: Position,
    market_price: Decimal,
    market_value: Decimal,
    unrealized_pnl: Decimal,
    realized_pnl: Decimal,
) -> list[str]:
    """One position of the subscribed account with its value; it has a primary exchange but no exchange."""
    contract = position.contract
    return message(
        7, 8, contract.con_id, contract.symbol, contract.sec_type, contract.last_trade_date, contract.strike,
        contract.right or _PORTFOLIO_RIGHT, contract.multiplier, contract.primary_exchange, contract.currency,
        contract.local_symbol, contract.trading_class, position.quantity, market_price, market_value,
        position.average_cost, unrealized_pnl, realized_pnl, position.account,
    )  # fmt: skip


def account_update_time(time: str) -> list[str]:
    """When the account was last computed, as HH:MM."""
    return message(8, 1, time)


def account_download_end(account: str) -> list[str]:
    """The first full picture of the account is complete."""
    return message(54, 1, account)


def position(held: Position) -> list[str]:
    """One position of any account. The gateway leaves the exchange empty."""
    return [
        *message(61, 3, held.account),
        *contract_fields(held.contract, exchange=""),
        *message(held.quantity, held.average_cost),
    ]


def position_end() -> list[str]:
    """The first full list of positions is complete."""
    return message(62, 1)


def account_summary(request_id: int, account: str, tag: str, value: str, currency: str) -> list[str]:
    """One tag of one account."""
    return message(63, 1, request_id, account, tag, value, currency)


def account_summary_end(request_id: int) -> list[str]:
    """The first full summary is complete."""
    return message(64, 1, request_id)


def position_multi(request_id: int, held: Position, model_code: str = "") -> list[str]:
    """One position for a request by account or model. The gateway leaves the exchange empty."""
    return [
        *message(71, 1, request_id, held.account),
        *contract_fields(held.contract, exchange=""),
        *message(held.quantity, held.average_cost, model_code),
    ]


def position_multi_end(request_id: int) -> list[str]:
    """The first full list of positions for this request is complete."""
    return message(72, 1, request_id)


def account_update_multi(
    request_id: int, account: str, key: str, value: str, currency: str, *, model_code: str = ""
) -> list[str]:
    """One account value for a request by account or model."""
    return message(73, 1, request_id, account, model_code, key, value, currency)


def account_update_multi_end(request_id: int) -> list[str]:
    """The first full set of values for this request is complete."""
    return message(74, 1, request_id)


def pnl(request_id: int, daily: Decimal | None, unrealized: Decimal | None, realized: Decimal | None) -> list[str]:
    """Profit and loss of an account; None where it is not known yet."""
    return message(94, request_id, double(daily), double(unrealized), double(realized))


def pnl_single(
    request_id: int,
    quantity: Decimal,
    *,
    daily: Decimal | None,
    unrealized: Decimal | None,
    realized: Decimal | None,
    value: Decimal | None,
) -> list[str]:
    """Profit, loss and market value of one position; None where it is not known yet."""
    return message(95, request_id, quantity, double(daily), double(unrealized), double(realized), double(value))
