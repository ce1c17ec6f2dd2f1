"""Starts everything in order, keeps it running, and stops it in a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from event_processor.application.desk import Desk
from event_processor.application.intake import Intake
from event_processor.application.outbox import publish_pending, run_outbox
from event_processor.application.processor import AccountProcessor
from event_processor.domain.facts import ProcessorStarted, ProcessorStopped, StoreLost, StoreUnsafe, TradingPauseChanged
from event_processor.domain.ids import AccountId, EventKey
from event_processor.domain.record import EventRecord
from event_processor.errors import BrokerUnavailable, ConfigurationError, StoreUnavailable
from event_processor.ports import Outcomes

_DISCOVER_SECONDS = 1.0
_STOP_SECONDS = 10.0


class Supervisor:
    """One processor. `run` returns when stopped, and raises what made it stop otherwise."""

    def __init__(
        self,
        desk: Desk,
        outcomes: Outcomes,
        intake: Callable[[Callable[[EventRecord], None]], Intake],
        *,
        version: str,
        trading_mode: str,
        background: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
        on_stop: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._desk, self._outcomes = desk, outcomes
        self._intake = intake(self._arrived)
        self._version, self._trading_mode = version, trading_mode
        self._background, self._on_stop = background, on_stop
        self._processors: dict[AccountId, AccountProcessor] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()

    @property
    def processors(self) -> dict[AccountId, AccountProcessor]:
        """The workers by account."""
        return dict(self._processors)

    @property
    def store_lost(self) -> bool:
        """Whether the store did not answer last time the intake asked, or confirm the last journal write."""
        return self._intake.store_lost or self._desk.store.failing

    def stop(self) -> None:
        """Ask for a tidy stop; nothing new is sent, what is at the broker is found again at the next start."""
        self._stop.set()

    async def run(self) -> None:
        """Until `stop`. Raises ConfigurationError when the store is unsafe for live trading."""
        try:
            await self._check_store()
            self._desk.observer.observe(ProcessorStarted(version=self._version, trading_mode=self._trading_mode))
            await self._run_tasks()
            await self._wind_down()
        except BaseExceptionGroup as errors:
            reasons = "; ".join(repr(error) for error in errors.exceptions)
            self._desk.observer.observe(ProcessorStopped(reason=reasons))
            raise
        finally:
            await self._let_go()

    async def _run_tasks(self) -> None:
        desk = self._desk
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._running = [
                tasks.create_task(desk.session.run(), name="session"),
                tasks.create_task(desk.leases.run(), name="leases"),
                tasks.create_task(desk.logins.run(), name="logins"),
                tasks.create_task(self._intake.run(), name="intake"),
                tasks.create_task(self._discover(), name="discover"),
                tasks.create_task(run_outbox(desk.journal, self._outcomes, desk.bell), name="outbox"),
                *(tasks.create_task(run()) for run in self._background),
            ]
            await self._stop.wait()
            self._tasks = None
            await self._cancel_all()

    async def _cancel_all(self) -> None:
        """Cancel until everybody has gone: a library may swallow a cancellation that meets a time-out."""
        for _ in range(int(_STOP_SECONDS)):
            for task in self._running:
                task.cancel()
            _, alive = await asyncio.wait(self._running, timeout=1.0)
            if not alive:
                return

    async def _let_go(self) -> None:
        """Views are flushed and connections closed as far as the store still answers; nothing here matters to
        what was traded."""
        for stop in self._on_stop:
            try:
                await stop()
            except StoreUnavailable as error:
                self._desk.observer.observe(StoreLost(reason=f"while stopping: {error}"))

    async def _wind_down(self) -> None:
        """After a tidy stop only. Bounded: a store that is away must not keep the process from ending."""
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await publish_pending(self._desk.journal, self._outcomes)
                await self._desk.leases.release_all()
        except (StoreUnavailable, TimeoutError) as error:
            self._desk.observer.observe(StoreLost(reason=f"while stopping: {error}"))
        self._desk.observer.observe(ProcessorStopped(reason="asked to stop"))

    async def _check_store(self) -> None:
        findings = await self._durability()
        if not findings:
            return
        if self._trading_mode == "live":
            raise ConfigurationError("Redis is not durable enough for live trading: " + "; ".join(findings))
        self._desk.observer.observe(StoreUnsafe(findings=tuple(findings)))

    async def _durability(self) -> Sequence[str]:
        """Waits for the store to be there: a processor that starts before Redis is not an error."""
        told = False
        while not self._stop.is_set():
            try:
                findings = await self._desk.journal.check_durability()
                floor = await self._desk.journal.order_id_floor(self._desk.broker.client_id)
            except StoreUnavailable as error:
                if not told:
                    self._desk.observer.observe(StoreLost(reason=str(error)))
                    told = True
                await asyncio.sleep(0.5)
            else:
                self._desk.broker.raise_order_ids(floor)
                return findings
        return ()

    async def _discover(self) -> None:
        """Find accounts with open events (ours from before, or another processor's) and read the pauses."""
        while True:
            try:
                reading = self._desk.pauses.reading()
                self._note_pauses(await self._desk.journal.pauses(), reading)
                await self._confirm_cash()
                for account in await self._desk.journal.open_accounts():
                    self._dispatch(account)
            except StoreUnavailable:
                self._desk.bell.ring()  # the intake tells; here the next pass simply tries again
            await asyncio.sleep(_DISCOVER_SECONDS)

    async def _confirm_cash(self) -> None:
        """See whether the broker's cash has caught up with our last runs; costs no message."""
        for account in self._desk.book.unconfirmed():
            if self._desk.session.ready and account in self._desk.session.accounts:
                try:
                    self._desk.book.confirm(await self._desk.broker.account_state(account))
                except BrokerUnavailable:
                    return

    def _note_pauses(self, pauses: Sequence[Any], reading: int) -> None:
        before = {pause.scope: pause for pause in self._desk.pauses.current}
        if not self._desk.pauses.replace(pauses, reading):
            return
        after = {pause.scope: pause for pause in pauses}
        for scope in sorted(before.keys() ^ after.keys()):
            pause = after.get(scope) or before[scope]
            self._desk.observer.observe(TradingPauseChanged(scope=scope, paused=scope in after, reason=pause.reason))
        self._desk.bell.ring()

    def _arrived(self, record: EventRecord) -> None:
        """A new event: its account's worker looks at once."""
        self._dispatch(record.account)
        self._processors[record.account].ring()

    def _dispatch(self, account: AccountId) -> None:
        worker = self._processors.get(account)
        if worker is None:
            worker = AccountProcessor(self._desk, account, self._intake_closed, lambda: self._intake.behind)
            self._processors[account] = worker
            if self._tasks is not None:
                self._running.append(self._tasks.create_task(worker.run(), name=f"account {account}"))
        elif worker.idle:
            worker.ring()

    def _intake_closed(self, key: EventKey) -> None:
        self._intake.closed(key)
