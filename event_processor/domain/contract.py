"""Contracts: how a producer names one, and what IBKR says it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from event_processor.domain.ids import ConId

STOCK_LIKE = frozenset({"STK", "ETF"})
"""Security types this product trades. IBKR files ETFs under STK; producers may say ETF."""


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """A target's wording of a contract: a symbol or a conId, and what narrows it down.

    `currency` is "" when a conId alone says it.
    """

    symbol: str = ""
    con_id: ConId = ConId(0)
    sec_type: str = "STK"
    currency: str = "USD"
    exchange: str = "SMART"
    primary_exchange: str = ""

    def __str__(self) -> str:
        name = self.symbol or f"conId {self.con_id}"
        where = f"@{self.primary_exchange}" if self.primary_exchange else ""
        return f"{name}{where} ({self.currency})" if self.currency else f"{name}{where}"


@dataclass(frozen=True, slots=True)
class TradingInterval:
    """One open stretch of a market, aware UTC, `opens` <= t < `closes`."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Contract:
    """IBKR's instrument: its id, how to route it, its price step, its hours.

    `liquid_hours` covers the few days IBKR gives; None means IBKR said nothing about hours, an empty
    tuple that every day it named is closed.
    """

    con_id: ConId
    symbol: str
    sec_type: str = "STK"
    currency: str = "USD"
    exchange: str = "SMART"
    primary_exchange: str = ""
    min_tick: Decimal = Decimal("0.01")
    liquid_hours: tuple[TradingInterval, ...] | None = None

    @property
    def stock_like(self) -> bool:
        """Whether the planner may trade it at all."""
        return self.sec_type in STOCK_LIKE
