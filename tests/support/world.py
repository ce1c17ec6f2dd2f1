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
from dataclasses import fields

from event_processor.application.desk import TradingSettings
from event_processor.domain.facts import Fact
from event_processor.domain.policy import AccountRule
from event_processor.domain.record import Stage
from event_processor.domain.weekly import GatewayHours
from event_processor.ports import Pause
from gateway_simulator.ledger import Entry
from gateway_simulator.server import Alarm
from gateway_simulator.settings import Scenario
from gateway_simulator.simulator import Simulator
from tests.support.checkers import Checkers
from tests.support.memory_store import MemoryStore, Moment
from tests.support.process import CALLER, CLIENT_ID, EPOCH, LEASE_SECONDS, Process, VirtualClock
from tests.support.simulated_trouble import Jump, Stop, StoreFaults, Trouble

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
        trouble: Trouble | None = None,
        hold_seconds: float | None = None,
        hours: GatewayHours | None = None,
    ) -> None:
        """`hold_seconds` is how long an account stays held for review before somebody resumes it (None: nobody)."""
        self.sim = Simulator(scenario, _LoopClock(), seed=seed)
        self.store = MemoryStore(interrupt=self._interrupt)
        self.clock = VirtualClock()
        self.facts: list[Fact] = []
        self.on_fact: FactHook = carry_on
        self.on_call: CallHook = carry_on
        self.deaths = 0
        self._timeline: list[tuple[float, str, object]] = []
        self._trouble = trouble or Trouble()
        self._faults = StoreFaults(self._trouble, self.tell)
        self._seed, self._hold_seconds, self._hours = seed, hold_seconds, hours or GatewayHours()
        self._rules = tuple(rules) or _default_rules(scenario)
        self._trading = trading or TradingSettings()
        self._alarm = Alarm(self.sim)
        self.checkers = Checkers(self.sim, self.store, forgetful=self._trouble.lost_write > 0, hours=self._hours)
        self.checkers.clock_jumps = bool(self._trouble.jumps)
        self.sim.ledger.on_entry.append(self._ledger_entry)
        self._processes: list[Process] = []
        self._expected = 0

    # processes

    def start(self, name: str = "processor-1", client_id: int = CLIENT_ID) -> Process:
        """A new process on the store and the exchange as they are."""
        process = Process(
            name,
            self.store.client(name, LEASE_SECONDS),
            self.sim,
            rules=self._rules,
            trading=self._trading,
            on_fact=self._fact,
            on_place=self.checkers.placing,
            on_look=self.checkers.looked,
            clock=self.clock,
            hours=self._hours,
            client_id=client_id,
            jitter_seed=self._seed * 1000 + self.deaths,
        )
        self._processes.append(process)
        return process

    def trouble_begins(self) -> None:
        """From now on the trouble comes about, each piece at its second."""
        loop, trouble = asyncio.get_running_loop(), self._trouble
        for second in trouble.seconds:
            loop.call_at(second.at, self._start_another, second.name, second.client_id)
        for jump in trouble.jumps:
            loop.call_at(jump.at, self._jump, jump)
        for stop in trouble.stops:
            loop.call_at(stop.at, self._pause, stop)
            loop.call_at(stop.at + stop.seconds, self._resume, stop)

    def _start_another(self, name: str, client_id: int) -> None:
        self.tell("world", f"another processor starts: {name}, client id {client_id}")
        if any(process.client_id == client_id for process in self._processes):
            self.checkers.sharing_client_id = 2
        self.start(name, client_id)

    def _jump(self, jump: Jump) -> None:
        self.tell("world", f"the clock is set {jump.seconds:.0f} s forward")
        self.clock.ahead += jump.seconds

    def _pause(self, stop: Stop) -> None:
        self.tell("operator", f"pauses {stop.scope}")
        self.store.pauses[stop.scope, False] = Pause(stop.scope, "drawn", self.clock.now())

    def _resume(self, stop: Stop) -> None:
        self.tell("operator", f"resumes {stop.scope}")
        self.store.pauses.pop((stop.scope, False), None)

    async def restart(self, process: Process) -> None:
        """Bury the dead process and, after a moment, start a fresh one."""
        self.tell("world", "the process died")
        await process.buried()
        self._processes.remove(process)
        self.deaths += 1
        await asyncio.sleep(DOWN_SECONDS)
        self.tell("world", "a fresh process starts")
        self.start(process.name, process.client_id)

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
                await self._look_after_processes()
                self._resume_held()
                if not self.finished:
                    quiet_since = None
                elif quiet_since is None:
                    quiet_since = self.now

    async def _look_after_processes(self) -> None:
        deaths = [asyncio.ensure_future(process.died.wait()) for process in self._processes]
        await asyncio.wait(deaths, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for death in deaths:
            death.cancel()
        for process in tuple(self._processes):
            if process.killed:
                await self.restart(process)
            elif process.ended:
                process.result()
                raise AssertionError("the processor stopped by itself")

    def _resume_held(self) -> None:
        if self._hold_seconds is None:
            return
        for key, pause in tuple(self.store.pauses.items()):
            if pause.held and (self.clock.now() - pause.at).total_seconds() >= self._hold_seconds:
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
        """Stop the processes in good order; bury what dies doing so."""
        for process in self._processes:
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
        process = CALLER.get(None)
        if process is not None:
            self.on_call(process, call, moment)
            await self._faults.strike(self.store, process.name, call, moment)
        if call == "acknowledge" and moment == "after":
            self.checkers.acknowledged()
        elif call == "publish" and moment == "after":
            self.checkers.published()

    def tell(self, who: str, what: object) -> None:
        """Add a line to the timeline."""
        self._timeline.append((self.now, who, what))

    def forget(self) -> None:
        """Drop what was told so far, in a run so long that it would fill the memory."""
        self.facts.clear()
        self._timeline.clear()

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
