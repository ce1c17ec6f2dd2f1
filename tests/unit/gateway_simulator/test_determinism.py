from __future__ import annotations

import io
import random
from decimal import Decimal

from gateway_simulator import scenario
from gateway_simulator.clock import ManualClock
from gateway_simulator.model import Order
from gateway_simulator.simulator import Simulator
from tests.unit.gateway_simulator.conftest import FRIDAY_NOON, Listener

SYMBOLS = ["SPY", "TLT", "GLD", "S001", "S002", "NOPERM"]


def run(seed: int) -> str:
    """Two hundred random calls on a wandering market; returns the ledger file."""
    file = io.StringIO()
    table = {"market": {"wander_bps": 30}, "account": [{"number": "DU1", "cash": {"USD": 1_000_000}}]}
    sim = Simulator(scenario.parse("test", table), ManualClock(FRIDAY_NOON), seed=seed, ledger_file=file)
    client = Listener(sim)
    sim.connect(client)
    draw = random.Random(seed)
    for order_id in range(1, 201):
        listing = sim.universe.by_symbol(draw.choice(SYMBOLS), sec_type="STK")
        price = sim.market.price(listing, sim.clock.now())
        order = Order(
            action=draw.choice(["BUY", "BUY", "SELL"]),
            total_quantity=Decimal(draw.randint(1, 50)),
            order_type=draw.choice(["MKT", "LMT", "MIDPRICE"]),
            lmt_price=(price * Decimal(draw.choice(["0.999", "1.001"]))).quantize(Decimal("0.01")),
            tif=draw.choice(["DAY", "GTC", "IOC"]),
            order_ref=f"r{order_id}",
        )
        sim.desk.place(1, order_id, listing.contract, order)
        if draw.random() < 0.2:
            sim.desk.cancel(1, draw.randint(1, order_id))
        sim.advance(sim.clock.now() + draw.random() * 5)
    sim.advance(sim.clock.now() + 600)
    return file.getvalue()


def test_one_seed_gives_one_ledger() -> None:
    """The same seed and the same calls give the same ledger, byte for byte; another seed does not."""
    assert run(7) == run(7)
    assert run(7) != run(8)


def test_money_and_shares_are_conserved() -> None:
    """Cash and positions at the end are what the start and all executions add up to, to the last digit."""
    sim = Simulator(scenario.load("demo"), ManualClock(FRIDAY_NOON))
    client = Listener(sim)
    sim.connect(client)
    start = sim.ledger.cash("DU1234567")["USD"]
    before = sim.ledger.positions("DU1234567")
    for order_id, (symbol, action) in enumerate([("GLD", "SELL"), ("QQQ", "SELL"), ("BND", "BUY")], 1):
        contract = sim.universe.by_symbol(symbol, sec_type="STK").contract
        order = Order(action=action, total_quantity=Decimal(7), order_type="MKT", tif="DAY")
        sim.desk.place(1, order_id, contract, order)
    sim.advance(sim.clock.now() + 60)
    executions = sim.ledger.executions()
    assert len(executions) == 3
    for entry in executions:
        sign = 1 if entry["side"] == "BOT" else -1
        shares, price = Decimal(str(entry["shares"])), Decimal(str(entry["price"]))
        start -= sign * shares * price + Decimal(str(entry["commission"]))
        before[str(entry["symbol"])] += sign * shares
    assert sim.ledger.cash("DU1234567")["USD"] == start
    assert sim.ledger.positions("DU1234567") == before
