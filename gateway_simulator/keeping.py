"""The simulated exchange outlives the gateway: orders, fills and accounts are kept in a file beside the ledger.

Each change is one line, appended and flushed before any client hears of it, so that a gateway that
is killed comes back to the truth. A fill changes several things; they are one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from .accounts import Books, Holding
from .clock import Clock
from .exchange import FIRST_PERM_ID
from .faults import Conduct
from .ledger import Entry
from .model import Commission, Contract, Execution, Order, Status
from .settings import Scenario
from .simulator import Simulator
from .working import WorkingOrder

LEDGER, EXCHANGE = "ledger.jsonl", "exchange.jsonl"

KINDS: dict[str, type] = {kind.__name__: kind for kind in (Order, Contract, Execution, Commission, Conduct, Holding)}
STATE = (
    *("filled", "spent", "last_price", "cost", "accepted_at", "done_at", "reason", "why_held", "fills"),
    *("rest_due", "opening", "conduct"),
)
"""What is kept of a working order besides order, contract and status."""
ORDER_KINDS = frozenset({"order_accepted", "order_state", "order_changed"})
PARTS = frozenset({"cash", "position", "execution"})
"""Ledger kinds that something else follows on: they wait for it."""


@contextmanager
def kept_simulator(scenario: Scenario, clock: Clock, folder: Path, *, seed: int = 1) -> Iterator[Simulator]:
    """A simulator that goes on where the last one in this folder ended, however that one ended."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger, exchange = folder / LEDGER, folder / EXCHANGE
    mend(ledger)
    mend(exchange)
    earlier = list(_lines(ledger))
    with ledger.open("a", encoding="utf-8") as file, exchange.open("a", encoding="utf-8") as kept:
        sim = Simulator(scenario, clock, seed=seed, ledger_file=file, earlier=earlier)
        restore(sim, exchange)
        Keeper(sim, kept)
        go_on(sim)
        yield sim


class Keeper:
    """Writes down what changes in a simulator, and gives it back to the next one."""

    def __init__(self, sim: Simulator, file: TextIO) -> None:
        self._sim = sim
        self._file = file
        self._parts: list[dict[str, object]] = []
        sim.ledger.on_entry.append(self._note)

    def _note(self, entry: Entry) -> None:
        kind = str(entry["kind"])
        if kind == "cash":
            realized = self._books(entry).realized
            keys = {"account": entry["account"], "currency": entry["currency"]}
            self._parts.append({"kind": kind, **keys, "amount": Decimal(str(entry["amount"])), "realized": realized})
        elif kind == "position":
            con_id = int(str(entry["conId"]))
            held = self._books(entry).holdings.get(con_id)
            self._parts.append({"kind": kind, "account": entry["account"], "con_id": con_id, "holding": held})
        elif kind == "execution":
            self._parts.append({"kind": kind, "fill": self._sim.book.executions[-1]})
        elif kind in ORDER_KINDS:
            working = self._sim.book.orders[int(str(entry["permId"])) - FIRST_PERM_ID]
            state = {name: getattr(working, name) for name in STATE}
            placed = {"order": working.order, "contract": working.contract, "con_id": working.listing.contract.con_id}
            self._parts.append({"kind": "order", **placed, "status": str(working.status), "state": state})
        if self._parts and kind not in PARTS:
            self._file.write(json.dumps(self._parts, default=_tagged) + "\n")
            self._file.flush()
            self._parts = []

    def _books(self, entry: Entry) -> Books:
        return self._sim.bank.accounts[str(entry["account"])].books


def mend(file: Path) -> None:
    """Cut off a last line that a crash left unfinished, so that the next one begins on a line of its own."""
    if file.exists():
        data = file.read_bytes()
        file.write_bytes(data[: data.rfind(b"\n") + 1])


def restore(sim: Simulator, file: Path) -> None:
    """Bring a new simulator to where the last one ended; orders that were working go on."""
    orders: dict[int, WorkingOrder] = {}
    opening = {number: account.books.copy() for number, account in sim.bank.accounts.items()}
    touched: set[str] = set()
    for part in _parts(file):
        if part["kind"] == "order":
            working = _working(sim, part)
            orders[working.order.perm_id] = working
        elif part["kind"] == "execution":
            execution, commission = part["fill"]
            sim.book.executions.append((execution, commission))
        elif part["account"] in sim.bank.accounts:  # not so when the scenario or the mode has changed
            touched.add(part["account"])
            _put(sim.bank.accounts[part["account"]].books, part)
    for number in sorted(touched):
        account = sim.bank.accounts[number]
        account.published = account.books.copy()
        gone = opening[number].holdings.keys() - account.books.holdings.keys()
        sim.bank.declare(number, [opening[number].holdings[con_id].contract for con_id in sorted(gone)])
    for perm_id in sorted(orders):
        sim.book.orders.append(orders[perm_id])
        sim.desk.adopt(orders[perm_id])
    if orders:
        sim.ledger.write("exchange_restored", orders=len(orders), executions=len(sim.book.executions))


def go_on(sim: Simulator) -> None:
    """Let restored orders work again, once their changes are kept."""
    for working in list(sim.book.working()):
        if working.status is Status.PENDING_CANCEL:
            sim.floor.end(working, "")
        else:
            sim.floor.plan(working)


def _put(books: Books, part: dict[str, Any]) -> None:
    if part["kind"] == "cash":
        books.cash[part["currency"]] = part["amount"]
        books.realized = part["realized"]
    elif part["holding"] is None:
        books.holdings.pop(part["con_id"], None)
    else:
        books.holdings[part["con_id"]] = part["holding"]


def _working(sim: Simulator, part: dict[str, Any]) -> WorkingOrder:
    listing = sim.universe.by_con_id(part["con_id"])
    return WorkingOrder(part["order"], part["contract"], listing, status=Status(part["status"]), **part["state"])


def _parts(file: Path) -> Iterator[dict[str, Any]]:
    for parts in _lines(file):
        yield from parts


def _lines(file: Path) -> Iterator[Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        yield json.loads(line, object_hook=_untagged)


def _tagged(value: object) -> object:
    """Decimals and our own kinds, with their name; tuples come back from lists where the field wants them."""
    if isinstance(value, Decimal):
        return {"Decimal": str(value)}
    name = type(value).__name__
    if name not in KINDS:
        raise TypeError(f"{name} cannot be kept")
    return {name: {field.name: getattr(value, field.name) for field in fields(KINDS[name])}}


def _untagged(found: dict[str, Any]) -> object:
    if len(found) != 1:
        return found
    ((name, value),) = found.items()
    if name == "Decimal":
        return Decimal(value)
    if name == "Order":
        groups = {key: tuple(map(tuple, rows)) for key, rows in value["groups"].items()}
        return Order(**{**value, "groups": groups, "algo_params": tuple(map(tuple, value["algo_params"]))})
    return KINDS[name](**value) if name in KINDS else found
