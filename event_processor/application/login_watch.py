"""Watches over the weekly login: says when it will end, when it is asked for, when it is missed and when it is done.

The gateway's login automator asks for the second factor, waits for it three minutes, and asks again five seconds
later, without end. None of that reaches the API: what is known here is that the gateway accepts connections and
stays silent, and since when. The prompts are inferred from that and counted by the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from event_processor.application.bell import Bell
from event_processor.application.session_keeper import SessionKeeper
from event_processor.domain.contract import Contract
from event_processor.domain.facts import Fact
from event_processor.domain.login_facts import LoginDone, LoginDue, LoginNeeded, LoginOverdue
from event_processor.domain.schedule import MarketHours, soonest_open, stock_hours
from event_processor.domain.session import SessionState
from event_processor.domain.weekly import GatewayHours
from event_processor.errors import ProcessorError, StoreUnavailable
from event_processor.ports import Clock, Journal, Observer

REMINDERS_HOURS = (24, 1)
_LOOK_SECONDS = 30.0
_REMEMBERED_SECONDS = 8 * 24 * 3600.0


class Reminders(Protocol):
    """Remembers, over restarts, what was told already."""

    async def first(self, what: str, seconds: float) -> bool:
        """True unless this was asked before within so many seconds. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """The rhythm, in seconds unless named otherwise.

    `grace`: how long the gateway may be silent before that is a login that waits; about what it needs to show its
    window; `contested_grace` the same after a session that another login may have ended, for the gateway may find that
    login still there, and step back once more. `prompt` and `prompt_gap`: how long one prompt is open, and the pause to
    the next. At most `prompts_max` are told in a `night`. `overdue_hours`: how near the market's opening must be for a
    missing login to be urgent. `overdue_gap`: the first pause between two such words; it doubles up to
    `overdue_gap_max`.
    """

    grace: float = 20.0
    contested_grace: float = 60.0
    prompt: float = 180.0
    prompt_gap: float = 5.0
    prompts_max: int = 12
    night: float = 12 * 3600.0
    overdue_hours: float = 4.0
    overdue_gap: float = 900.0
    overdue_gap_max: float = 4 * 3600.0


@dataclass(slots=True)
class LoginWait:
    """A login that is waited for: since when, and what was told of it."""

    since: datetime
    prompt_at: float
    prompts: int = 0
    night_until: float = 0.0
    told_tonight: int = 0
    overdue_at: float = 0.0
    overdue_gap: float = 0.0
    market_open: bool = False
    told: bool = False


class LoginWatch:
    """Tells the facts of `domain/login_facts.py`; changes nothing."""

    def __init__(
        self,
        session: SessionKeeper,
        journal: Journal,
        clock: Clock,
        observer: Observer,
        bell: Bell,
        reminders: Reminders,
        hours: GatewayHours,
        settings: WatchSettings | None = None,
    ) -> None:
        self._session, self._journal, self._clock = session, journal, clock
        self._observer, self._bell, self._reminders = observer, bell, reminders
        self._hours, self._settings = hours, settings or WatchSettings()
        self._wait: LoginWait | None = None
        self._asking = False
        self._reminded: datetime | None = None

    async def run(self) -> None:
        """Until cancelled: look at every change, and when something becomes due."""
        listener = Bell()
        with self._bell.link(listener):
            while True:
                await self.look()
                await listener.heard(self._seconds_to_next())

    def document(self) -> dict[str, Any]:
        """What people are shown of it, in plain JSON values."""
        now, wait = self._clock.now(), self._wait
        restart, awaited = self._hours.next_restart(now), self._session.restart_awaited
        return {
            "deadline": self._hours.login_deadline(now).isoformat(),
            "next_restart": restart.isoformat() if restart else None,
            "restart_awaited": awaited.isoformat() if awaited else None,
            "waiting_since": wait.since.isoformat() if wait else None,
            "prompts": wait.prompts if wait else 0,
        }

    async def look(self) -> None:
        """Tell what is due now."""
        await self._remind()
        state = self._session.state
        asking = state is SessionState.AWAITING_LOGIN and not self._hours.restart_expected(self._clock.now())
        if asking:
            await self._asked(begins=not self._asking)
        elif state is SessionState.READY and self._wait is not None:
            if self._wait.told:
                self._observer.observe(LoginDone(since=self._wait.since))
            self._wait = None
        self._asking = asking

    def _seconds_to_next(self) -> float:
        if self._wait is None or not self._asking:
            return _LOOK_SECONDS
        return max(0.0, min(_LOOK_SECONDS, self._wait.prompt_at - self._clock.monotonic()))

    # -- before the deadline -------------------------------------------------------------------------------

    async def _remind(self) -> None:
        now = self._clock.now()
        deadline = self._hours.login_deadline(now)
        left = (deadline - now).total_seconds() / 3600
        hours = min((hours for hours in REMINDERS_HOURS if left <= hours), default=None)
        if hours is None or self._reminded == (at := deadline - timedelta(hours=hours)):
            return
        try:
            first = await self._reminders.first(f"{deadline.isoformat()}/{hours}", _REMEMBERED_SECONDS)
        except StoreUnavailable:
            return  # asked again at the next look; there is an hour for it, or a day
        self._reminded = at
        if first:
            self._observer.observe(LoginDue(deadline=deadline, hours=max(1, round(left))))

    # -- while it is asked for -----------------------------------------------------------------------------

    async def _asked(self, *, begins: bool) -> None:
        now, settings = self._clock.monotonic(), self._settings
        grace = settings.contested_grace if self._session.contested else settings.grace
        if self._wait is None:
            self._wait = LoginWait(since=self._clock.now(), prompt_at=now + grace)
        elif begins:  # it came back, such as after another start of the gateway: that is a prompt of its own
            self._wait.prompt_at = max(self._wait.prompt_at, now + grace)
        wait = self._wait
        if now < wait.prompt_at:
            return
        wait.prompt_at = now + settings.prompt + settings.prompt_gap
        wait.prompts += 1
        if now >= wait.night_until:
            wait.night_until, wait.told_tonight = now + settings.night, 0
        if wait.told_tonight < settings.prompts_max:
            wait.told_tonight += 1
            self._tell(wait, LoginNeeded(since=wait.since, prompt=wait.prompts, seconds=round(settings.prompt)))
        await self._overdue(wait)

    async def _overdue(self, wait: LoginWait) -> None:
        """Looked at with each prompt, told or not: often enough, since it is about hours."""
        now, settings = self._clock.now(), self._settings
        market = await self._market(now)
        opens_at = market.opens_at or now
        if not market.open and opens_at - now > timedelta(hours=settings.overdue_hours):
            wait.overdue_at = wait.overdue_gap = 0.0
            return
        opened = market.open and not wait.market_open
        wait.market_open = market.open
        if opened:
            wait.overdue_gap = 0.0
        elif self._clock.monotonic() < wait.overdue_at:
            return
        wait.overdue_gap = min(2 * wait.overdue_gap or settings.overdue_gap, settings.overdue_gap_max)
        wait.overdue_at = self._clock.monotonic() + wait.overdue_gap
        self._tell(wait, LoginOverdue(since=wait.since, opens_at=opens_at, market_open=market.open))

    def _tell(self, wait: LoginWait, fact: Fact) -> None:
        wait.told = True
        self._observer.observe(fact)

    async def _market(self, now: datetime) -> MarketHours:
        """When the first of the contracts opens that open events and the last runs are about; without any whose
        hours are known so far ahead, when stocks in New York do."""
        try:
            contracts = await self._contracts()
        except ProcessorError:
            contracts = {}  # whoever works with the records tells what is wrong with them
        return soonest_open(contracts.values(), now) or stock_hours(now)

    async def _contracts(self) -> Mapping[int, Contract]:
        records = list(await self._journal.open_records())
        for account in {*self._session.accounts, *(record.account for record in records)}:
            records += await self._journal.last_closed(account)
        plans = [record.plan for record in records if record.plan is not None]
        return {line.contract.con_id: line.contract for plan in plans for line in plan.lines}
