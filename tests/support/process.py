"""One processor as a process that can die: the real application over doubles, wired as `bootstrap` wires it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from event_processor.application.accounts import AccountRules
from event_processor.application.bell import Bell
from event_processor.application.book import Book
from event_processor.application.desk import Desk, Pauses, TradingSettings
from event_processor.application.intake import Intake, IntakeSettings
from event_processor.application.leases import Leases
from event_processor.application.logins import Logins
from event_processor.application.recovery import suspected
from event_processor.application.session_keeper import SessionKeeper
from event_processor.application.supervisor import Supervisor
from event_processor.domain.facts import Fact, LeaseChanged
from event_processor.domain.ids import AccountId
from event_processor.domain.order import Order
from event_processor.domain.policy import AccountRule
from event_processor.domain.record import EventRecord
from event_processor.domain.weekly import GatewayHours
from gateway_simulator.simulator import Simulator
from tests.support.memory_store import Crashed, MemoryClient
from tests.support.simulated_broker import SimulatedBroker
from tests.support.simulated_link import SimulatedLink

EPOCH = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
"""Second 0 of virtual time: a Monday, 10:00 in New York."""
LEASE_SECONDS = 15.0
BURIAL_SECONDS_MAX = 30.0
CLIENT_ID = 17


class VirtualClock:
    """`ports.Clock` on the running loop's time; `ahead` is by how many seconds the host's clock was set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.monotonic() + self.ahead)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class Process:
    """A processor from birth to death. `on_fact` hears each fact and may kill the process there and then."""

    def __init__(
        self,
        name: str,
        client: MemoryClient,
        sim: Simulator,
        *,
        rules: tuple[AccountRule, ...],
        trading: TradingSettings,
        on_fact: Callable[[Process, Fact], None],
        on_place: Callable[[Process, Order, int, SimulatedLink], None],
        on_look: Callable[[Process, SimulatedLink], None],
        clock: VirtualClock,
        hours: GatewayHours | None = None,
        client_id: int = CLIENT_ID,
        jitter_seed: int = 0,
    ) -> None:
        self.name, self.client_id = name, client_id
        self.tokens: dict[AccountId, int] = {}
        """The fencing token of each account it says it holds."""
        self.killed = False
        self.died = asyncio.Event()
        self._client, self._on_fact, self._hours = client, on_fact, hours
        self._broker = SimulatedBroker(
            sim,
            clock,
            client_id=client_id,
            on_place=lambda *placed: on_place(self, *placed),
            on_look=lambda link: on_look(self, link),
        )
        self.desk = self._wire(clock, rules, trading, Random(jitter_seed))

        def intake(dispatch: Callable[[EventRecord], None]) -> Intake:
            limits = IntakeSettings(renew_seconds=LEASE_SECONDS / 3)
            desk = self.desk
            doubted = partial(suspected, desk)
            return Intake(client.inbox, client.journal, desk.rules, clock, self, desk.bell, dispatch, limits, doubted)

        self._supervisor = Supervisor(self.desk, client.outcomes, intake, version="0", trading_mode="paper")
        context = copy_context()
        context.run(CALLER.set, self)
        self._task = asyncio.create_task(self._supervisor.run(), name=name, context=context)

    def _wire(
        self, clock: VirtualClock, rules: tuple[AccountRule, ...], trading: TradingSettings, jitter: Random
    ) -> Desk:
        bell, book, broker, journal = Bell(), Book(clock), self._broker, self._client.journal
        broker.subscribe(book.note)
        keeper = SessionKeeper(broker, clock, self, bell, jitter=jitter.random, hours=self._hours)
        return Desk(
            broker=broker,
            journal=journal,
            clock=clock,
            observer=self,
            session=keeper,
            leases=Leases(journal, clock, self, bell, owner=self.name, seconds=LEASE_SECONDS),
            logins=Logins(journal, clock, keeper, bell, processor=self.name, seconds=LEASE_SECONDS),
            rules=AccountRules("paper", rules),
            pauses=Pauses(),
            book=book,
            bell=bell,
            settings=trading,
        )

    def observe(self, fact: Fact) -> None:
        """`ports.Observer`; a dead process sees nothing more."""
        if self.killed:
            raise Crashed
        if isinstance(fact, LeaseChanged):
            self._lease_changed(fact)
        self._on_fact(self, fact)
        if self.killed:
            raise Crashed

    def _lease_changed(self, fact: LeaseChanged) -> None:
        if fact.held:
            self.tokens[AccountId(fact.account)] = fact.token
        else:
            self.tokens.pop(AccountId(fact.account), None)

    @property
    def link(self) -> SimulatedLink | None:
        """Its connection to the gateway."""
        return self._broker.link

    @property
    def ended(self) -> bool:
        """Whether it stopped running, for whatever reason."""
        return self._task.done()

    def kill(self) -> None:
        """Die at once: from now on every double refuses, so that no clean-up code can save the day."""
        self.killed = True
        self._client.kill()
        self._broker.kill()
        self.died.set()

    async def buried(self) -> None:
        """Wait until nothing of the dead process runs any more; what its tasks raise is of no interest, except
        that it must have to do with its death."""
        self._task.cancel()
        async with asyncio.timeout(BURIAL_SECONDS_MAX):
            await asyncio.wait([self._task])
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            strange = [leaf for leaf in _leaves(error) if not isinstance(leaf, Crashed | asyncio.CancelledError)]
            if strange:
                raise strange[0]

    async def stopped(self) -> None:
        """Stop in good order; raises what it stopped with."""
        self._supervisor.stop()
        await self._task

    def result(self) -> None:
        """Raise what it ended with."""
        self._task.result()


CALLER: ContextVar[Process] = ContextVar("CALLER")
"""The process in which code runs."""


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
