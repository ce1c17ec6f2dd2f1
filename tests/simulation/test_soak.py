"""A day without a pause, on virtual time: hourly events, lost connections, the nightly restart, a Sunday."""

from __future__ import annotations

import asyncio
import gc
import pickle
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from event_processor.domain.ids import EventKey
from event_processor.domain.record import EventRecord, Outcome, Stage
from gateway_simulator.settings import AccountSettings, FaultSettings, Scenario
from tests.support.builders import event_text
from tests.support.simulated_link import SimulatedLink
from tests.support.virtual_time import run_virtual
from tests.support.world import World

HOUR = 3600.0
HOURS = 24
ACCOUNTS = ("DU1234567", "DU7654321")
SYMBOLS = ("SPY", "TLT", "GLD", "QQQ")
FAULTS = (
    *(FaultSettings("drop", {}, at_seconds=hour * HOUR + 1800.0) for hour in range(1, HOURS, 5)),
    *(FaultSettings("link_down", {"seconds": 30}, at_seconds=hour * HOUR + 1800.0) for hour in range(3, HOURS, 5)),
    FaultSettings("restart", {"seconds": 90, "ids_back": 3}, at_seconds=13.75 * HOUR),
    FaultSettings("sunday", {"seconds": 90}, at_seconds=20 * HOUR - 60.0),
    FaultSettings("approve_login", {}, at_seconds=20 * HOUR + 150.0),
)
"""The second factor is approved two minutes after the gateway has asked for it: the event in between waits."""
GROWTH_BYTES_MAX = 100_000
"""From hour 4 to hour 24; forty events are some three hundred orders, of which nothing may stay."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What must be the same whenever all is quiet."""

    tasks: int
    clients: int
    open_records: int
    pending_entries: int
    unpublished: int
    leases: int
    holds: int


QUIET = Counts(tasks=0, clients=1, open_records=0, pending_entries=0, unpublished=0, leases=len(ACCOUNTS), holds=0)


@dataclass(slots=True)
class Day:
    """What was seen of it: each hour when all was quiet, and the memory at hours 4 and 24."""

    world: World
    counts: list[Counts] = field(default_factory=list)
    price_lines: set[int] = field(default_factory=set)
    held_bytes: list[int] = field(default_factory=list)


class Archive:
    """Takes closed events out of the store, as their retention does after days, and gives them back at the end to
    be judged."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: list[bytes] = []

    def take(self) -> None:
        """Everything that is closed; a repeat of it would be a new event from here on."""
        store = self._world.store
        closed = {key: record for key, record in store.records.items() if record.stage is Stage.CLOSED}
        self._kept.append(pickle.dumps((closed, list(store.outcomes))))
        store.outcomes.clear()
        for key in closed:
            del store.records[key]
            store.writes.pop(key, None)
        self._world.forget()

    def give_back(self) -> None:
        """In their order."""
        store = self._world.store
        records, outcomes = dict[EventKey, EventRecord](), list[dict[str, object]]()
        for packed in self._kept:
            closed, told = pickle.loads(packed)  # noqa: S301 - packed above
            records |= closed
            outcomes += told
        store.records.update({**records, **store.records})
        store.outcomes[:0] = outcomes


def event(hour: int, account: str) -> str:
    """Half of the weights move from one pair of symbols to the other each hour, so that all four are traded."""
    low, high = ("0.15", "0.34") if hour % 2 else ("0.34", "0.15")
    weights = [low, low, high, high]
    targets = [{"symbol": name, "weight": float(weight)} for name, weight in zip(SYMBOLS, weights, strict=True)]
    return event_text(account=account, targets=targets, cash={"reserve": 0.02}).replace(
        "2026-01-05-growth", f"{account}-{hour}"
    )


def counted(world: World) -> Counts:
    """What there is now."""
    store = world.store
    return Counts(
        tasks=len(asyncio.all_tasks()),
        clients=len(world.sim.reporter.clients),
        open_records=sum(record.stage is not Stage.CLOSED for record in store.records.values()),
        pending_entries=len(store.pending),
        unpublished=len(store.outbox),
        leases=len(store.leases),
        holds=len(store.pauses),
    )


def price_lines(world: World) -> int:
    """How many market data subscriptions the gateway keeps for us."""
    return sum(len(link.lines) for link in world.sim.reporter.clients if isinstance(link, SimulatedLink))


def traced() -> int:
    """Bytes that our code has allocated and that are still held."""
    gc.collect()
    ours = tracemalloc.Filter(inclusive=True, filename_pattern="*/event_processor/*")
    return sum(stat.size for stat in tracemalloc.take_snapshot().filter_traces([ours]).statistics("filename"))


async def soak() -> Day:
    """Live through the day."""
    cash = {"USD": Decimal(200_000)}
    accounts = tuple(AccountSettings(number=number, cash=cash) for number in ACCOUNTS)
    world = World(Scenario(accounts=accounts, faults=FAULTS))
    archive, day = Archive(world), Day(world)
    world.start()
    for hour in range(HOURS):
        await asyncio.sleep(hour * HOUR + 60.0 - world.now)
        for account in ACCOUNTS:
            world.publish(event(hour, account))
        await asyncio.sleep((hour + 0.95) * HOUR - world.now)
        day.counts.append(counted(world))
        day.price_lines.add(price_lines(world))
        archive.take()
        if hour + 1 in {4, HOURS}:
            day.held_bytes.append(traced())
    await world.close()
    archive.give_back()
    return day


@pytest.mark.timeout(240)
def test_a_day_leaves_nothing_behind() -> None:
    """Every event ends right by the exchange's ledger, and after each the processor is as small as after the first:
    the same tasks, subscriptions, keys and memory."""

    async def story() -> None:
        tracemalloc.start()
        try:
            day = await soak()
        finally:
            tracemalloc.stop()
        assert day.world.problems() == []
        ended = Counter(record.outcome for record in day.world.store.records.values())
        assert ended == {Outcome.COMPLETED: HOURS * len(ACCOUNTS)}
        assert set(day.counts) == {replace(QUIET, tasks=day.counts[0].tasks)}
        assert day.price_lines == {0, len(SYMBOLS)}  # none after a connection was lost, until the next event
        early, late = day.held_bytes
        assert late - early < GROWTH_BYTES_MAX

    run_virtual(story(), limit_seconds=(HOURS + 2) * HOUR)
