"""Works the intents of one planned event until every one of them is settled.

Each turn: fold what the broker said; if the session broke, doubt what was out; resolve doubts by looking;
send what may go, were it beside what is still in doubt; see to what is overdue; then wait for the next report.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from event_processor.application.deadlines import IDLE_SECONDS, Deadlines
from event_processor.application.desk import Desk
from event_processor.application.hearing import Hearing
from event_processor.application.recovery import Doubts, glance
from event_processor.application.run import Run
from event_processor.application.sending import Sending
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.policy import TradingPolicy
from event_processor.domain.record import EventRecord
from event_processor.errors import (
    AccountElsewhere,
    BrokerUnavailable,
    GatewayDisconnected,
    LeaseLost,
    PlanStale,
    TradingPaused,
)
from event_processor.ports import Lease

_OUT = frozenset({IntentState.SUBMITTING, IntentState.WORKING})
_LATE_REPORT_SECONDS = 1.0


class Executor:
    """One run of one record under one lease."""

    def __init__(self, desk: Desk, lease: Lease, record: EventRecord, policy: TradingPolicy) -> None:
        self._desk = desk
        self._run = Run(desk, lease, record, policy)
        self._doubts = Doubts(self._run)
        self._hearing = Hearing(self._run, self._doubts)
        self._sending = Sending(self._run, self._hearing)
        self._deadlines = Deadlines(self._run)
        self._epoch = desk.session.epoch
        self._unsent_known = not record.touched
        self._finished_at: float | None = None
        self._asked_at_end = False
        self._unready_since: float | None = None

    async def run(self) -> EventRecord:
        """Until every intent is done and what it filled is known.

        Raises StoreUnavailable, LeaseLost, InvariantViolated (what is out is found again by the next run), and
        PlanStale or TradingPaused as long as nothing was sent."""
        unsubscribe = self._desk.broker.subscribe(self._hearing.hear)
        try:
            with self._desk.bell.link(self._run.bell):
                if self._run.record.touched:
                    await self._doubt("taken up again", lambda _: True)
                while not await self._turn():
                    await self._run.bell.heard(self._patience())
        finally:
            unsubscribe()
        return self.record

    @property
    def record(self) -> EventRecord:
        """As it was last written, also after an error."""
        return self._run.record

    async def _turn(self) -> bool:
        """One look at everything; True when the run is over."""
        session = self._desk.session
        if not self._desk.leases.holds(self._run.lease):
            raise LeaseLost
        await self._hearing.fold()
        if self._epoch != session.epoch:
            self._epoch = session.epoch
            self._deadlines.interrupted()
            await self._doubt(f"the session was interrupted ({session.state})", lambda _: True)
        if not self._run.record.touched:
            self._check_startable()
        if not session.ready:
            return self._wait_for_session()
        self._unready_since = None
        if self._run.record.account not in session.accounts:
            raise AccountElsewhere  # the gateway came back with another login
        try:
            return await self._act()
        except BrokerUnavailable:
            return False  # the session keeper sees the same loss, and rings when it is over

    async def _act(self) -> bool:
        if self._doubtful() and not self._doubts.next_look_in():
            await self._resolve()
            self._run.bell.ring()  # what to send, if anything, is decided next turn, after listening once more
        elif self._finished() and not self._doubtful():
            return await self._settled()
        elif self._never_sent_is_certain():
            await self._sending.send(self._epoch)
        silent = self._deadlines.silent()
        if silent:
            await self._doubt("the broker did not answer in time", lambda i: i.leg.number in silent)
        if self._deadlines.unheard():
            await self._ask_after_orders()
        await self._deadlines.act()
        return False

    def _wait_for_session(self) -> bool:
        """For a while. Then the account is given back, since another processor may have a session; the run is
        taken up again from the journal, with doubts, by whoever gets it."""
        now = self._desk.clock.monotonic()
        self._unready_since = now if self._unready_since is None else self._unready_since
        if now - self._unready_since >= self._desk.settings.session_patience:
            raise GatewayDisconnected(self._desk.session.advice)
        return False

    def _check_startable(self) -> None:
        """Nothing has left yet: rather than wait with an ageing plan, give the event back, so that it can be
        superseded, expire, or be planned on fresh prices."""
        if not self._run.intents:
            return
        age = (self._desk.clock.now() - self._run.plan.made_at).total_seconds()
        if not self._desk.session.ready or self._run.expired or age > self._desk.settings.plan_age:
            raise PlanStale
        if self._desk.session.restart_awaited:
            raise PlanStale("the gateway restarts soon; planned anew when it is back")
        if self._desk.pauses.on(self._run.record.account):
            raise TradingPaused

    async def _doubt(self, reason: str, which: Callable[[OrderIntent], bool]) -> None:
        """What is out may have moved without us: unknown until the broker has been asked."""
        self._doubts.begin()
        self._deadlines.forget()
        await self._run.change(lambda i: i.state in _OUT and which(i), lambda i: i.to(IntentState.UNKNOWN, note=reason))

    def _doubtful(self) -> bool:
        states = {i.state for i in self._run.intents}
        unproven = IntentState.RECORDED in states and not self._unsent_known
        return self._doubts.first_look_due or unproven or IntentState.UNKNOWN in states

    def _never_sent_is_certain(self) -> bool:
        """Also with doubts left after the first look, what was never sent may go, if this run itself knows that. A run
        that was taken up again has it from the journal only, and a store that forgets may have forgotten a send:
        then the broker is first given time to show it."""
        return self._unsent_known and not self._doubts.first_look_due

    async def _resolve(self) -> None:
        look = await self._doubts.look()
        await self._hearing.fold()  # a live report is newer than the look that was under way when it came
        if look is not None and self._epoch == self._desk.session.epoch:
            await self._run.save(self._doubts.judge(self._run.intents, look))
            self._unsent_known = self._unsent_known or look.absence_counts

    async def _ask_after_orders(self) -> None:
        """What works may have filled, and its reports got lost. Nothing hangs on the answer: should there be none, what
        is overdue must be cancelled all the same."""
        with suppress(BrokerUnavailable):
            evidence = await self._desk.session.evidence()
            await self._hearing.fold()
            if self._epoch == self._desk.session.epoch:
                await self._run.save(self._doubts.judge(self._run.intents, glance(evidence)))

    def _finished(self) -> bool:
        return all(i.state is IntentState.DONE for i in self._run.intents)

    async def _settled(self) -> bool:
        """Whether what was filled is proven by executions and its cost is known; if not, wait a little, then
        ask the broker. A missing commission does not keep the event open for long: it is only told. So is the broker
        asked when an order was cut short: a fill may have won the race, and be told after the cancel."""
        now, patience = self._desk.clock.monotonic(), self._desk.settings.settle
        self._finished_at = self._finished_at or now
        waited = now - self._finished_at
        asked = self._asked_at_end or waited >= patience or not any(map(_cut_short, self._run.intents))
        if self._complete() and asked:
            return True
        if waited >= _LATE_REPORT_SECONDS:
            await self._run.save(await self._doubts.complete(self._run.intents))
            self._asked_at_end = True
            return all(i.settled for i in self._run.intents) or waited >= patience
        return False

    def _complete(self) -> bool:
        return all(i.settled and all(f.commission is not None for f in i.fills) for i in self._run.intents)

    def _patience(self) -> float:
        """Until something may become due by itself."""
        if not self._desk.session.ready:
            return IDLE_SECONDS
        if self._finished_at is not None:
            return _LATE_REPORT_SECONDS
        waits = [self._deadlines.next_in()]
        if self._sending.again_in():
            waits.append(self._sending.again_in())
        if self._doubtful():
            waits.append(self._doubts.next_look_in())
        return min(waits)


def _cut_short(intent: OrderIntent) -> bool:
    """Whether it was at the broker and ended there with something left to fill."""
    return intent.ending is Ending.CANCELLED and intent.acknowledged and intent.executed < intent.quantity
