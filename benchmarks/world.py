"""What is measured: accounts with the same money, and orders that every contestant places alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway_simulator.universe import build_universe
from tests.support.stack import Stack

MONEY = Decimal(10_000_000)
INVESTED = Decimal("0.95")
SETTINGS = {
    "ACKNOWLEDGE_TIMEOUT_SECONDS": "10",
    "VISIBILITY_DELAY_SECONDS": "5",
    "SETTLE_SECONDS": "5",
    "LEASE_SECONDS": "15",
    "IB_CONNECT_TIMEOUT_SECONDS": "4",
    "IB_REQUEST_TIMEOUT_SECONDS": "10",
    "ORDER_TIMEOUT_SECONDS": "120",
}
"""The product's own defaults."""


@dataclass(frozen=True, slots=True)
class Shape:
    """So many symbols, bought from cash, or half of them sold down and half of them bought (mixed)."""

    symbols: int
    mixed: bool

    @property
    def weights(self) -> dict[str, float]:
        """What the event asks for."""
        return {symbol: float(round(INVESTED / self.symbols, 6)) for symbol in self._names}

    @property
    def holdings(self) -> dict[str, Decimal]:
        """What is held before: twice the target in every other symbol."""
        if not self.mixed:
            return {}
        prices = {each.contract.symbol: each.base_price for each in build_universe()}
        value = 2 * MONEY * INVESTED / self.symbols
        return {name: (value / prices[name]).to_integral_value(ROUND_FLOOR) for name in self._names[::2]}

    @property
    def _names(self) -> list[str]:
        return [f"S{number:03d}" for number in range(1, self.symbols + 1)]

    def __str__(self) -> str:
        return f"{self.symbols} {'mixed' if self.mixed else 'from cash'}"


def accounts(count: int) -> list[str]:
    """Account numbers, in order."""
    return [f"DU{1_000_000 + number}" for number in range(1, count + 1)]


def scenario(shape: Shape, count: int = 1) -> str:
    """A simulator scenario in which so many accounts stand where the shape begins."""
    held = shape.holdings
    prices = {each.contract.symbol: each.base_price for each in build_universe()}
    cash = MONEY - sum((quantity * prices[name] for name, quantity in held.items()), Decimal(0))
    lines = ['description = "A benchmark."']
    for number in accounts(count):
        lines += ["[[account]]", f'number = "{number}"', f"cash = {{ USD = {cash} }}"]
        lines += [f"holdings = [{', '.join(_holding(name, held[name], prices[name]) for name in held)}]"]
    return "\n".join(lines) + "\n"


def _holding(symbol: str, quantity: Decimal, cost: Decimal) -> str:
    return f'{{ symbol = "{symbol}", quantity = {quantity}, average_cost = {cost} }}'


@contextmanager
def stack(scenario_text: str, *, started: bool = True, **settings: str) -> Iterator[Stack]:
    """Redis, simulator and, if `started`, the processor, ready to trade; all gone at the end."""
    with (
        TemporaryDirectory(prefix="rebalancer-bench-") as folder,
        Stack(Path(folder), scenario_text, started=started, kept=False, **{**SETTINGS, **settings}) as running,
    ):
        if started:
            running.wait_session("ready")
        yield running
        if running.processor.exit_code is None:
            running.processor.kill()


def messages_sent(running: Stack, client_id: int) -> int:
    """How many messages the gateway has had from this client."""
    counted: Mapping[str, int] = running.control("status")["messages"]
    return int(counted.get(str(client_id), 0))


def orders_of(running: Stack, account: str) -> Sequence[Mapping[str, object]]:
    """The orders the gateway got for this account, in order."""
    return running.ledger("order_received", account=account)
