"""Publishes outcome notes after they are durable: at least once, in order, each under its own lasting id."""

from __future__ import annotations

import asyncio

from event_processor.application.bell import Bell
from event_processor.domain.event_outcomes import outcome_envelope
from event_processor.errors import StoreUnavailable
from event_processor.ports import Journal, Outcomes

_POLL_SECONDS = 1.0
_BATCH = 200


async def run_outbox(journal: Journal, outcomes: Outcomes, bell: Bell) -> None:
    """Until cancelled. Repeats what it is not sure of; readers de-duplicate by the envelope's id."""
    listener = Bell()
    with bell.link(listener):
        while True:
            try:
                published = await publish_pending(journal, outcomes)
            except StoreUnavailable:
                await asyncio.sleep(0.5)
                continue
            if not published:
                await listener.heard(_POLL_SECONDS)


async def publish_pending(journal: Journal, outcomes: Outcomes) -> int:
    """Publish one batch of what is durable and unpublished; how many there were."""
    pending = await journal.unpublished(_BATCH)
    if not pending:
        return 0
    envelopes = [
        outcome_envelope(
            key=record.key,
            event_id=record.event.id,
            event_source=record.event.source,
            account=record.account,
            kind=note.kind,
            mark=note.mark,
            at=note.at,
            data=note.data,
        )
        for _, note, record in pending
    ]
    await outcomes.publish(envelopes)
    await journal.published([outbox_id for outbox_id, _, _ in pending])
    return len(pending)
