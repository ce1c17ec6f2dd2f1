"""Time limits of working orders: ask about the silent, cancel (or leave, by policy) the overdue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from event_processor.application import telling
from event_processor.application.run import Run
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.policy import OnTimeout

IDLE_SECONDS = 5.0
_LOOK_SECONDS = 15.0
_CANCELS_MAX = 3
"""How often a cancel is asked for without effect, each time after a look, before a person is told."""


class Deadlines:
    """The clocks of one run's open orders."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._asked: dict[int, float] = {}
        self._cancels: Counter[int] = Counter()
        self._looked_at = 0.0

    def forget(self) -> None:
        """After a doubt every cancel is asked for anew."""
        self._asked.clear()

    def interrupted(self) -> None:
        """What was asked for so far may never have arrived."""
        self._cancels.clear()

    def silent(self) -> frozenset[int]:
        """Legs the broker should have acknowledged, or whose cancel it should have answered, by now."""
        now, settings = self._run.desk.clock.monotonic(), self._run.desk.settings
        unacknowledged = {
            i.leg.number
            for i in self._run.intents
            if i.state is IntentState.SUBMITTING and self._run.since(i) + settings.acknowledge_timeout <= now
        }
        unanswered = {
            i.leg.number
            for i in self._run.intents
            if i.state is IntentState.WORKING and self._asked.get(i.leg.number, now) + settings.cancel_timeout <= now
        }
        return frozenset(unacknowledged | unanswered)

    def unheard(self) -> bool:
        """Whether an order has worked for so long since the last look that its reports may have got lost: then the
        broker is asked, long before the order's time is up. True once for each such look."""
        now = self._run.desk.clock.monotonic()
        working = [self._run.since(i) for i in self._run.intents if i.state is IntentState.WORKING]
        due = bool(working) and max(self._looked_at, min(working)) + _LOOK_SECONDS <= now
        self._looked_at = now if due else self._looked_at
        return due

    async def act(self) -> None:
        """Cancel or leave what has been open too long. Raises BrokerUnavailable."""
        overdue = [i for i in self._run.intents if i.state is IntentState.WORKING and self._overdue(i)]
        if overdue and self._run.policy.on_timeout is OnTimeout.LEAVE and not self._run.expired:
            return await self._leave(overdue)
        for intent in overdue:
            if intent.leg.number not in self._asked:
                await self._cancel(intent)
        return None

    async def _cancel(self, intent: OrderIntent) -> None:
        desk = self._run.desk
        if intent.client_id != desk.broker.client_id or not intent.order_id:
            return await self._give_up(intent, f"only client id {intent.client_id} can cancel it")
        if self._cancels[intent.leg.number] >= _CANCELS_MAX:
            return await self._give_up(intent, f"{_CANCELS_MAX} requests to cancel it had no effect")
        await desk.broker.send_slot()
        if not (desk.session.ready and desk.leases.fresh(self._run.record.account)):
            return None
        desk.broker.cancel(intent.order_id)
        self._asked[intent.leg.number] = desk.clock.monotonic()
        self._cancels[intent.leg.number] += 1
        why = "the event expired" if self._run.expired else "open for longer than ORDER_TIMEOUT_SECONDS"
        telling.cancel_requested(desk, self._run.record, intent, why)
        return None

    async def _give_up(self, intent: OrderIntent, reason: str) -> None:
        """A person has to end it. IBKR lets only the client id that placed an order cancel it."""
        why = f"open for too long, and {reason}: cancel it in TWS or the portal"
        await self._run.change(
            lambda i: i.leg.number == intent.leg.number,
            lambda i: i.to(IntentState.DONE, ending=Ending.UNRESOLVED, note=why),
        )

    async def _leave(self, overdue: Sequence[OrderIntent]) -> None:
        legs = frozenset(i.leg.number for i in overdue)
        await self._run.change(
            lambda i: i.leg.number in legs,
            lambda i: i.to(IntentState.DONE, ending=Ending.LEFT_OPEN, note="left open by policy"),
        )

    def _overdue(self, intent: OrderIntent) -> bool:
        due = self._run.since(intent) + self._run.desk.settings.order_timeout
        return self._run.expired or due <= self._run.desk.clock.monotonic()

    def next_in(self) -> float:
        """Seconds until the next of these limits."""
        settings, due = self._run.desk.settings, []
        for intent in self._run.intents:
            if intent.state is IntentState.SUBMITTING:
                due.append(self._run.since(intent) + settings.acknowledge_timeout)
            elif intent.state is IntentState.WORKING:
                asked = self._asked.get(intent.leg.number)
                limit = settings.order_timeout if asked is None else settings.cancel_timeout
                due.append((self._run.since(intent) if asked is None else asked) + limit)
        now = self._run.desk.clock.monotonic()
        return max(0.0, min([IDLE_SECONDS, *(at - now for at in due)]))
