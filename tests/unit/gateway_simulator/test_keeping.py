from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway_simulator import scenario
from gateway_simulator.clock import ManualClock
from gateway_simulator.keeping import EXCHANGE, LEDGER, kept_simulator
from gateway_simulator.model import Contract, Order, Status
from gateway_simulator.simulator import Simulator
from tests.unit.gateway_simulator.conftest import FRIDAY_NOON, Listener

ACCOUNT = "DU1234567"


@contextmanager
def life(folder: Path, now: float = FRIDAY_NOON, name: str = "plain") -> Iterator[tuple[Simulator, Listener]]:
    """One life of the gateway, ended without a word."""
    with kept_simulator(scenario.load(name), ManualClock(now), folder) as sim:
        client = Listener(sim)
        sim.connect(client)
        yield sim, client


def place(sim: Simulator, client: Listener, order_id: int, **fields: Any) -> None:  # noqa: ANN401  (an order's)
    contract = sim.universe.by_symbol("SPY", "", "STK").contract
    details: dict[str, Any] = {
        "action": "BUY",
        "total_quantity": Decimal(10),
        "order_type": "MKT",
        "tif": "DAY",
        **fields,
    }
    order = Order(account=ACCOUNT, **details)
    sim.desk.place(client.client_id, order_id, Contract(con_id=contract.con_id, exchange="SMART"), order)


def test_a_killed_gateway_comes_back_to_the_same_exchange(tmp_path: Path) -> None:
    """Fills, positions, cash, order ids and the way an order looks to its client are all as before."""
    with life(tmp_path) as (sim, client):
        place(sim, client, 1, algo_strategy="Adaptive", algo_params=(("adaptivePriority", "Urgent"),))
        sim.advance(FRIDAY_NOON + 5)
        before = (sim.view().completed, sim.view().fills, sim.bank.positions(ACCOUNT), sim.bank.accounts[ACCOUNT].books)
        assert len(before[1]) == 1
    with life(tmp_path, FRIDAY_NOON + 60) as (sim, _client):
        books = sim.bank.accounts[ACCOUNT].books
        after = (sim.view().completed, sim.view().fills, sim.bank.positions(ACCOUNT), books)
        assert after == before
        assert sim.desk.ids.next(1) == 2


def test_a_working_order_goes_on(tmp_path: Path) -> None:
    """It was accepted, the gateway was killed, and it fills after the next start; it can be cancelled as well."""
    with life(tmp_path) as (sim, client):
        place(sim, client, 1)
        place(sim, client, 2, order_type="LMT", lmt_price=Decimal(1))
        assert [working.status for working in sim.book.orders] == [Status.PRE_SUBMITTED] * 2
    with life(tmp_path, FRIDAY_NOON + 60) as (sim, client):
        sim.advance(FRIDAY_NOON + 65)
        assert [working.status for working in sim.book.orders] == [Status.FILLED, Status.PRE_SUBMITTED]
        sim.desk.cancel(client.client_id, 2)
        sim.advance(FRIDAY_NOON + 66)
        assert sim.book.orders[1].status is Status.CANCELLED
        place(sim, client, 3)
        assert [working.order.perm_id - 1_700_000_001 for working in sim.book.orders] == [0, 1, 2]


def test_the_ledger_covers_all_lives(tmp_path: Path) -> None:
    """Numbers run on, and a reference that was accepted in two lives is found."""
    repeated: object = None
    for order_id in (1, 2):
        with life(tmp_path) as (sim, client):
            place(sim, client, order_id, order_ref="the same")
            repeated = sim.ledger.summary()["order_refs_used_twice"]
    entries = [json.loads(line) for line in (tmp_path / LEDGER).read_text().splitlines()]
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert repeated == {"the same": [1_700_000_001, 1_700_000_002]}


def test_the_ledger_does_not_bring_back_what_was_sold(tmp_path: Path) -> None:
    """What the scenario gave an account at the start, and is gone, is written down as gone after a restart."""
    with life(tmp_path, name="demo") as (sim, client):
        place(sim, client, 1, action="SELL", total_quantity=Decimal(80))
        sim.advance(FRIDAY_NOON + 5)
        before = sim.ledger.positions(ACCOUNT)
        assert "QQQ" in before
    with life(tmp_path, name="demo") as (sim, _client):
        assert sim.ledger.positions(ACCOUNT) == before


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    """What a crash left unfinished never happened, and the next line is whole."""
    with life(tmp_path) as (sim, client):
        place(sim, client, 1)
        sim.advance(FRIDAY_NOON + 5)
    with (tmp_path / EXCHANGE).open("a") as file:
        file.write('[{"kind": "order", "ord')
    with life(tmp_path, FRIDAY_NOON + 60) as (sim, client):
        place(sim, client, 2)
    with life(tmp_path, FRIDAY_NOON + 60) as (sim, client):
        assert len(sim.book.orders) == 2
