"""Positions and account values of one connection, from standing subscriptions.

Sources: TWS API, "Account Updates", "Positions". Positions come from the position subscription only.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from event_processor.adapters.ibkr.translate import decimal
from event_processor.domain.ids import AccountId, ConId
from event_processor.domain.portfolio import AccountState, Position
from event_processor.errors import GatewayDisconnected

_READY = "AccountReady"
_BASE = "BASE"
"""The currency of values that are sums over all currencies, in the base currency."""
_CURRENCY = "CASH"
"""The security type of what currency trades left behind: shown as positions, and part of the cash already."""
_CASH_TAGS = (
    ("TotalCashValue", ""),
    ("TotalCashBalance", _BASE),
    ("CashBalance", _BASE),
    ("TotalCashBalance", ""),
    ("CashBalance", ""),
)
"""Where the cash of all currencies is said, surest first; "" stands for the base currency."""

_Values = dict[tuple[str, str], str]


class AccountBook:
    """What the subscriptions said so far; a state only once each of them was complete."""

    def __init__(self) -> None:
        self._values: dict[AccountId, _Values] = defaultdict(dict)
        self._values_complete: dict[AccountId, asyncio.Event] = defaultdict(asyncio.Event)
        self._values_ready: dict[AccountId, asyncio.Event] = defaultdict(_happened)
        self._positions: dict[tuple[AccountId, ConId], Position] = {}
        self._positions_complete = asyncio.Event()
        self._worth: dict[tuple[AccountId, ConId], tuple[Decimal, str]] = {}

    def expect_anew(self) -> None:
        """All subscriptions are being made again: nothing is complete until they have answered."""
        self._positions = {}
        self._positions_complete.clear()
        self._worth = {}
        for complete in self._values_complete.values():
            complete.clear()

    def expect_positions_anew(self) -> None:
        """The positions are asked for again: none is known until the answer is complete. While an earlier
        answer is still coming it is left to be, or its end would be taken for that of a half-heard list."""
        if self._positions_complete.is_set():
            self._positions = {}
            self._positions_complete.clear()

    def position(self, account: AccountId, position: Position) -> None:
        """The new quantity of one holding; zero ends it."""
        key = account, position.contract.con_id
        if position.quantity:
            self._positions[key] = position
        else:
            self._positions.pop(key, None)

    @property
    def positions_known(self) -> bool:
        """Whether every position was sent since they were last asked for."""
        return self._positions_complete.is_set()

    def positions_complete(self) -> None:
        """Every position was sent once."""
        self._positions_complete.set()

    def value(self, account: AccountId, tag: str, text: str, currency: str) -> None:
        """One account value. While IBKR's servers reset, AccountReady is false and what follows may be wrong (TWS API,
        "Account Updates"): then nothing is known of the account until it is true."""
        ready = self._values_ready[account]
        if tag == _READY and text.lower() == "false":
            ready.clear()
        elif tag == _READY and not ready.is_set():
            self._values[account].clear()
            ready.set()
        self._values[account][tag, currency] = text

    def worth(self, account: AccountId, position: Position, market_value: float) -> None:
        """The gateway's own valuation of one holding, in the contract's currency."""
        value = decimal(market_value)
        if value is not None:
            self._worth[account, position.contract.con_id] = value, position.contract.currency

    def values_complete(self, account: AccountId) -> None:
        """Every value of the account was sent once."""
        self._values_complete[account].set()

    async def positions_whole(self) -> None:
        """Wait until every position was sent; the caller bounds the wait."""
        await self._positions_complete.wait()

    async def complete(self, account: AccountId) -> None:
        """Wait until positions and this account's values were sent whole; the caller bounds the wait."""
        await self.positions_whole()
        await self._values_complete[account].wait()
        await self._values_ready[account].wait()

    def state(self, account: AccountId, at: datetime) -> AccountState:
        """The account as it stands; `GatewayDisconnected` when the gateway left out what a plan needs."""
        values = self._values[account]
        base = _base_currency(account, values)
        rates = _rates(values, base)
        positions = tuple(held for (owner, _), held in self._positions.items() if owner == account)
        net_liquidation = _needed(account, values, (("NetLiquidation", base),))
        cash = _needed(account, values, tuple((tag, currency or base) for tag, currency in _CASH_TAGS))
        return AccountState(
            account=account,
            at=at,
            base_currency=base,
            net_liquidation=net_liquidation,
            cash=cash,
            positions=positions,
            other_value=self._other_value(account, positions, net_liquidation - cash, {**rates, base: Decimal(1)}),
            rates=rates,
        )

    def _other_value(
        self,
        account: AccountId,
        positions: tuple[Position, ...],
        holdings_value: Decimal,
        rates: dict[str, Decimal],
    ) -> Decimal:
        """What the holdings are worth that are not stock-like: the gateway's valuation of each, where it
        gives one (updatePortfolio); else what is left of the net liquidation value after cash and stocks."""
        others = [held for held in positions if not held.contract.stock_like and held.contract.sec_type != _CURRENCY]
        if not others:
            return Decimal(0)
        worths = [self._worth.get((account, held.contract.con_id)) for held in others]
        known = [
            value * rates[currency] for worth in worths if worth for value, currency in [worth] if currency in rates
        ]
        if len(known) == len(others):
            return sum(known, Decimal(0))
        stocks = (("StockMarketValue", _BASE),)
        return holdings_value - _needed(account, self._values[account], stocks)


def _happened() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


def _base_currency(account: AccountId, values: _Values) -> str:
    for tag, currency in values:
        if tag == "NetLiquidation" and currency not in ("", _BASE):
            return currency
    raise _missing(account, "NetLiquidation")


def _rates(values: _Values, base: str) -> dict[str, Decimal]:
    found = {currency: decimal(text) for (tag, currency), text in values.items() if tag == "ExchangeRate"}
    return {currency: rate for currency, rate in found.items() if rate and currency not in ("", _BASE, base)}


def _needed(account: AccountId, values: _Values, names: tuple[tuple[str, str], ...]) -> Decimal:
    for name in names:
        number = decimal(values.get(name, ""))
        if number is not None:
            return number
    raise _missing(account, " or ".join(tag for tag, _ in names))


def _missing(account: AccountId, tag: str) -> GatewayDisconnected:
    return GatewayDisconnected(f"the gateway sent no {tag} for account {account}", reason_code="account_values_missing")
