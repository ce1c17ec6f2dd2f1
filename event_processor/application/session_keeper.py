"""Keeps the broker session: connects, reads everything once, and says when trading is safe.

It drives the table in `domain/session.py`. It never restarts the gateway and never logs in; waiting costs
nothing but time. `epoch` grows whenever something may have been missed, so that whoever had orders out
knows to look before believing what it remembers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from event_processor.application.bell import Bell
from event_processor.application.step_back import StepBack
from event_processor.domain.facts import SessionChanged
from event_processor.domain.ids import AccountId
from event_processor.domain.reports import Evidence
from event_processor.domain.session import UNCONNECTED, SessionEvent, SessionInput, SessionState, step
from event_processor.domain.weekly import GatewayHours, advice
from event_processor.errors import BrokerUnavailable, LoginRequired, ReadOnlyApi
from event_processor.ports import Broker, Clock, Observer

_FAILED = {"client_id_in_use": SessionEvent.CLIENT_ID_TAKEN}


@dataclass(frozen=True, slots=True)
class KeeperSettings:
    """Waits of the keeper, in seconds. `retry` is the longest pause between attempts to connect, so that
    the first try comes within a second of the gateway being back. `step_back`: how long a gateway that makes way for
    another login stays away at most; 0: it never does."""

    retry: float = 1.0
    sync_failures_max: int = 3
    link_patience: float = 120.0
    read_only_retry: float = 15.0
    read_only_retry_max: float = 60.0
    step_back: float = 0.0


class SessionKeeper:
    """The session's state, kept. Other tasks read `state`, `epoch`, `accounts`; `bell` rings on each change."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        observer: Observer,
        bell: Bell,
        *,
        jitter: Callable[[], float],
        hours: GatewayHours | None = None,
        gateway_window: str = "",
        settings: KeeperSettings | None = None,
    ) -> None:
        """`gateway_window` is where people see the gateway's window."""
        self._broker, self._clock, self._observer = broker, clock, observer
        self._jitter, self._hours, self._gateway_window = jitter, hours or GatewayHours(), gateway_window
        self._settings = settings or KeeperSettings()
        self._step_back = StepBack(clock, self._settings.step_back)
        self._bell, self._own = bell, Bell()
        self._failures, self._fruitless = 0, False
        self._read_only_pause = self._settings.read_only_retry
        self.state = SessionState.DOWN
        self.detail = ""
        self.epoch = 0
        self.accounts: tuple[AccountId, ...] = ()
        self.ready_since = 0.0
        self._connected_at: datetime | None = None
        self.writable = True
        self._evidence: tuple[int, float, Evidence] | None = None
        self._early: SessionInput | None = None

    @property
    def ready(self) -> bool:
        """Only then may orders be placed."""
        return self.state is SessionState.READY

    def proved_writable(self) -> None:
        """The broker took an order. After it had refused one as read-only, only one at a time is tried."""
        self.writable = True

    @property
    def advice(self) -> str:
        """What the state means and what a person can do."""
        told = advice(self.state, self._clock.now(), self._hours, self._gateway_window)
        if self.state is SessionState.STEPPED_BACK:
            return f"{told} {self._step_back.words(self._hours.zone)}"
        return told

    @property
    def contested(self) -> bool:
        """Whether the last session may have ended because of another login: the gateway may step back again."""
        return self._step_back.likely

    @property
    def restart_awaited(self) -> datetime | None:
        """The gateway's restart because of which nothing new may be sent now."""
        return self._hours.awaited_restart(self._clock.now(), self._connected_at)

    @property
    def _restarting(self) -> bool:
        return self._hours.restart_expected(self._clock.now())

    async def run(self) -> None:
        """Keep the session until cancelled; the socket is closed on the way out."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._keep())

    async def evidence(self, age_seconds_max: float = 0.0) -> Evidence:
        """The broker's orders and executions: a fresh look, or the last one of this session if it is at
        most so old. Raises BrokerUnavailable when the session changed meanwhile."""
        if self._evidence is not None:
            epoch, at, evidence = self._evidence
            if epoch == self.epoch and self._clock.monotonic() - at < age_seconds_max:
                return evidence
        epoch, at = self.epoch, self._clock.monotonic()
        evidence = await self._broker.evidence()
        if epoch != self.epoch:
            raise BrokerUnavailable("the session changed during a look-up")
        self._evidence = (epoch, at, evidence)
        return evidence

    async def _listen(self) -> None:
        async for happened in self._broker.session_inputs():
            self._apply(happened)

    def _remember_early(self, happened: SessionInput) -> None:
        """A gateway without its link may say so before we count as connected; it will not say it again."""
        if self.state in UNCONNECTED and happened.event is SessionEvent.LINK_LOST:
            self._early = happened
        elif happened.event is SessionEvent.LINK_RESTORED:
            self._forget_early()

    def _forget_early(self) -> None:
        self._early = None

    def _apply(self, happened: SessionInput) -> None:
        self._remember_early(happened)
        if happened.event is SessionEvent.SOCKET_LOST and self._restarting:
            happened = replace(happened, event=SessionEvent.RESTART_EXPECTED)
        happened = replace(happened, event=self._step_back.heard(self.state, happened.event))
        before, after = self.state, step(self.state, happened.event)
        interrupted = before is SessionState.READY and after is not before
        if interrupted or happened.event in {SessionEvent.CONNECTED, SessionEvent.LINK_RESTORED}:
            self.epoch += 1
        if after is SessionState.READY and before is not after:
            self.ready_since, self._fruitless = self._clock.monotonic(), False
        if after is SessionState.READ_ONLY:
            self.writable = False
        self.state, self.detail = after, happened.detail
        if after is not before:
            self._observer.observe(
                SessionChanged(
                    before=before, after=after, code=happened.code, detail=happened.detail, advice=self.advice
                )
            )
        self._own.ring()
        self._bell.ring()

    async def _keep(self) -> None:
        try:
            while self.state is not SessionState.STOPPED:
                await self._act()
        finally:
            await self._broker.disconnect()

    async def _act(self) -> None:
        """One step of what the present state asks for."""
        if self.state in UNCONNECTED:
            await self._connect()
        elif self.state is SessionState.SYNCING:
            await self._sync()
        elif self.state is SessionState.READ_ONLY:
            await self._retry_read_only()
        elif self.state in {SessionState.LINK_LOST, SessionState.CONTENDED}:
            if not await self._own.heard(self._settings.link_patience):
                await self._reconnect("the link to IBKR has been lost for long; connecting anew")
        else:
            await self._own.heard(60.0)

    async def _connect(self) -> None:
        fruitless, self._fruitless = self._fruitless, False
        if fruitless:  # it would end the same way, many times a second
            await self._pause()
        if self.state is SessionState.RESTARTING and not self._restarting:
            self._apply(SessionInput(SessionEvent.RESTART_OVERDUE, detail="the restart takes longer than expected"))
        self._forget_early()
        try:
            accounts = await self._broker.connect()
        except LoginRequired as error:
            self._apply(SessionInput(SessionEvent.SILENT, detail=str(error)))
        except BrokerUnavailable as error:
            event = _FAILED.get(error.reason_code, SessionEvent.REFUSED)
            self._apply(SessionInput(event, detail=str(error)))
        else:
            self.accounts, self._failures, self._connected_at = accounts, 0, self._clock.now()
            self._read_only_pause, self._fruitless = self._settings.read_only_retry, True
            early = self._early
            self._apply(SessionInput(SessionEvent.CONNECTED))
            if early is not None:
                self._apply(early)
            return
        await self._pause()

    async def _pause(self) -> None:
        await asyncio.sleep(self._settings.retry * (0.4 + 0.5 * self._jitter()))

    async def _sync(self) -> None:
        """Read orders, executions, positions and cash; READY only if nothing failed and nothing changed."""
        epoch = self.epoch
        try:
            await self.evidence()
            for account in self.accounts:
                await self._broker.account_state(account)
        except ReadOnlyApi as error:
            self._apply(SessionInput(SessionEvent.READ_ONLY, detail=str(error)))
        except BrokerUnavailable as error:
            if epoch == self.epoch:
                await self._sync_failed(error)
        else:
            if epoch == self.epoch:
                self._failures = 0
                self._apply(SessionInput(SessionEvent.SYNCED))

    async def _retry_read_only(self) -> None:
        """Only a look-up or an order that is not refused shows that the API may write again."""
        deadline = self._clock.monotonic() + self._read_only_pause
        self._read_only_pause = min(self._read_only_pause * 2, self._settings.read_only_retry_max)
        while self.state is SessionState.READ_ONLY and self._clock.monotonic() < deadline:
            await self._own.heard(deadline - self._clock.monotonic())
        if self.state is SessionState.READ_ONLY:
            await self._sync()

    async def _sync_failed(self, error: BrokerUnavailable) -> None:
        self._failures += 1
        if self._failures >= self._settings.sync_failures_max:
            await self._reconnect(f"look-ups keep failing ({error}); connecting anew")
        else:
            await self._own.heard(self._settings.retry)

    async def _reconnect(self, why: str) -> None:
        self._failures = 0
        await self._broker.disconnect()
        self._apply(SessionInput(SessionEvent.SOCKET_LOST, detail=why))
