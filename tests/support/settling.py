"""A processor in virtual time, and a person in front of it who settles what it could not prove."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from event_processor.application.commands import answer
from event_processor.domain.event import RebalanceEvent, event_json
from event_processor.domain.ids import AccountId, EntryId
from event_processor.domain.record import EventRecord
from gateway_simulator.settings import FaultSettings, Scenario
from tests.support.builders import event_text
from tests.support.memory_state import Moment
from tests.support.virtual_time import run_virtual
from tests.support.world import World

ACCOUNT = AccountId("DU1234567")
BY_HAND = FaultSettings("manual_order", {"symbol": "SPY", "side": "BUY", "quantity": "5"}, at_seconds=8)
LOST_AND_UNEXPLAINED = (FaultSettings("order", {"swallow": True, "symbol": "SPY", "count": 1}), BY_HAND)
"""The order never reached the exchange, and a trade by hand moved the position: absence cannot be proven."""
FILLED_AND_UNEXPLAINED = (FaultSettings("order", {"fill_delay_ms": 9000}), BY_HAND)
Played = Callable[["Scene"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it comes from the command line."""

    name: str
    arguments: dict[str, Any]
    command_id: str = "1"


class Scene:
    """A processor in virtual time, and a person in front of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.process = world.start()
        self.published: list[RebalanceEvent] = []

    async def publish(self, event: RebalanceEvent) -> EntryId:
        """`ports.Events`: onto the stream, as Redis does."""
        self.published.append(event)
        self.world.publish(event_json(event))
        return EntryId("0-0")

    async def ask(self, name: str, **arguments: object) -> dict[str, Any]:
        return await answer(self.process.desk, self, Asked(name, arguments))

    async def settle(self, resolution: str, subject: str) -> dict[str, Any]:
        return await self.ask("settle", account=ACCOUNT, resolution=resolution, subject=subject, by="ann")

    async def account(self) -> dict[str, Any]:
        [shown] = (await self.ask("reconcile", account=ACCOUNT))["accounts"]
        found: dict[str, Any] = shown
        return found

    def meanwhile(self, happens: Callable[[str, str], None]) -> None:
        """What somebody else does just before or after a call of the store; it is told the call and the moment."""
        before = self.world.store.interrupt

        async def interrupt(call: str, moment: Moment) -> None:
            happens(call, moment)
            await before(call, moment)

        self.world.store.interrupt = interrupt

    @property
    def records(self) -> list[EventRecord]:
        return list(self.world.store.records.values())

    @property
    def ref(self) -> str:
        """The order in doubt."""
        [intent] = self.records[0].intents
        return str(intent.ref)

    @property
    def held(self) -> bool:
        return (ACCOUNT, True) in self.world.store.pauses

    def spy(self) -> Decimal:
        """What the exchange says is held."""
        entries = [e for e in self.world.sim.ledger.of("position") if e["account"] == ACCOUNT]
        return Decimal(str(entries[-1]["quantity"])) if entries else Decimal(0)


def played(story: Played, *faults: FaultSettings, **data: object) -> None:
    """One event that asks for 20 SPY, to its end; then the story."""

    async def run() -> None:
        world = World(Scenario(faults=faults))
        scene = Scene(world)
        asked = {"targets": [{"symbol": "SPY", "quantity": 20}], "completeness": "partial"}
        world.publish(event_text(account=ACCOUNT, **{**asked, **data}))
        await world.settle()
        await story(scene)
        await world.close()
        assert world.problems() == []

    run_virtual(run(), limit_seconds=4000)
