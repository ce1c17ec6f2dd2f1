"""The session keeper at a gateway double, for tests on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import NoReturn, cast

from event_processor.application.bell import Bell
from event_processor.application.session_keeper import KeeperSettings, SessionKeeper
from event_processor.domain.facts import SessionChanged
from event_processor.domain.ids import AccountId
from event_processor.domain.reports import Evidence
from event_processor.domain.session import SessionEvent, SessionInput, SessionState
from event_processor.domain.weekly import DailyWindow, GatewayHours
from event_processor.errors import ProcessorError
from event_processor.ports import Broker
from tests.support.builders import ACCOUNT, AT
from tests.support.making import FactBook, LoopClock, evidence

ALL_DAY = DailyWindow.parse("00:00-23:59 UTC")
WINDOW = "http://localhost:6080"
SECOND = AccountId("DU7654321")


class Gateway:
    """`ports.Broker` as far as the keeper may use it; placing, cancelling and everything else is an error."""

    def __init__(self) -> None:
        self.refuses: ProcessorError | None = None
        self.hides: ProcessorError | None = None
        self.account_missing: ProcessorError | None = None
        self.look_seconds = 0.1
        self.while_connecting: Callable[[], None] = lambda: None
        self.connects: list[float] = []
        self.looks: list[float] = []
        self.states: list[AccountId] = []
        self.disconnects = 0
        self._inputs: asyncio.Queue[SessionInput] = asyncio.Queue()

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"the keeper has no business with {name}")

    def tell(self, event: SessionEvent, code: int = 0) -> None:
        self._inputs.put_nowait(SessionInput(event, code))

    async def connect(self) -> tuple[AccountId, ...]:
        self.connects.append(now())
        await asyncio.sleep(0.05)
        self.while_connecting()
        await asyncio.sleep(0.05)
        if self.refuses:
            raise self.refuses
        return (ACCOUNT, SECOND)

    async def disconnect(self) -> None:
        self.disconnects += 1

    async def session_inputs(self) -> AsyncIterator[SessionInput]:
        while True:
            yield await self._inputs.get()

    async def evidence(self) -> Evidence:
        self.looks.append(now())
        await asyncio.sleep(self.look_seconds)
        if self.hides:
            raise self.hides
        return evidence()

    async def account_state(self, account: AccountId) -> None:
        self.states.append(account)
        if self.account_missing:
            raise self.account_missing


class Post:
    """A keeper at its gateway, and what it told."""

    def __init__(
        self,
        *,
        jitter: float = 0.5,
        restarting: bool = False,
        starts: datetime = AT,
        hours: GatewayHours | None = None,
        settings: KeeperSettings | None = None,
    ) -> None:
        self.gateway, self.facts, self.bell, self.clock = Gateway(), FactBook(), Bell(), LoopClock(starts)
        broker = cast(Broker, self.gateway)
        self.hours = hours or GatewayHours(restart_window=ALL_DAY if restarting else None)
        self.keeper = SessionKeeper(
            broker,
            self.clock,
            self.facts,
            self.bell,
            jitter=lambda: jitter,
            hours=self.hours,
            gateway_window=WINDOW,
            settings=settings,
        )

    @property
    def told(self) -> list[SessionState]:
        """The states it went through."""
        return [fact.after for fact in self.facts.of(SessionChanged)]

    async def until(self, state: SessionState, seconds: float = 300) -> float:
        """When the state was reached; TimeoutError when it was not."""
        async with asyncio.timeout(seconds):
            while self.keeper.state is not state:
                await self.bell.heard(60)
        return now()

    async def hear(self, event: SessionEvent, code: int = 0) -> None:
        """The gateway says something, and the keeper has heard it."""
        self.gateway.tell(event, code)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def now() -> float:
    return asyncio.get_running_loop().time()
