"""The demo from start to verdict: publish one event, watch it to its end, judge by the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.views import RedisViews
from event_processor.domain.event import RebalanceEvent, new_event
from event_processor.entrypoints.demo.child import DemoFailed
from event_processor.entrypoints.demo.ledger import Ledger, read_ledger
from event_processor.entrypoints.demo.scene import Scene
from event_processor.entrypoints.demo.stack import Stack
from event_processor.entrypoints.streams import outcomes_of, publish

LOOK_SECONDS = 0.1
AFTERMATH_SECONDS = 1.0
"""How long to look on after the event is final: a second final state would show by then."""
WAITED_ENOUGH_SECONDS = 20.0
"""An event that has waited so long for the same thing, with nothing placed, is taken to go on waiting."""

WEIGHTS = {
    "SPY": "0.24",
    "QQQ": "0.15",
    "TLT": "0.20",
    "BND": "0.10",
    "VWO": "0.07",
    "GLD": "0.06",
    "VEA": "0.05",
    "EFA": "0.05",
    "VNQ": "0.03",
    "IEF": "0.02",
}
RESERVE = "0.03"


class Stage(Protocol):
    """Where the demo is shown."""

    def show(self, scene: Scene) -> None:
        """Show the scene as it is now."""


async def perform(stack: Stack, seconds: float, stage: Stage) -> Scene:
    """Publish the event once the processor tells of itself, and watch until it is final, waits for good,
    or time is up; the last scene.

    Raises `DemoFailed` when a process ends, StoreUnavailable when Redis does.
    """
    clock = SystemClock()
    async with RedisLink(stack.redis_url) as link:
        event = demo_event(read_ledger(stack.ledger_file))
        published = False
        started = changed = clock.monotonic()
        before = Scene()
        while True:
            stack.check()
            now = clock.monotonic()
            scene = await _look(stack, link, event, now - started)
            stage.show(scene)
            if scene.session and not published:
                await publish(link, event)
                published = True
            if _moved(before, scene):
                changed = now
            if _over(scene, now - changed) or scene.seconds >= seconds:
                return scene
            before = scene
            await asyncio.sleep(LOOK_SECONDS)


def demo_event(ledger: Ledger) -> RebalanceEvent:
    """Ten funds and a cash reserve, for the first account of the ledger; whatever else it holds is sold."""
    if ledger.account is None:
        raise DemoFailed("the simulator's ledger names no account")
    now = SystemClock().now()
    data: Mapping[str, Any] = {
        "account": ledger.account,
        "targets": [{"symbol": symbol, "weight": Decimal(weight)} for symbol, weight in WEIGHTS.items()],
        "cash": {"reserve": Decimal(RESERVE)},
        "untargeted": "liquidate",
        "reason": "the demo",
    }
    return new_event(event_id=f"demo-{now:%H%M%S}", source="/rebalancer/demo", time=now, data=data)


async def _look(stack: Stack, link: RedisLink, event: RebalanceEvent, seconds: float) -> Scene:
    views = RedisViews(link)
    return Scene(
        seconds=seconds,
        status=next(iter(await views.statuses()), {}),
        record=await views.event(event.key),
        timeline=await views.read_timeline(event.key),
        finals={told.envelope_id: told.kind for told in await outcomes_of(link, event) if told.final},
        ledger=read_ledger(stack.ledger_file),
    )


def _moved(before: Scene, after: Scene) -> bool:
    """Whether anything happened that the end of the demo has to wait for."""
    same = (before.record, before.finals, before.waits_for) == (after.record, after.finals, after.waits_for)
    return not same or len(before.ledger.accepted()) != len(after.ledger.accepted())


def _over(scene: Scene, quiet_seconds: float) -> bool:
    if scene.closed:
        return quiet_seconds >= AFTERMATH_SECONDS
    waits = bool(scene.waits_for) and not scene.passing and not scene.ledger.accepted()
    return waits and quiet_seconds >= WAITED_ENOUGH_SECONDS
