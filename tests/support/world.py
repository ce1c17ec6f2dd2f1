"""A complete processor in one process: real application, store and exchange in memory, one virtual time.

    async def story() -> None:
        world = World(Scenario())
        world.start()
        world.publish(event_text(account="DU1234567"))
        await world.settle()
        await world.close()
        assert not world.problems()

    run_virtual(story())

A process that dies is buried and replaced by a new one on the same store and exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import Fact
from event_processor.domain.policy import AccountRule
from event_processor.domain.record import Stage
from event_processor.errors import StoreUnavailable
from gateway_simulator.ledger import Entry
from gateway_simulator.server import Alarm
from gateway_simulator.settings import Scenario
from gateway_simulator.simulator import Simulator
from tests.support.checkers import Checkers
from tests.support.memory_store import MemoryStore, Moment
from tests.support.process import EPOCH, LEASE_SECONDS, Process

LIMIT_SECONDS = 1800.0
LOOK_SECONDS = 0.25
QUIET_SECONDS = 3.0
DOWN_SECONDS = 1.2
"""How long a dead process stays away: longer than the second in which messages are counted."""
UNTOLD = frozenset({"started", "cash", "position", "stopped"})
"""Entries of the ledger that say nothing a reader of the timeline does not see already."""


class _LoopClock:
    """The simulator's clock on the running loop's time."""

    def now(self) -> float:
        return EPOCH.timestamp() + asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class Outage:
    """The store does not answer from `at` on, for some seconds; its effect comes about when `moment` is after."""

    at: float
    seconds: float
    moment: Moment = "before"


FactHook = Callable[[Process, Fact], None]
CallHook = Callable[[Process, str, Moment], None]


def carry_on(process: Process, *what: object) -> None:
    """Nothing happens."""


class World:
    """Made inside the loop of virtual time."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int = 1,
        rules: Sequence[AccountRule] = (),
        trading: TradingSettings | None = None,
        outages: Sequence[Outage] = (),
        hold_seconds: float | None = None,
    ) -> None:
        """`hold_seconds` is how long an account stays held for review before somebody resumes it (None: nobody)."""
        self.sim = Simulator(scenario, _LoopClock(), seed=seed)
        self.store = MemoryStore(interrupt=self._interrupt)
        self.facts: list[Fact] = []
        self.on_fact: FactHook = carry_on
        self.on_call: CallHook = carry_on
        self.deaths = 0
        self._timeline: list[tuple[float, str, object]] = []
        self._seed, self._outages, self._hold_seconds = seed, tuple(outages), hold_seconds
        self._rules = tuple(rules) or _default_rules(scenario)
        self._trading = trading or TradingSettings()
        self._alarm = Alarm(self.sim)
        self.checkers = Checkers(self.sim, self.store)
        self.sim.ledger.on_entry.append(self._ledger_entry)
        self._process: Process | None = None
        self._expected = 0

    # processes

    def start(self, name: str = "processor-1") -> Process:
        """A new process on the store and the exchange as they are."""
        self._process = Process(
            name,
            self.store.client(name, LEASE_SECONDS),
            self.sim,
            rules=self._rules,
            trading=self._trading,
            on_fact=self._fact,
            on_place=self.checkers.placing,
            jitter_seed=self._seed * 1000 + self.deaths,
        )
        return self._process

    async def restart(self) -> None:
        """Bury the dead process and, after a moment, start a fresh one."""
        assert self._process is not None
        self.tell("world", "the process died")
        await self._process.buried()
        self.deaths += 1
        await asyncio.sleep(DOWN_SECONDS)
        self.tell("world", "a fresh process starts")
        self.start()

    def publish(self, body: str) -> None:
        """Append an event to the stream."""
        self.tell("producer", "publishes an event")
        self.store.publish(body)

    def expects(self, entries: int) -> None:
        """How many entries will have been published before the run can be over."""
        self._expected = entries

    # the run

    async def settle(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        """Until everything published is finished with and some quiet time has passed; deaths are followed by
        restarts. TimeoutError when something hangs."""
        quiet_since: float | None = None
        async with asyncio.timeout(limit_seconds):
            while quiet_since is None or self.now - quiet_since < QUIET_SECONDS:
                await self._look_after_process()
                self._resume_held()
                if not self.finished:
                    quiet_since = None
                elif quiet_since is None:
                    quiet_since = self.now

    async def _look_after_process(self) -> None:
        process = self._process
        assert process is not None
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await process.died.wait()
        except TimeoutError:
            if process.ended:
                process.result()
                raise AssertionError("the processor stopped by itself") from None
        else:
            await self.restart()

    def _resume_held(self) -> None:
        if self._hold_seconds is None:
            return
        for key, pause in tuple(self.store.pauses.items()):
            if (EPOCH.timestamp() + self.now) - pause.at.timestamp() >= self._hold_seconds:
                self.tell("operator", f"resumes {pause.scope}")
                del self.store.pauses[key]

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do: no entry, no open record, no unpublished outcome."""
        store = self.store
        if len(store.entries) < self._expected:
            return False
        if len(store.delivered) < len(store.entries) or store.pending or store.outbox:
            return False
        return all(record.stage is Stage.CLOSED for record in store.records.values())

    @property
    def now(self) -> float:
        """Virtual seconds since the start."""
        return asyncio.get_running_loop().time()

    async def close(self) -> None:
        """Stop the process in good order, or bury it when it dies doing so."""
        process = self._process
        assert process is not None
        try:
            await process.stopped()
        except BaseException:
            if not process.killed:
                raise
            await process.buried()
        self._alarm.stop()

    def problems(self) -> list[str]:
        """What was done wrong, by the exchange's ledger and the store."""
        return self.checkers.verdict()

    # what happens

    def _fact(self, process: Process, fact: Fact) -> None:
        self.facts.append(fact)
        self.tell(process.name, fact)
        self.checkers.fact(fact)
        self.on_fact(process, fact)

    def _ledger_entry(self, entry: Entry) -> None:
        if entry["kind"] not in UNTOLD:
            self.tell("exchange", entry)

    async def _interrupt(self, call: str, moment: Moment) -> None:
        if self._process is not None:
            self.on_call(self._process, call, moment)
        for outage in self._outages:
            if outage.moment == moment and outage.at <= self.now < outage.at + outage.seconds:
                self.tell("store", f"does not answer {call} ({moment} its effect)")
                raise StoreUnavailable(f"no answer to {call}")
        if call == "acknowledge" and moment == "after":
            self.checkers.acknowledged()

    def tell(self, who: str, what: object) -> None:
        """Add a line to the timeline."""
        self._timeline.append((self.now, who, what))

    def timeline(self) -> list[str]:
        """The run, line by line, for a person."""
        return [f"{at:10.4f}  {who:<12} {_words(what)}" for at, who, what in self._timeline]


def _default_rules(scenario: Scenario) -> tuple[AccountRule, ...]:
    return tuple(AccountRule(account.number, account.number, armed=True) for account in scenario.accounts)


def _words(what: object) -> str:
    if isinstance(what, Fact):
        named = {field.name: getattr(what, field.name) for field in fields(what)}
        hidden = {"key", "summary", "advice", "account", "event_id"}
        return f"{what.name} " + " ".join(f"{name}={value}" for name, value in named.items() if name not in hidden)
    if isinstance(what, dict):
        hidden = {"seq", "time", "kind", "conId", "secType", "currency", "tif", "clientId", "averageCost", "exchange"}
        rest = " ".join(f"{k}={v}" for k, v in what.items() if k not in hidden and v not in (None, ""))
        return f"{what['kind']} {rest}"
    return str(what)
