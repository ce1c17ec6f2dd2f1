"""Many events at once: a long queue of repeats and superseded events, and many accounts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence

from benchmarks.rebalancing import CLIENT_ID, IDLE_SECONDS, SECONDS_MAX, seconds_of
from benchmarks.recovery import resident
from benchmarks.tables import Table
from benchmarks.world import Shape, accounts, messages_sent, scenario, stack
from tests.support.stack import EVENTS, Stack, envelope

QUEUED = 10_000
PAGE = 500
ACCOUNTS = 50
SHAPE = Shape(10, mixed=False)
DRAIN_SECONDS_MAX = 600.0
LOOK_SECONDS = 0.1


def queues(queued: int = QUEUED) -> Iterable[Table]:
    """A queue of repeats, and one of events of which only the last counts."""
    rows = [_drained("repeats of a closed event", queued, same=True)]
    rows.append(_drained("events of one account, each superseding the last", queued, same=False))
    head = ("Queued", "Events", "Drained in", "Events a second", "Memory before", "Highest memory")
    note = (
        "Put on the stream while the processor is down; drained when every entry is acknowledged. Memory is the "
        "processor's resident memory, before: idle and ready."
    )
    yield Table("Long queues", note, head, rows)


def many_accounts() -> Iterable[Table]:
    """An event for each of many accounts at the same moment, all through one gateway."""
    names = accounts(ACCOUNTS)
    with stack(scenario(SHAPE, ACCOUNTS)) as running:
        running.wait_session("ready")
        time.sleep(IDLE_SECONDS)
        before, began = messages_sent(running, CLIENT_ID), time.time()
        _publish(running, [(f"event-{name}", name) for name in names])
        for name in names:
            running.wait_final(f"event-{name}", seconds=SECONDS_MAX)
        sent = messages_sent(running, CLIENT_ID) - before
        orders, fills = running.ledger("order_received"), running.ledger("execution")
    row = (
        str(ACCOUNTS),
        str(len(orders)),
        f"{seconds_of(orders[0]) - began:.2f} s",
        f"{seconds_of(fills[-1]) - began:.1f} s",
        str(sent),
        f"{sent / (seconds_of(fills[-1]) - began):.0f}",
    )
    head = ("Accounts", "Orders", "First order", "Last fill", "Messages", "Messages a second")
    yield Table("Many accounts", "Ten symbols each, from cash and cold; the pace is 45 messages a second.", head, [row])


def _drained(what: str, queued: int, *, same: bool) -> Sequence[str]:
    account = accounts(1)[0]
    with stack(scenario(SHAPE)) as running:
        _publish(running, [("event-0", account)])
        running.wait_final("event-0")
        before = resident(running.processor, "VmRSS")
        running.processor.kill()
        _publish(running, [("event-0" if same else f"event-{number}", account) for number in range(1, queued + 1)])
        running.start()
        began = running.wait_session("ready")["timestamp"]
        seconds = _drain(running, seconds_of({"time": began}))
        highest = resident(running.processor, "VmHWM")
    rate = f"{queued / seconds:,.0f}"
    return (what, f"{queued:,}", f"{seconds:.1f} s", rate, f"{before:.0f} MB", f"{highest:.0f} MB")


def _publish(running: Stack, events: Sequence[tuple[str, str]]) -> None:
    for start in range(0, len(events), PAGE):
        with running.redis.pipeline(transaction=False) as pipeline:
            for event_id, account in events[start : start + PAGE]:
                body = envelope(event_id, SHAPE.weights, account=account)
                pipeline.xadd(EVENTS, {"event": json.dumps(body)})
            pipeline.execute()


def _drain(running: Stack, began: float) -> float:
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    last = running.redis.xinfo_stream(EVENTS)["last-generated-id"]
    while True:
        group = running.redis.xinfo_groups(EVENTS)[0]
        if group["last-delivered-id"] == last and group["pending"] == 0:
            return time.time() - began
        if time.monotonic() > deadline:
            raise RuntimeError(f"not drained in {DRAIN_SECONDS_MAX} s: {group}")
        time.sleep(LOOK_SECONDS)
