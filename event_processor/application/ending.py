"""How an event ends: its final outcome is written, and where a person has to look, its account is held first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from event_processor.application import telling
from event_processor.application.desk import Desk
from event_processor.application.run import write
from event_processor.domain.closing import Conclusion
from event_processor.domain.facts import AccountHeld
from event_processor.domain.ids import AccountId, EventKey
from event_processor.domain.record import EventRecord, Outcome, OutcomeNote, Stage
from event_processor.errors import ForeignOrdersOpen, StoreUnavailable
from event_processor.ports import Lease, Pause


async def hold(desk: Desk, account: AccountId, reason: str, event: EventKey | None = None) -> None:
    """Stop trading of one account until a person has settled what `event`, and those before it, left open."""
    events = () if event is None else (event,)
    pause = Pause(scope=account, reason=reason, at=desk.clock.now(), held=True, events=events)
    desk.pauses.hold(pause)
    desk.observer.observe(AccountHeld(account=account, reason=reason))
    while True:  # as long as the store is away this account does nothing else
        try:
            before = [
                key for one in await desk.journal.pauses() if one.held and one.scope == account for key in one.events
            ]
            await desk.journal.pause(replace(pause, events=tuple(dict.fromkeys((*before, *events)))))
        except StoreUnavailable:
            await asyncio.sleep(desk.settings.retry)
        else:
            return desk.pauses.stored(pause)


async def close(
    desk: Desk,
    lease: Lease,
    record: EventRecord,
    conclusion: Conclusion,
    data: dict[str, Any] | None = None,
    notes: Sequence[OutcomeNote] = (),
) -> EventRecord:
    """Write the final outcome; only after that may the stream entry be acknowledged and people be told."""
    if conclusion.outcome is Outcome.NEEDS_REVIEW and conclusion.reason_code != ForeignOrdersOpen.reason_code:
        desk.book.doubted(record.account)
        await hold(desk, record.account, f"event {record.event.id} needs review: {conclusion.reason}", record.key)
    now = desk.clock.now()
    told = {**(data or {}), "reason_code": conclusion.reason_code, "reason": conclusion.reason}
    closed = replace(
        record,
        stage=Stage.CLOSED,
        outcome=conclusion.outcome,
        reason_code=conclusion.reason_code,
        reason=conclusion.reason,
        closed_at=now,
        summary=told,
    )
    final = OutcomeNote(kind=conclusion.outcome, mark="", at=now, data=told)
    written = await write(desk, lease, closed, [*notes, final])
    telling.closed(desk, written, conclusion.outcome)
    return written
