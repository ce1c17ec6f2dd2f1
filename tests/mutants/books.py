"""Defects in what is counted, remembered and told."""

# ruff: noqa: ANN401 - a defect takes the place of whatever stands there

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

from event_processor.application import (
    drafts,
    ending,
    executor,
    hearing,
    intake,
    outbox,
    recovery,
    supervisor,
)
from event_processor.domain import agenda, fold
from event_processor.domain.ids import ExecId
from event_processor.domain.intent import OrderIntent
from event_processor.domain.reports import Commission, Execution
from tests.mutants.mutant import Mutant, Swap, always, idle
from tests.support import memory_journal


def _added_up(_kept: Any) -> Any:
    def folded(intent: OrderIntent, commission: Commission) -> OrderIntent:
        return replace(
            intent,
            fills=tuple(
                replace(fill, commission=(fill.commission or Decimal(0)) + commission.amount)
                if fill.exec_id == commission.exec_id
                else fill
                for fill in intent.fills
            ),
        )

    return folded


def _every_time(kept: Any) -> Any:
    numbers = count(1)

    def folded(intent: OrderIntent, execution: Execution) -> OrderIntent:
        grown: OrderIntent = kept(intent, replace(execution, exec_id=ExecId(f"{execution.exec_id}/{next(numbers)}")))
        return grown

    return folded


def _done_is_done(kept: Any) -> Any:
    return lambda intent, execution: intent if intent.ending else kept(intent, execution)


def _acknowledge_too(kept: Any) -> Any:
    async def admit(self: Any, entry: Any, *what: Any) -> None:
        await kept(self, entry, *what)
        await self._inbox.acknowledge([entry.entry_id])

    return admit


def _forgotten(_kept: Any) -> Any:
    async def bury(self: Any, entry: Any, _error: Exception) -> None:
        await self._inbox.acknowledge([entry.entry_id])

    return bury


def _cut_short(kept: Any) -> Any:
    async def bury(self: Any, entry: Any, error: Exception) -> None:
        await kept(self, replace(entry, body=(entry.body or "")[:-1]), error)

    return bury


def _noted_first(kept: Any) -> Any:
    async def write(self: Any, lease: Any, record: Any, notes: Any, *, sending: bool = False) -> Any:
        if record.key in self._state.records:
            self._state.note(notes, record.key)
        return await kept(self, lease, record, (), sending=sending)

    return write


def _marked_first(_kept: Any) -> Any:
    async def pending(journal: Any, outcomes: Any) -> int:
        class Marked:
            async def publish(self, envelopes: Any) -> None:
                await journal.published([outbox_id for outbox_id, _, _ in await journal.unpublished(200)])
                await outcomes.publish(envelopes)

        return int(await _publish_pending(journal, Marked()))

    return pending


_publish_pending: Any = outbox.publish_pending


def _older_first(kept: Any) -> Any:
    return lambda record: tuple(-part for part in kept(record))


def _by_entry(kept: Any) -> Any:
    numbers = count(1)
    return lambda source, event_id: kept(source, f"{event_id}/{next(numbers)}")


MUTANTS = (
    Mutant(
        "another body is a repeat",
        "An event under a known id is taken for a repeat, whatever it says.",
        (Swap(drafts, "body_digest", always("alike")),),
    ),
    Mutant(
        "the older supersedes the newer",
        "Of two events the one that came first is carried out.",
        (Swap(agenda, "arrival", _older_first),),
    ),
    Mutant(
        "review without a hold",
        "An event that needs a person's review does not stop its account.",
        (Swap(ending, "hold", idle),),
    ),
    Mutant(
        "acknowledge before close",
        "An entry is acknowledged as soon as its event is accepted.",
        (Swap(intake.Intake, "_admit", _acknowledge_too),),
    ),
    Mutant(
        "forget dead letters",
        "What cannot be read is acknowledged and forgotten.",
        (Swap(intake.Intake, "_bury", _forgotten),),
    ),
    Mutant(
        "dead letters cut short",
        "A dead letter lacks the last character of its event.",
        (Swap(intake.Intake, "_bury", _cut_short),),
    ),
    Mutant(
        "every delivery is an event",
        "An event that comes again is taken for a new one.",
        (Swap(drafts, "event_key", _by_entry),),
    ),
    Mutant(
        "tell before it is durable",
        "Outcomes are put on the stream before the record they speak of is written.",
        (Swap(memory_journal.MemoryJournal, "write", _noted_first),),
    ),
    Mutant(
        "marked before told",
        "Outcomes are marked as published before they are.",
        (
            Swap(outbox, "publish_pending", _marked_first),
            Swap(supervisor, "publish_pending", _marked_first),
        ),
    ),
    Mutant(
        "execution counted twice",
        "An execution that is reported again is counted again.",
        (Swap(hearing, "fold_execution", _every_time), Swap(recovery, "fold_execution", _every_time)),
    ),
    Mutant(
        "late executions are lost",
        "What is executed after an order counted as over is not written down.",
        (
            Swap(hearing, "fold_execution", _done_is_done),
            Swap(recovery, "fold_execution", _done_is_done),
            Swap(executor.Executor, "_complete", always(True)),
        ),
    ),
    Mutant(
        "commission counted twice",
        "A commission that is reported again is added again.",
        (Swap(hearing, "fold_commission", _added_up), Swap(recovery, "fold_commission", _added_up)),
    ),
    Mutant(
        "corrections ignored",
        "A corrected execution is counted beside the one it corrects.",
        (Swap(fold, "_corrects", always(False)),),
    ),
)
