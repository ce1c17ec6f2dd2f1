"""The state of one run of one planned event: its record, made durable with every change, and its clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from event_processor.application import telling
from event_processor.application.bell import Bell
from event_processor.application.desk import Desk
from event_processor.domain.intent import OrderIntent
from event_processor.domain.order import Order
from event_processor.domain.plan import Plan
from event_processor.domain.policy import TradingPolicy
from event_processor.domain.record import EventRecord, OutcomeNote
from event_processor.errors import InvariantViolated, StoreUnavailable
from event_processor.ports import Lease


class Run:
    """What the parts of the executor share. `save` is the only way an intent changes."""

    def __init__(self, desk: Desk, lease: Lease, record: EventRecord, policy: TradingPolicy) -> None:
        if record.plan is None:
            raise InvariantViolated(f"event {record.key} is executed without a plan")
        self.desk, self.policy, self.record = desk, policy, record
        self.plan: Plan = record.plan
        self.bell = Bell()
        self.lease = lease
        self._since: dict[int, float] = {}

    @property
    def intents(self) -> tuple[OrderIntent, ...]:
        return self.record.intents

    @property
    def expired(self) -> bool:
        return self.desk.clock.now() >= self.record.expires_at

    def intent(self, leg: int) -> OrderIntent:
        """The intent of this leg as it is now."""
        return next(i for i in self.record.intents if i.leg.number == leg)

    def since(self, intent: OrderIntent) -> float:
        """Since when the intent's clock runs (monotonic): its state's beginning, or the session's return if
        that is later, so that waiting for the session costs no order its time."""
        began = self._since.setdefault(intent.leg.number, self.desk.clock.monotonic())
        return max(began, self.desk.session.ready_since)

    def left(self, leg: int) -> None:
        """The order left for the broker just now: only from here on is its silence counted."""
        self._since[leg] = self.desk.clock.monotonic()

    async def change(
        self, which: Callable[[OrderIntent], bool], how: Callable[[OrderIntent], OrderIntent], *, sending: bool = False
    ) -> None:
        """Change some intents, durably."""
        await self.save([how(i) if which(i) else i for i in self.record.intents], sending=sending)

    async def save(self, intents: Sequence[OrderIntent], *, sending: bool = False) -> None:
        """Make the intents durable, with the outcome notes and facts that their change means.

        Raises StoreUnavailable, LeaseLost, InvariantViolated, and with `sending` TradingPaused."""
        if tuple(intents) == self.record.intents:
            return
        before, after = self.record, replace(self.record, intents=tuple(intents))
        notes = telling.order_notes(before, after, self.desk.clock.now())
        self.record = await write(self.desk, self.lease, after, notes, sending=sending)
        for old, new in zip(before.intents, after.intents, strict=True):
            if old.state is not new.state:
                self._since[new.leg.number] = self.desk.clock.monotonic()
            if new.perm_id and not old.perm_id:
                self.desk.session.proved_writable()
        telling.moves(self.desk, before, self.record)
        self.bell.ring()


async def write(
    desk: Desk, lease: Lease, record: EventRecord, notes: Sequence[OutcomeNote], *, sending: bool = False
) -> EventRecord:
    """One durable write, repeated as it is while the store is away, for a bounded time.

    Repeating the identical write has one effect; a different one must not follow an unconfirmed one.
    """
    deadline = desk.clock.monotonic() + desk.settings.store_patience
    while True:
        try:
            written = await desk.journal.write(lease, record, notes, sending=sending)
        except StoreUnavailable as error:
            telling.store_failed(desk, error)
            if desk.clock.monotonic() >= deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            telling.store_works(desk)
            if notes:
                desk.bell.ring()
            return written


def order_of(record: EventRecord, intent: OrderIntent) -> Order:
    """The order this intent stands for."""
    leg = intent.leg
    return Order(
        ref=intent.ref,
        account=record.account,
        contract=leg.contract,
        side=leg.side,
        quantity=intent.quantity,
        order_type=leg.order_type,
        limit_price=leg.limit_price,
    )
