"""Measures the product and shows tables: `python -m benchmarks [PART ...]`.

Without a part everything is measured and docs/reference/benchmarks.md is written. Each part starts its own Redis,
gateway simulator and processor; nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

from redis import Redis
from rich.console import Console

from benchmarks.queues import QUEUED, many_accounts, queues
from benchmarks.rebalancing import SIZES, rebalancing
from benchmarks.recovery import memory, recovery
from benchmarks.safety import safety
from benchmarks.tables import Table
from event_processor.entrypoints.demo.redis_server import RedisServer

WIDTH_MIN = 130
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

Measured by `make bench`, which wrote this page on {date}: {machine}, Python {python}, Redis {redis} with
`appendfsync always`, ib_async {ib_async}. Redis, gateway simulator and processor share the machine. There is no
network between them, so that what is measured is the product and IBKR's pace (45 messages a second by default, here
as in ib_async), not somebody's line. Times depend on the machine; no test asserts one.

"""


def main() -> None:
    """Run the parts named, or all of them."""
    words = _words()
    parts: dict[str, Callable[[], Iterable[Table]]] = {
        "rebalancing": partial(rebalancing, words.sizes),
        "safety": safety,
        "recovery": recovery,
        "memory": memory,
        "accounts": many_accounts,
        "queues": partial(queues, words.queued),
    }
    console = Console(width=max(Console().width, WIDTH_MIN))
    tables = []
    for name in words.parts or parts:
        for table in parts[name]():
            table.show(console)
            tables.append(table)
    if not words.parts:
        PAGE.write_text(page(tables), encoding="utf-8")
        console.print(f"wrote {PAGE}")


def page(tables: Iterable[Table]) -> str:
    """The reference page."""
    with RedisServer() as server, Redis.from_url(server.url, decode_responses=True) as client:
        redis = client.info("server")["redis_version"]
    introduction = INTRODUCTION.format(
        date=datetime.now(UTC).date().isoformat(),
        machine=f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        python=platform.python_version(),
        redis=redis,
        ib_async=version("ib_async"),
    )
    return introduction + "\n".join(table.markdown() for table in tables)


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parts = ("rebalancing", "safety", "recovery", "memory", "accounts", "queues")
    parser.add_argument("parts", nargs="*", choices=[[], *parts], metavar="PART", help=", ".join(parts))
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="N", help="symbols per event")
    parser.add_argument("--queued", type=int, default=QUEUED, metavar="N", help="events in a long queue")
    return parser.parse_args()


if __name__ == "__main__":
    main()
