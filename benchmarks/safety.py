"""What it costs to write everything down first: durable writes, and their share of the time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence

from benchmarks.rebalancing import IDLE_SECONDS, REPEATS, Took, median, rebalance
from benchmarks.tables import Table, milliseconds
from benchmarks.world import Shape, accounts, scenario, stack
from tests.support.stack import Stack

SIZES = (20, 100)
WRITES_TIMED = 200
SCRIPTS = ("evalsha", "eval")
"""Every write of the journal is one script; so are taking and renewing leases."""

NOTE = (
    "Warm, from cash. *Durable writes* are the scripts Redis ran from publication to the end of the event: accept, "
    "lease, plan with all intents, one for each batch of orders and for each handful of reports, close. The same runs "
    "with `appendfsync no` show what waiting for the disk takes. One durable write by itself takes {write} here."
)


def safety() -> Iterable[Table]:
    """Durable writes, counted, and what they take."""
    rows = []
    write = 0.0
    for size in SIZES:
        shape = Shape(size, mixed=False)
        names = accounts(2 + 2 * REPEATS)
        with stack(scenario(shape, len(names))) as running:
            write = one_write(running)
            rebalance(running, shape, names.pop())
            writes = _writes(running, shape, names.pop())
            runs = {}
            for fsync in ("always", "no"):
                running.redis.config_set("appendfsync", fsync)
                runs[fsync] = median([rebalance(running, shape, names.pop()) for _ in range(REPEATS)])
        rows.append(_row(size, writes, runs["always"], runs["no"]))
    head = ("Orders", "Durable writes", "Writes an order", "First order", "without fsync", "Last fill", "without fsync")
    yield Table("Cost of safety", NOTE.format(write=f"{write * 1000:.1f} ms"), head, rows)


def one_write(running: Stack) -> float:
    """Seconds of one small durable write, round trip included; median."""
    taken = []
    for number in range(WRITES_TIMED):
        began = time.perf_counter()
        running.redis.set("benchmark", number)
        taken.append(time.perf_counter() - began)
    running.redis.delete("benchmark")
    return statistics.median(taken)


def _writes(running: Stack, shape: Shape, account: str) -> int:
    before = _scripts(running)
    rebalance(running, shape, account)
    return _scripts(running) - before


def _scripts(running: Stack) -> int:
    time.sleep(IDLE_SECONDS / 3)
    stats = running.redis.info("commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in SCRIPTS)


def _row(size: int, writes: int, safe: Took, fast: Took) -> Sequence[str]:
    times = (milliseconds(seconds) for seconds in (safe.first, fast.first, safe.last, fast.last))
    return (str(size), str(writes), f"{writes / size:.2f}", *times)
