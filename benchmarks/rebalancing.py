"""From a published event to its orders and fills, beside a straight script that places the same orders."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from benchmarks.tables import Table, milliseconds
from benchmarks.world import Shape, accounts, messages_sent, orders_of, scenario, stack
from event_processor.adapters.ibkr.options import IbkrSettings
from tests.support.processes import RunningProcess
from tests.support.stack import Stack

CLIENT_ID = 17
SIZES = (5, 20, 100, 400)
FLOORS = ("known", "quotes", "cold")
IDLE_SECONDS = 1.5
"""Between two runs, so that no message of one counts against the pace of the next."""
SECONDS_MAX = 120.0
REPEATED_UP_TO = 100
REPEATS = 3

HEAD = (
    "Symbols",
    "Contestant",
    "First order",
    "Last fill",
    "Against its floor",
    "Messages",
    "Messages an order",
)
NOTE = (
    "Times run from the event's publication (for the script: from the start of its work) to the simulator's ledger, "
    "which acknowledges after 5 ms and fills 30 ms later; medians of {repeats} runs up to {repeated} symbols. "
    "*Warm*: the processor has had an event with these symbols before; its floor is the script that knows contracts "
    "and prices. *Cold*: the first event ever; its floor is the script that looks everything up. The script sells "
    "first and buys when all is sold.\n\n"
    "The processor sends one message more than its orders need: it lists the open orders of all clients once for each"
    " event. The gateway tells a client of nobody's orders but its own, and a plan that does not know of an order "
    "placed by hand would trade against it ([decision 0027](../decisions/0027-one-look-an-event.md); "
    "`foreign_orders: ignore` in the accounts file saves the message). Nothing else is asked: what the journal and the "
    "standing reports say is believed until something is in doubt. Where the "
    "{lines} market data lines of the default (`IB_MARKET_DATA_LINES`) do not reach for all symbols, the prices of the "
    "others are fetched by snapshot."
)


@dataclass(frozen=True, slots=True)
class Took:
    """One run: seconds to the first order and the last fill, orders and messages sent."""

    first: float
    last: float
    orders: int
    messages: int


def rebalancing(sizes: Sequence[int] = SIZES) -> Iterable[Table]:
    """Every size, from cash and mixed, cold and warm, with its floors."""
    shapes = [Shape(size, mixed) for size in sizes for mixed in (False, True)]
    rows = [row for shape in shapes for row in compare(shape)]
    note = NOTE.format(repeats=REPEATS, repeated=REPEATED_UP_TO, lines=IbkrSettings().market_data_lines)
    yield Table("Event to orders", note, HEAD, rows)


def compare(shape: Shape) -> Iterable[Sequence[str]]:
    """The rows of one shape: product and floors, all at one simulator, each with an account of its own."""
    repeats = REPEATS if shape.symbols <= REPEATED_UP_TO else 1
    names = accounts(1 + repeats * (1 + len(FLOORS)))
    with stack(scenario(shape, len(names))) as running:
        cold = rebalance(running, shape, names.pop())
        model = orders_of(running, accounts(len(names) + 1)[-1])
        warm = median([rebalance(running, shape, names.pop()) for _ in range(repeats)])
        running.processor.kill()
        floors = {
            mode: median([straight(running, mode, model, names.pop()) for _ in range(repeats)]) for mode in FLOORS
        }
    yield _row(shape, "processor, warm", warm, floors["known"])
    yield _row(shape, "processor, cold", cold, floors["cold"])
    for mode, took in floors.items():
        yield _row(shape, f"script, {mode}", took, None)


def rebalance(running: Stack, shape: Shape, account: str) -> Took:
    """Publish one event for an account that has had none, and wait for its end."""
    time.sleep(IDLE_SECONDS)
    before, began = messages_sent(running, CLIENT_ID), time.time()
    running.publish(f"event-{account}", shape.weights, account=account)
    outcome = running.wait_final(f"event-{account}", seconds=SECONDS_MAX)
    if outcome["outcome"] not in {"completed", "completed_adjusted"}:
        raise RuntimeError(running.story(f"{shape}: {outcome}"))
    return _took(running, account, began, messages_sent(running, CLIENT_ID) - before)


def straight(running: Stack, mode: str, model: Sequence[Mapping[str, object]], account: str) -> Took:
    """Let the script place the same orders in another account."""
    orders = [{"symbol": o["symbol"], "side": o["side"], "quantity": o["quantity"], "account": account} for o in model]
    file = running.folder / f"floor-{account}.json"
    file.write_text(json.dumps(orders), encoding="utf-8")
    words = [sys.executable, "-m", "benchmarks.floor", str(running.port), mode, str(file)]
    with RunningProcess(words, running.folder / f"floor-{account}.log") as script:
        if script.wait(SECONDS_MAX):
            raise RuntimeError("\n".join(script.lines))
        said = json.loads(script.lines[-1])
    return _took(running, account, said["began"], said["messages"])


def median(runs: Sequence[Took]) -> Took:
    """Each figure's median."""
    return Took(
        first=statistics.median(run.first for run in runs),
        last=statistics.median(run.last for run in runs),
        orders=runs[0].orders,
        messages=int(statistics.median(run.messages for run in runs)),
    )


def seconds_of(entry: Mapping[str, object]) -> float:
    """When a ledger entry was written, seconds since 1970."""
    return datetime.fromisoformat(str(entry["time"])).timestamp()


def _took(running: Stack, account: str, began: float, messages: int) -> Took:
    orders, fills = orders_of(running, account), running.ledger("execution", account=account)
    return Took(seconds_of(orders[0]) - began, seconds_of(fills[-1]) - began, len(orders), messages)


def _row(shape: Shape, who: str, took: Took, floor: Took | None) -> Sequence[str]:
    against = f"{took.last / floor.last:.2f} x" if floor else ""
    each = f"{took.messages / took.orders:.2f}"
    times = (milliseconds(took.first), milliseconds(took.last))
    return (str(shape), who, *times, against, str(took.messages), each)
