"""How soon it trades: after its start, after a drop, after a competing session, after SIGKILL. And its memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rebalancing import REPEATS, rebalance, seconds_of
from benchmarks.tables import Table, milliseconds
from benchmarks.world import Shape, accounts, scenario, stack
from tests.support.processes import RunningProcess
from tests.support.stack import Stack

AWAY_SECONDS = 4.0
AMID_ORDERS = 30
MANY = Shape(100, mixed=False)
SHAPE = Shape(10, mixed=False)
LARGE = Shape(400, mixed=False)
MEGABYTE = 1024
HEAD = ("What", "Median", "Worst", "Goal")


def recovery() -> Iterable[Table]:
    """Times to trading, each from the moment at which trading was possible again."""
    cases: tuple[tuple[str, Callable[[], float], str], ...] = (
        ("process started -> ready", started, ""),
        ("gateway back after a drop -> first order of a waiting event", dropped, "< 2 s"),
        ("gateway back after a drop amid 100 orders -> first resumed order", interrupted, "< 2 s"),
        ("owner logged out after a competing session -> first order of a waiting event", contended, "< 2 s"),
        ("new process after SIGKILL amid 100 orders -> first resumed order", killed, ""),
    )
    rows = []
    for what, measure, goal in cases:
        taken = [measure() for _ in range(REPEATS)]
        rows.append((what, milliseconds(statistics.median(taken)), milliseconds(max(taken)), goal))
    note = (
        f"Medians of {REPEATS} runs. The gateway is away for {AWAY_SECONDS:.0f} s; its return is the simulator's. "
        "A new process sends nothing before the broker has had the visibility delay (`VISIBILITY_DELAY_SECONDS`, "
        "5 s) to show what the one before it sent in its last moment: a store that lost its last writes would not "
        "know of it."
    )
    yield Table("Start and recovery", note, HEAD, rows)


def memory() -> Iterable[Table]:
    """Resident memory of the processor, idle and at its highest."""
    with stack(scenario(LARGE)) as running:
        idle = resident(running.processor, "VmRSS")
        rebalance(running, LARGE, *accounts(1))
        rows = [
            ("idle, session ready", f"{idle:.0f} MB", ""),
            ("highest during 400 symbols, cold", f"{resident(running.processor, 'VmHWM'):.0f} MB", "< 120 MB"),
        ]
    yield Table("Memory", "Resident memory of the processor.", ("When", "Resident", "Goal"), rows)


def resident(process: RunningProcess, kind: str) -> float:
    """VmRSS (now) or VmHWM (the highest so far) of a process, in MB."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / MEGABYTE


def started() -> float:
    """Seconds from starting the process to a session that may trade."""
    with stack(scenario(SHAPE), started=False) as running:
        began = time.monotonic()
        running.start()
        running.wait_session("ready")
        return time.monotonic() - began


def dropped() -> float:
    """Seconds from the gateway's return to the first order of an event that came meanwhile."""
    with stack(scenario(SHAPE)) as running:
        running.control("refuse")
        running.control("drop")
        return _waiting_event(running, lambda: running.control("open"))


def contended() -> float:
    """Seconds from the competing login's end to the first order of an event that came meanwhile."""
    with stack(scenario(SHAPE)) as running:
        running.control("compete")
        return _waiting_event(running, lambda: running.control("owner_leaves"))


def interrupted() -> float:
    """Seconds from the gateway's return to the first order that had not left before the drop."""
    with _amid_orders() as running:
        running.control("refuse")
        running.control("drop")
        return _resumed(running, AWAY_SECONDS, lambda: running.control("open"))


def killed() -> float:
    """Seconds from starting a new process to the first order that its predecessor could not send."""
    with _amid_orders() as running:
        running.processor.kill()
        return _resumed(running, 0, running.start)


@contextmanager
def _amid_orders() -> Iterator[Stack]:
    with stack(scenario(MANY)) as running:
        running.publish("event", MANY.weights, account=accounts(1)[0])
        running.wait_ledger("order_received", AMID_ORDERS)
        yield running


def _resumed(running: Stack, away: float, back: Callable[[], object]) -> float:
    time.sleep(away)
    sent, began = len(running.ledger("order_received")), time.time()
    back()
    return seconds_of(running.wait_ledger("order_received", sent + 1)[sent]) - began


def _waiting_event(running: Stack, back: Callable[[], object]) -> float:
    running.publish("event", SHAPE.weights, account=accounts(1)[0])
    running.wait_outcome("event", "accepted")
    return _resumed(running, AWAY_SECONDS, back)
