"""One account at one instant: positions, cash, exchange rates and quotes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from event_processor.domain.contract import Contract
from event_processor.domain.ids import AccountId, ConId


@dataclass(frozen=True, slots=True)
class Position:
    """A holding. `average_cost` is shown to people and never used to value anything."""

    contract: Contract
    quantity: Decimal
    average_cost: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Quote:
    """A market at one instant, in the contract's currency.

    `bid` and `ask` are None when that side is missing; `last` is a trade of this trading day, never
    yesterday's close. `at` is when it was last heard (aware UTC).
    """

    con_id: ConId
    at: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    delayed: bool = False

    @property
    def mark(self) -> Decimal | None:
        """The price holdings are valued at: the middle of bid and ask, else the last trade."""
        if self.bid is not None and self.ask is not None:
            return (self.bid + self.ask) / 2
        return self.last

    @property
    def to_buy(self) -> Decimal | None:
        """What one share would cost now: the ask, else the last trade."""
        return self.ask if self.ask is not None else self.last

    @property
    def to_sell(self) -> Decimal | None:
        """What one share would bring now: the bid, else the last trade."""
        return self.bid if self.bid is not None else self.last


@dataclass(frozen=True, slots=True)
class AccountState:
    """What the broker says of one account, without prices.

    Money is in `base_currency`; `rates` gives the base value of one unit of each other currency.
    `net_liquidation` is the broker's own figure, `other_value` its value of holdings that are not
    stock-like (options, futures …), by its own marks. `positions` holds every position of this account only.
    """

    account: AccountId
    at: datetime
    base_currency: str
    net_liquidation: Decimal
    cash: Decimal
    positions: tuple[Position, ...]
    other_value: Decimal = Decimal(0)
    rates: Mapping[str, Decimal] = field(default_factory=dict)

    def rate(self, currency: str) -> Decimal | None:
        """Base money for one unit of `currency`; None when the broker did not say."""
        return Decimal(1) if currency == self.base_currency else self.rates.get(currency)


@dataclass(frozen=True, slots=True)
class PortfolioSnapshot:
    """All a plan is made from: the account, the quotes, the moment."""

    state: AccountState
    quotes: Mapping[ConId, Quote]
    at: datetime
