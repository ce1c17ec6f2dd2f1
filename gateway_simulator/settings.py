"""What a scenario can say, as frozen dataclasses; `scenario` reads them from TOML."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Latency:
    """How long things take, in milliseconds."""

    ack_ms: int = 5
    """From an accepted order to its first report."""
    fill_ms: int = 30
    """From an accepted order to its earliest fill."""
    positions_ms: int = 0
    """From a fill to the position clients see."""
    account_ms: int = 100
    """From a fill to the cash and account values clients see."""
    lookup_ms: int = 0
    """From an order or a fill to its place in answers about orders and executions."""
    answer_ms: int = 0
    """From a request to its answer."""


@dataclass(frozen=True, slots=True)
class MarketSettings:
    """Hours, data permission and price behaviour."""

    hours: str = "always"
    closed_until_s: float = 0.0
    data: str = "live"
    """live, delayed (no live subscription, delayed prices offered) or none."""
    wander_bps: int = 0
    tick_seconds: float = 2.0
    lines: int = 100
    prices: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How the gateway itself behaves."""

    server_version: int = 178
    read_only: bool = False
    tif_preset: bool = False
    """Answer an order without tif with the informative 10349, as gateways with order presets do."""
    messages_per_second: int = 50
    pacing: str = "bucket"
    """How messages are counted, one of `pacing.KINDS`."""
    strikes: int = 3
    """How many messages above the pace are thrown away before the connection is closed."""
    accounts_end_with_comma: bool = False
    orders_per_side: int = 20


@dataclass(frozen=True, slots=True)
class HoldingSettings:
    """A position at the start."""

    symbol: str
    quantity: Decimal
    average_cost: Decimal
    currency: str = ""
    sec_type: str = ""


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """An account at the start."""

    number: str = "DU1234567"
    base_currency: str = "USD"
    cash: dict[str, Decimal] = field(default_factory=lambda: {"USD": Decimal(100_000)})
    margin: Decimal = Decimal(1)
    fractional: bool = False
    holdings: tuple[HoldingSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """One `[[fault]]`: what happens, with its parameters, and what sets it off (nothing: the start)."""

    action: str
    parameters: dict[str, object] = field(default_factory=dict)
    at_seconds: float = 0.0
    after_orders_accepted: int = 0
    after_executions: int = 0
    on_symbol: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that makes one run differ from another, except the seed."""

    name: str = "plain"
    description: str = ""
    latency: Latency = Latency()
    market: MarketSettings = MarketSettings()
    gateway: GatewaySettings = GatewaySettings()
    rates: dict[str, Decimal] = field(default_factory=lambda: {"EUR": Decimal("1.08")})
    accounts: tuple[AccountSettings, ...] = (AccountSettings(),)
    faults: tuple[FaultSettings, ...] = ()
