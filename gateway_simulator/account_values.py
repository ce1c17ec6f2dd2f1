"""The numbers of an account, named and written as IBKR names and writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from .accounts import Account, Books, Holding, Rates
from .model import ZERO

CENT = Decimal("0.01")

Price = Callable[[int], Decimal]
"""conId -> price in the contract's currency."""


@dataclass(frozen=True, slots=True)
class Value:
    """One `updateAccountValue`: tag, text, currency ("" for values that are not money)."""

    tag: str
    text: str
    currency: str = ""


@dataclass(frozen=True)
class Valuation:
    """One set of books at the prices of one instant; money in the base currency unless a method says else."""

    account: Account
    books: Books
    rates: Rates
    price: Price

    @cached_property
    def currencies(self) -> list[str]:
        used = {self.account.base_currency, *self.books.cash}
        return sorted(used | {held.contract.currency for held in self.books.holdings.values()})

    def to_base(self, currency: str) -> Decimal:
        return self.rates.convert(currency, self.account.base_currency)

    @cached_property
    def worths(self) -> list[tuple[Holding, Decimal]]:
        """Every holding with its market value in the contract's currency."""
        held = self.books.holdings.values()
        return [(one, one.quantity * self.price(one.contract.con_id) * _multiplier(one)) for one in held]

    def cash(self, currency: str) -> Decimal:
        """Cash in that currency."""
        return self.books.cash.get(currency, ZERO)

    def holdings(self, currency: str, sec_type: str = "") -> Decimal:
        """Market value of the holdings in that currency."""
        return self._worth_by_kind.get((currency, sec_type), ZERO)

    def unrealized(self, currency: str) -> Decimal:
        """Profit not yet taken, in that currency."""
        return self.holdings(currency) - self._cost_by_currency.get(currency, ZERO)

    def realized(self, currency: str) -> Decimal:
        return self.books.realized.get(currency, ZERO)

    def total(self, of: Callable[[str], Decimal]) -> Decimal:
        """The sum of an amount over all currencies, in the base currency."""
        return sum((of(currency) * self.to_base(currency) for currency in self.currencies), ZERO)

    @cached_property
    def net_liquidation(self) -> Decimal:
        return self.total(self.cash) + self.total(self.holdings)

    @cached_property
    def gross_position_value(self) -> Decimal:
        return sum((abs(worth) * self.to_base(held.contract.currency) for held, worth in self.worths), ZERO)

    @property
    def margin_used(self) -> Decimal:
        return self.gross_position_value / self.account.margin

    @property
    def available_funds(self) -> Decimal:
        return self.net_liquidation - self.margin_used

    @cached_property
    def _worth_by_kind(self) -> dict[tuple[str, str], Decimal]:
        """Market value by currency and security type; the type "" is all of them."""
        found: dict[tuple[str, str], Decimal] = {}
        for held, worth in self.worths:
            for sec_type in ("", held.contract.sec_type):
                key = held.contract.currency, sec_type
                found[key] = found.get(key, ZERO) + worth
        return found

    @cached_property
    def _cost_by_currency(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for held in self.books.holdings.values():
            currency = held.contract.currency
            found[currency] = found.get(currency, ZERO) + held.quantity * held.average_cost
        return found


def _multiplier(held: Holding) -> Decimal:
    return Decimal(held.contract.multiplier or 1)


def account_values(view: Valuation) -> list[Value]:
    """Everything `reqAccountUpdates` sends, in a fixed order."""
    return [*_plain_values(view), *_base_values(view), *ledger_values(view)]


def _plain_values(view: Valuation) -> Iterator[Value]:
    net = view.net_liquidation
    cushion = view.available_funds / net if net else ZERO
    yield Value("AccountCode", view.account.number)
    yield Value("AccountOrGroup", view.account.number, view.account.base_currency)
    yield Value("AccountReady", "true")
    yield Value("AccountType", "INDIVIDUAL")
    yield Value("Cushion", f"{cushion:.6f}")
    yield Value("DayTradesRemaining", "-1")
    yield Value("LookAheadNextChange", "0")


def _base_values(view: Valuation) -> Iterator[Value]:
    base = view.account.base_currency
    used, available = view.margin_used, view.available_funds
    amounts = {
        "AccruedCash": ZERO,
        "AvailableFunds": available,
        "BuyingPower": max(available, ZERO) * view.account.margin,
        "EquityWithLoanValue": view.net_liquidation,
        "ExcessLiquidity": available,
        "FullAvailableFunds": available,
        "FullExcessLiquidity": available,
        "FullInitMarginReq": used,
        "FullMaintMarginReq": used,
        "GrossPositionValue": view.gross_position_value,
        "InitMarginReq": used,
        "MaintMarginReq": used,
        "NetLiquidation": view.net_liquidation,
        "PreviousDayEquityWithLoanValue": view.net_liquidation,
        "TotalCashValue": view.total(view.cash),
        "SettledCash": view.total(view.cash),
    }
    for tag, amount in amounts.items():
        yield Value(tag, money(amount), base)


def ledger_values(view: Valuation) -> Iterator[Value]:
    """The values by currency, `BASE` being their sum in the base currency."""
    columns: dict[str, Callable[[str], Decimal]] = {
        "CashBalance": view.cash,
        "TotalCashBalance": view.cash,
        "StockMarketValue": lambda currency: view.holdings(currency, "STK"),
        "OptionMarketValue": lambda currency: view.holdings(currency, "OPT"),
        "UnrealizedPnL": view.unrealized,
        "RealizedPnL": view.realized,
        "NetLiquidationByCurrency": lambda currency: view.cash(currency) + view.holdings(currency),
    }
    for currency in ["BASE", *view.currencies]:
        in_base = currency == "BASE"
        yield Value("Currency", currency, currency)
        yield Value("RealCurrency", view.account.base_currency if in_base else currency, currency)
        yield Value("ExchangeRate", f"{1 if in_base else view.to_base(currency):.7f}", currency)
        for tag, amount in columns.items():
            yield Value(tag, money(view.total(amount) if in_base else amount(currency)), currency)


def summary_values(view: Valuation, tags: str) -> list[Value]:
    """What `reqAccountSummary` sends for a comma-separated list of tags.

    `$LEDGER` means the base totals, `$LEDGER:EUR` one currency, `$LEDGER:ALL` all of them.
    """
    wanted = {tag.strip() for tag in tags.split(",") if tag.strip()}
    plain = [*_plain_values(view), *_base_values(view)]
    found = [value for value in plain if value.tag in wanted]
    if "RealizedPnL" in wanted:
        found.append(Value("RealizedPnL", money(view.total(view.realized)), view.account.base_currency))
    if "UnrealizedPnL" in wanted:
        found.append(Value("UnrealizedPnL", money(view.total(view.unrealized)), view.account.base_currency))
    for tag in sorted(wanted):
        name, _, currency = tag.partition(":")
        if name == "$LEDGER":
            currency = currency or "BASE"
            found += [value for value in ledger_values(view) if currency in ("ALL", value.currency)]
    return found


def money(amount: Decimal) -> str:
    """Two decimals, without exponent."""
    return f"{amount.quantize(CENT):f}"
