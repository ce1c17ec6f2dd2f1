"""Accounts: cash by currency and positions, as they are and as the gateway publishes them.

IBKR's account values and positions lag fills. Each account therefore has two sets of `Books`: the
true one, which the ledger writes and which decides about buying power, and the published one, which
clients see and which follows after the scenario's latency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from .model import ZERO, Contract, Position


class Rates:
    """Exchange rates as the value of one unit in US dollars."""

    def __init__(self, in_dollars: dict[str, Decimal]) -> None:
        self._in_dollars = {"USD": Decimal(1), **in_dollars}

    @property
    def currencies(self) -> list[str]:
        return sorted(self._in_dollars)

    def convert(self, currency: str, to: str) -> Decimal:
        """How many units of `to` one unit of `currency` buys; raises KeyError for an unknown currency."""
        return self._in_dollars[currency] / self._in_dollars[to]

    def set(self, currency: str, in_dollars: Decimal) -> None:
        self._in_dollars[currency] = in_dollars


@dataclass(frozen=True, slots=True)
class Holding:
    """A quantity and what one unit of it cost on average (times the multiplier, as IBKR counts)."""

    contract: Contract
    quantity: Decimal
    average_cost: Decimal


@dataclass(slots=True)
class Books:
    """Cash, realized profit and holdings at one instant."""

    cash: dict[str, Decimal] = field(default_factory=dict)
    realized: dict[str, Decimal] = field(default_factory=dict)
    holdings: dict[int, Holding] = field(default_factory=dict)

    def copy(self) -> Books:
        return Books(dict(self.cash), dict(self.realized), dict(self.holdings))

    def quantity(self, con_id: int) -> Decimal:
        holding = self.holdings.get(con_id)
        return holding.quantity if holding else ZERO


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill as the account books it; `quantity` is negative for a sale."""

    contract: Contract
    quantity: Decimal
    price: Decimal
    commission: Decimal

    @property
    def multiplier(self) -> Decimal:
        return Decimal(self.contract.multiplier or 1)


@dataclass(slots=True)
class Account:
    """One account of the login."""

    number: str
    base_currency: str = "USD"
    margin: Decimal = Decimal(1)
    """Buying power as a multiple of net liquidation value; 1 is a cash account, which cannot sell short."""
    fractional: bool = False
    books: Books = field(default_factory=Books)
    published: Books = field(default_factory=Books)

    def book(self, trade: Trade) -> Decimal | None:
        """Book a fill; returns the realized profit, None when the fill only opens or adds."""
        if trade.contract.sec_type == "CASH":
            self._exchange_money(trade)
            return None
        currency = trade.contract.currency
        amount = trade.quantity * trade.price * trade.multiplier
        self._add_cash(currency, -amount - trade.commission)
        realized = self._move_holding(trade)
        if realized is not None:
            self.books.realized[currency] = self.books.realized.get(currency, ZERO) + realized
        return realized

    def publish_holding(self, position: Position) -> None:
        """Let clients see this position."""
        con_id = position.contract.con_id
        if position.quantity:
            self.published.holdings[con_id] = Holding(position.contract, position.quantity, position.average_cost)
        else:
            self.published.holdings.pop(con_id, None)

    def publish_cash(self, cash: dict[str, Decimal], realized: dict[str, Decimal]) -> None:
        """Let clients see this cash and realized profit."""
        self.published.cash = dict(cash)
        self.published.realized = dict(realized)

    def position(self, contract: Contract) -> Position:
        """The true position, with quantity and cost 0 when there is none."""
        holding = self.books.holdings.get(contract.con_id)
        if holding is None:
            return Position(self.number, contract, ZERO, ZERO)
        return Position(self.number, contract, holding.quantity, holding.average_cost)

    def positions(self, books: Books) -> list[Position]:
        found = (books.holdings[con_id] for con_id in sorted(books.holdings))
        return [Position(self.number, held.contract, held.quantity, held.average_cost) for held in found]

    def _exchange_money(self, trade: Trade) -> None:
        self._add_cash(trade.contract.symbol, trade.quantity)
        self._add_cash(trade.contract.currency, -trade.quantity * trade.price)
        self._add_cash(self.base_currency, -trade.commission)

    def _add_cash(self, currency: str, amount: Decimal) -> None:
        self.books.cash[currency] = self.books.cash.get(currency, ZERO) + amount

    def _move_holding(self, trade: Trade) -> Decimal | None:
        con_id = trade.contract.con_id
        held = self.books.holdings.get(con_id) or Holding(trade.contract, ZERO, ZERO)
        unit_cost = trade.price * trade.multiplier
        left = held.quantity + trade.quantity
        if held.quantity * trade.quantity >= 0:
            spent = held.quantity * held.average_cost + trade.quantity * unit_cost + trade.commission
            self.books.holdings[con_id] = Holding(held.contract, left, spent / left)
            return None
        closed = min(abs(trade.quantity), abs(held.quantity)) * (1 if held.quantity > 0 else -1)
        realized = closed * (unit_cost - held.average_cost) - trade.commission
        if left == 0:
            del self.books.holdings[con_id]
        else:
            cost = unit_cost if left * held.quantity < 0 else held.average_cost
            self.books.holdings[con_id] = Holding(held.contract, left, cost)
        return realized
