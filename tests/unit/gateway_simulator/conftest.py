"""A simulator on a clock that stands still, and a client that only listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from gateway_simulator import scenario
from gateway_simulator.clock import ManualClock
from gateway_simulator.events import ErrorNotice, Event, Executed, StatusReported
from gateway_simulator.model import Contract, Order
from gateway_simulator.session import Door, State
from gateway_simulator.simulator import Simulator

FRIDAY_NOON = 1795194000.0
"""2026-11-20 17:00 UTC, noon in New York."""


@dataclass(slots=True)
class Listener:
    """A connected client that remembers what it was told."""

    sim: Simulator
    client_id: int = 1
    heard: list[Event] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def deliver(self, event: Event) -> None:
        self.heard.append(event)

    def drop(self, reason: str) -> None:
        self.dropped.append(reason)
        self.sim.disconnect(self, reason)

    @property
    def statuses(self) -> list[str]:
        return [str(event.status) for event in self.heard if isinstance(event, StatusReported)]

    @property
    def codes(self) -> list[int]:
        return [event.code for event in self.heard if isinstance(event, ErrorNotice)]

    @property
    def executions(self) -> list[str]:
        return [event.execution.exec_id for event in self.heard if isinstance(event, Executed)]


@dataclass(slots=True)
class World:
    """One simulated run and short words for what tests do with it."""

    sim: Simulator
    client: Listener

    def share(self, symbol: str, currency: str = "") -> Contract:
        return self.sim.universe.by_symbol(symbol, currency, "STK").contract

    def place(
        self, order_id: int, action: str = "BUY", quantity: str = "10", symbol: str = "SPY", **fields: object
    ) -> None:
        """Send an order of the listening client, a market order for the day unless `fields` say otherwise."""
        said: dict[str, Any] = {"order_type": "MKT", "tif": "DAY", "order_ref": f"ref-{order_id}", **fields}
        order = Order(action=action, total_quantity=Decimal(quantity), **said)
        currency = "EUR" if symbol in {"SAP", "EUNL"} else ""
        self.sim.desk.place(self.client.client_id, order_id, self.share(symbol, currency), order)

    def limit(self, order_id: int, price: str, action: str = "BUY", quantity: str = "10", **fields: object) -> None:
        said: dict[str, Any] = {"order_type": "LMT", "lmt_price": Decimal(price), **fields}
        self.place(order_id, action, quantity, **said)

    def state(self) -> State:
        return self.sim.session.state

    def door(self) -> Door:
        return self.sim.session.door

    def wait(self, seconds: float) -> None:
        self.sim.advance(self.sim.clock.now() + seconds)

    def do(self, action: str, **parameters: object) -> dict[str, object]:
        return self.sim.actions.run(action, parameters)

    def again(self, client_id: int = 1) -> Listener:
        """Connect anew, as a client does after a drop."""
        self.client = Listener(self.sim, client_id)
        self.sim.connect(self.client)
        return self.client


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world() -> MakeWorld:
    def make(*, start: float = FRIDAY_NOON, seed: int = 1, **table: object) -> World:
        sim = Simulator(scenario.parse("test", table), ManualClock(start), seed=seed)
        client = Listener(sim)
        sim.connect(client)
        return World(sim, client)

    return make


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world()
