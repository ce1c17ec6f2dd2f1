"""Whole runs in one call: a scenario, events, deaths; out comes the world as it was left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from event_processor.domain.facts import Fact
from event_processor.domain.record import EventRecord, Outcome
from gateway_simulator.settings import AccountSettings, FaultSettings, HoldingSettings, Latency, Scenario
from tests.support.builders import event_text
from tests.support.memory_store import Moment
from tests.support.process import Process
from tests.support.simulated_trouble import CHANGES
from tests.support.virtual_time import run_virtual
from tests.support.world import LIMIT_SECONDS, CallHook, World, carry_on

ACCOUNT = "DU1234567"
VIRTUAL_SECONDS_MAX = LIMIT_SECONDS * 2
SELLING = {"SPY": 60, "AAPL": 120, "QQQ": 40, "JPM": 90}
BUYING = ("TLT", "GLD", "IEF", "KO")
WEIGHTS = {"SPY": 0.1, "AAPL": 0.05, "QQQ": 0.05, "JPM": 0.1, "TLT": 0.25, "GLD": 0.15, "IEF": 0.2, "KO": 0.1}


@dataclass(slots=True)
class Ending:
    """How a run ended: what was wrong, what happened, and the exchange's truth."""

    problems: list[str]
    tell: Callable[[], list[str]]
    facts: int
    records: list[EventRecord]
    positions: dict[str, Decimal]
    refs: list[str]

    @property
    def timeline(self) -> list[str]:
        """The run, line by line."""
        return self.tell()

    @property
    def outcomes(self) -> list[Outcome | None]:
        """The final outcomes, in the order in which the events were accepted."""
        return [record.outcome for record in self.records]

    def __str__(self) -> str:
        return "\n".join([*self.timeline, "", *(f"WRONG: {problem}" for problem in self.problems)])


class DeathAt:
    """Kills the process right after the facts with these numbers, counted anew after each death."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = list(numbers)
        self._seen = 0

    def __call__(self, process: Process, fact: Fact) -> None:
        self._seen += 1
        if self._numbers and self._seen == self._numbers[0]:
            del self._numbers[0]
            self._seen = 0
            process.kill()


class DeathAtCall:
    """Kills the process at its nth call that changes the store: before its effect, or after it and before the
    answer."""

    def __init__(self, number: int, moment: Moment) -> None:
        self._number, self._moment = number, moment
        self.seen = 0

    def __call__(self, process: Process, call: str, moment: Moment) -> None:
        if call in CHANGES and moment == self._moment:
            self.seen += 1
            if self.seen == self._number:
                process.kill()


def play(
    make: Callable[[], World],
    events: Sequence[tuple[float, str]],
    *deaths: int,
    at_call: CallHook = carry_on,
) -> Ending:
    """Publish the events, each so many seconds after the start, and see the run through to its end."""
    worlds: list[World] = []

    async def story() -> None:
        world = make()
        worlds.append(world)
        world.on_fact, world.on_call = DeathAt(*deaths), at_call
        world.start()
        world.trouble_begins()
        for at, body in events:
            asyncio.get_running_loop().call_at(at, world.publish, body)
        world.expects(len(events))
        await world.settle()
        await world.close()

    failure: list[str] = []
    try:
        run_virtual(story(), limit_seconds=VIRTUAL_SECONDS_MAX)
    except Exception as error:  # noqa: BLE001 - a run that hangs or breaks is a finding like any other
        failure = [f"the run broke: {error!r}"]
    world = worlds[0]
    return Ending(
        problems=failure + world.problems(),
        tell=world.timeline,
        facts=len(world.facts),
        records=list(world.store.records.values()),
        positions=world.sim.ledger.positions(ACCOUNT),
        refs=sorted(world.sim.ledger.orders_by_ref()),
    )


def mixed(*faults: FaultSettings, latency: Latency | None = None) -> Scenario:
    """An account with four holdings to sell and four contracts to buy with what the sales bring."""
    holdings = tuple(HoldingSettings(s, Decimal(q), Decimal(7)) for s, q in SELLING.items())
    account = AccountSettings(number=ACCOUNT, cash={"USD": Decimal(2_000)}, holdings=holdings)
    return Scenario(name="mixed", accounts=(account,), faults=faults, latency=latency or Latency())


def mixed_event() -> str:
    """The event that asks for `WEIGHTS`."""
    targets = [{"symbol": symbol, "weight": weight} for symbol, weight in WEIGHTS.items()]
    return event_text(account=ACCOUNT, targets=targets)
