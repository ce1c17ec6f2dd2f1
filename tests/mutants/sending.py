"""Defects in what is sent, when, and under which right."""

# ruff: noqa: ANN401 - a defect takes the place of whatever stands there

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from event_processor.adapters.ibkr import orders, pacing
from event_processor.application import deadlines, executor, leases, rebalance, run, sending
from event_processor.application.desk import Pauses
from event_processor.domain import execution, record
from event_processor.domain.execution import Release
from event_processor.domain.intent import Ending, IntentState, OrderIntent
from event_processor.domain.order import Side
from event_processor.domain.record import EventRecord
from tests.mutants.mutant import Mutant, Swap, always, idle
from tests.support import memory_journal, simulated_broker


def _resend(_kept: Any) -> Any:
    async def doubt(self: Any, _reason: str, which: Any) -> None:
        def back(intent: OrderIntent) -> OrderIntent:
            return replace(intent.to(IntentState.RECORDED), order_id=0, client_id=0)

        await self._run.change(lambda i: i.state is IntentState.SUBMITTING and which(i), back)

    return doubt


def _late_write(kept: Any) -> Any:
    """What would be written ahead is only remembered, and written once the orders are out."""

    async def send(self: Any, batch: Sequence[Release]) -> None:
        real, held = self._run.save, []

        async def remember(intents: Sequence[OrderIntent], *, sending: bool = False) -> None:
            held.append(self._run.record)
            self._run.record = replace(self._run.record, intents=tuple(intents))

        self._run.save = remember
        try:
            await kept(self, batch)
        finally:
            self._run.save = real
        await self._to_socket([release.intent.leg.number for release in batch], self._run.desk.session.epoch)
        ahead, self._run.record = self._run.record, held[0]
        await self._run.save(ahead.intents)

    return send


def _sells_count_at_once(kept: Any) -> Any:
    def free(plan: Any, intents: Sequence[OrderIntent], **named: Any) -> Decimal:
        coming = (i.leg.unit_value * (i.quantity - i.filled) for i in intents if i.leg.side is Side.SELL)
        return Decimal(kept(plan, intents, **named) + sum(coming))

    return free


def _slippage_tenfold(kept: Any) -> Any:
    return lambda plan, intents, **named: kept(plan, intents, **named) + plan.slippage * 10


def _another_ref(kept: Any) -> Any:
    def order_of(of: EventRecord, intent: OrderIntent) -> Any:
        order = kept(of, intent)
        return replace(order, ref=replace(order.ref, leg=order.ref.leg + 100))

    return order_of


def _carry_out(_kept: Any) -> Any:
    async def close_dry(self: Any, plan: Any) -> EventRecord:
        await self._write_ahead(plan)
        policy = self._desk.rules.policy(self.record.account)
        self.record = await executor.Executor(self._desk, self._lease, self.record, policy).run()
        closed: EventRecord = await self._close()
        return closed

    return close_dry


def _believed(kept: Any) -> Any:
    async def cancel(self: Any, intent: OrderIntent) -> None:
        await kept(self, intent)
        await self._run.change(
            lambda i: i.leg.number == intent.leg.number and i.state is IntentState.WORKING,
            lambda i: i.to(IntentState.DONE, ending=Ending.CANCELLED),
        )

    return cancel


def _twice(kept: Any) -> Any:
    def place(self: Any, order: Any, order_id: int) -> None:
        kept(self, order, order_id)
        kept(self, order, order_id + 500)

    return place


def _doubled_quantity(kept: Any) -> Any:
    return lambda of, intent: replace(kept(of, intent), quantity=intent.quantity * 2)


MUTANTS = (
    Mutant(
        "resend without looking",
        "After an interruption what was being sent is sent again, without a look at the broker.",
        (Swap(executor.Executor, "_doubt", _resend),),
    ),
    Mutant(
        "no write-ahead",
        "Orders go to the socket before `submitting` is durable.",
        (Swap(sending.Sending, "_write_ahead", _late_write),),
    ),
    Mutant(
        "plan anew after a restart",
        "A new process takes an event whose orders may be out for an untouched one and plans it again (the look for "
        "forgotten orders is removed too).",
        (
            Swap(record.EventRecord, "touched", lambda _: property(lambda _: False)),
            Swap(rebalance, "check_forgotten", idle),
            Swap(rebalance, "strangers", always(())),
        ),
    ),
    Mutant(
        "another reference",
        "The order leaves under another orderRef than the one written down.",
        (Swap(sending, "order_of", _another_ref),),
    ),
    Mutant(
        "twice the quantity",
        "The order leaves with twice the quantity written down.",
        (Swap(sending, "order_of", _doubled_quantity),),
    ),
    Mutant(
        "placed twice",
        "Each order is handed to the socket twice.",
        (Swap(simulated_broker.SimulatedBroker, "place", _twice),),
    ),
    Mutant(
        "send without a last look",
        "A batch goes out whatever has become of session and lease since it was written down.",
        (Swap(sending.Sending, "_may_send", always(True)),),
    ),
    Mutant(
        "drop the lease check",
        "A processor believes in its leases for ever (the last look before the socket asks for the lease only).",
        (
            Swap(leases.Leases, "fresh", always(True)),
            Swap(leases.Leases, "holds", always(True)),
            Swap(leases.Leases, "confirm", idle),
            Swap(sending, "_MARK_SHARE", lambda _: 100.0),
        ),
    ),
    Mutant(
        "ids from the gateway's start",
        "Order ids start low in every process: neither nextValidId nor the orders and intents of before raise them.",
        (Swap(orders.OrderBook, "raise_above", always(None)),),
    ),
    Mutant(
        "spend what is not there",
        "Buys count what sells will bring before they have filled.",
        (Swap(execution, "cash_free", _sells_count_at_once),),
    ),
    Mutant(
        "slippage tenfold",
        "Buys may use ten times the announced slippage.",
        (Swap(execution, "cash_free", _slippage_tenfold),),
    ),
    Mutant(
        "ignore expiry",
        "An event with orders out goes on sending after it has expired.",
        (Swap(run.Run, "expired", lambda _: property(lambda _: False)),),
    ),
    Mutant(
        "ignore pauses",
        "A pause or hold stops nothing (neither the worker's reading of it nor the journal's check at the write).",
        (Swap(Pauses, "on", always(None)), Swap(memory_journal.MemoryJournal, "_check_pauses", always(None))),
    ),
    Mutant(
        "a cancel is a cancellation",
        "An order counts as cancelled as soon as that was asked for (and is not asked after at the end).",
        (Swap(deadlines.Deadlines, "_cancel", _believed), Swap(executor, "_cut_short", always(answer=False))),
    ),
    Mutant(
        "marks never grow old",
        "An order leaves however long ago it was written down that it would.",
        (Swap(sending, "_MARK_SHARE", lambda _: 100.0),),
    ),
    Mutant("trade a dry run", "A dry run is carried out.", (Swap(rebalance.Rebalance, "_close_dry", _carry_out),)),
    Mutant(
        "no pace",
        "Messages leave as fast as they come.",
        (Swap(pacing.Pacer, "_free", always(1000)),),
    ),
)
