"""Sends what may go: durable as `submitting` first, then to the socket. The only caller of Broker.place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from event_processor.application import telling
from event_processor.application.hearing import Hearing
from event_processor.application.run import Run, order_of
from event_processor.application.waiting import RESTART_SOON
from event_processor.domain.execution import Release, releases
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.repricing import repriced
from event_processor.domain.schedule import next_open
from event_processor.errors import BrokerUnavailable, LeaseLost, QuotesUnavailable, TradingPaused

_PAUSE_SECONDS = 0.5
_CAREFUL_AFTER = 2
"""After so many sends of one order go one at a time: whatever breaks the connection should not cost every order
of a batch one of its tries."""
_PROMPT_SECONDS = 0.5
"""A durable write that took longer is old news when its answer comes: the lease is asked for again before a send."""
_MARK_SHARE = 0.8
"""The share of the visibility delay within which a marked order must leave: whoever finds the mark counts that delay
from it before absence at the broker proves anything."""


class Sending:
    """Releases intents of one run, batch by batch."""

    def __init__(self, run: Run, hearing: Hearing) -> None:
        self._run, self._hearing = run, hearing
        clock = run.desk.clock
        self._priced_at = clock.monotonic() - (clock.now() - run.plan.made_at).total_seconds()
        self._again_at = 0.0
        self._send_until = 0.0
        self._restart: datetime | None = None

    def again_in(self) -> float:
        """Seconds until it is worth trying to send again; 0 when nothing holds us back."""
        return max(0.0, self._again_at - self._run.desk.clock.monotonic())

    async def send(self, epoch: int) -> None:
        """One batch of what the plan and the cash release now, under session `epoch`."""
        run = self._run
        if run.expired:
            return await self._end(lambda _: True, Ending.CANCELLED, "the event expired")
        if self._gateway_restarts() or run.desk.pauses.on(run.record.account) or self.again_in():
            return None
        if not await self._prices_fresh():
            return None
        due = releases(run.plan, run.intents)
        hopeless = frozenset(release.intent.leg.number for release in due if not release.quantity)
        if hopeless:
            return await self._end(lambda i: i.leg.number in hopeless, Ending.SKIPPED, "its cash did not come in")
        careful = not run.desk.session.writable or any(release.intent.sent >= _CAREFUL_AFTER for release in due)
        batch = due[: 1 if careful else run.desk.settings.batch]
        unanswered = careful and any(i.state is IntentState.SUBMITTING for i in run.intents)
        if not batch or unanswered:
            return None
        async with run.desk.turnstile:
            await self._send_batch(batch, epoch)
        return None

    async def _send_batch(self, batch: Sequence[Release], epoch: int) -> None:
        """Nobody else takes order ids until these have left: the gateway refuses an id below one it has seen."""
        run = self._run
        if not await self._may_begin(epoch):
            return
        marked_at = run.desk.clock.monotonic()
        try:
            await self._write_ahead(batch)
        except TradingPaused:
            return
        if run.desk.clock.monotonic() - marked_at > _PROMPT_SECONDS:
            await run.desk.leases.confirm(run.record.account)
        self._send_until = marked_at + max(1.0, run.desk.settings.visibility_delay * _MARK_SHARE)
        unsent = await self._to_socket([release.intent.leg.number for release in batch], epoch)
        if unsent:
            self._again_at = run.desk.clock.monotonic() + _PAUSE_SECONDS
            await self._take_back(frozenset(unsent))

    def _gateway_restarts(self) -> bool:
        """Whether what is still to be sent waits for the gateway's restart; told once for each."""
        run, restart = self._run, self._run.desk.session.restart_awaited
        if restart not in {None, self._restart} and any(i.state is IntentState.RECORDED for i in run.intents):
            self._restart = restart
            telling.waiting(run.desk, run.record, "restart_soon", RESTART_SOON, restart)
        return restart is not None

    async def _prices_fresh(self) -> bool:
        """Whether what is still to be sent may go at the prices it was sized by. After a long wait it is priced
        anew, so that buys stay within the cash; while the market is closed or silent it waits."""
        run, desk = self._run, self._run.desk
        waiting = [i for i in run.intents if i.state is IntentState.RECORDED]
        if not waiting or desk.clock.monotonic() - self._priced_at < desk.settings.plan_age:
            return True
        contracts = [i.leg.contract for i in waiting]
        hours = next_open(contracts, desk.clock.now())
        if not hours.open:
            return self._held_back("market_closed", hours.reason, hours.opens_at)
        try:
            quotes = await desk.broker.quotes(contracts, desk.settings.plan_age)
            legs = {i.leg.number: repriced(i.leg, quotes[i.leg.contract.con_id], run.policy) for i in waiting}
        except QuotesUnavailable as error:
            return self._held_back(error.reason_code, str(error), None)
        await run.change(lambda i: i.leg.number in legs, lambda i: replace(i, leg=legs[i.leg.number]))
        self._priced_at = desk.clock.monotonic()
        return True

    def _held_back(self, code: str, reason: str, until: datetime | None) -> bool:
        desk = self._run.desk
        self._again_at = desk.clock.monotonic() + desk.settings.retry
        telling.waiting(desk, self._run.record, code, reason, until)
        return False

    async def _write_ahead(self, batch: Sequence[Release]) -> None:
        """`submitting`, with the order id it will go out under, is durable before anything is sent."""
        broker, now = self._run.desk.broker, self._run.desk.clock.now()
        quantities = {release.intent.leg.number: release.quantity for release in batch}

        def going(intent: OrderIntent) -> OrderIntent:
            return replace(
                intent.to(IntentState.SUBMITTING),
                quantity=quantities[intent.leg.number],
                order_id=broker.next_order_id(),
                client_id=broker.client_id,
                sent=intent.sent + 1,
                sent_at=now,
                note="",
            )

        await self._run.change(lambda i: i.leg.number in quantities, going, sending=True)

    async def _to_socket(self, legs: Sequence[int], epoch: int) -> Sequence[int]:
        """Send these legs; the ones that certainly did not leave come back."""
        broker = self._run.desk.broker
        for position, leg in enumerate(legs):
            try:
                await broker.send_slot()
                intent = self._run.intent(leg)
                if not self._may_send(intent, epoch):
                    return legs[position:]
                broker.place(order_of(self._run.record, intent), intent.order_id)
            except BrokerUnavailable:
                return legs[position:]
            self._run.left(leg)
            self._run.desk.book.sent(intent.ref.run)
            telling.submitted(self._run.desk, self._run.record, intent)
        return ()

    async def _may_begin(self, epoch: int) -> bool:
        """Whether a batch is worth writing down. A lease that could not be renewed in time is asked for again.

        Raises LeaseLost when another processor has the account now."""
        account = self._run.record.account
        if not self._run.desk.leases.fresh(account) and await self._run.desk.leases.hold(account) is None:
            raise LeaseLost
        return self._allowed(epoch)

    def _may_send(self, intent: OrderIntent, epoch: int) -> bool:
        """The last look before the socket; nothing else runs between this and the send. An order that is sent
        again does not go while anything is unheard: it may be the report of the first. Nor does one whose mark
        has grown old: another processor may have looked for it meanwhile."""
        marked_lately = self._run.desk.clock.monotonic() < self._send_until
        return marked_lately and self._allowed(epoch) and not (intent.sent > 1 and self._hearing.unheard)

    def _allowed(self, epoch: int) -> bool:
        desk, account = self._run.desk, self._run.record.account
        return (
            desk.session.ready
            and desk.session.epoch == epoch
            and not desk.session.restart_awaited
            and desk.leases.fresh(account)
            and desk.pauses.on(account) is None
            and not self._run.expired
        )

    async def _take_back(self, legs: frozenset[int]) -> None:
        """These never reached the socket: we know, so they are plain `recorded` again."""
        await self._run.change(
            lambda i: i.leg.number in legs and i.state is IntentState.SUBMITTING,
            lambda i: replace(i.to(IntentState.RECORDED), order_id=0, client_id=0, sent=i.sent - 1, sent_at=None),
        )

    async def _end(self, which: Callable[[OrderIntent], bool], ending: Ending, why: str) -> None:
        await self._run.change(
            lambda i: i.state is IntentState.RECORDED and which(i),
            lambda i: i.to(IntentState.DONE, ending=ending, note=why),
        )
