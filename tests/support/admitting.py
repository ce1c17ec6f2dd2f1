"""The intake at a store in memory, for tests on virtual time."""

from __future__ import annotations

import asyncio

from event_processor.application.accounts import AccountRules
from event_processor.application.bell import Bell
from event_processor.application.intake import Intake, IntakeSettings
from event_processor.domain.ids import EntryId
from event_processor.domain.policy import AccountRule
from event_processor.domain.record import EventRecord, Outcome
from tests.support.builders import ACCOUNT
from tests.support.making import FactBook, LoopClock
from tests.support.memory_store import MemoryStore
from tests.support.records import closed

RULES = [
    AccountRule("growth", ACCOUNT, armed=True),
    AccountRule("resting", "DU7654321", armed=False),
    AccountRule("real", "U1234567", armed=True),
]
SETTINGS = IntakeSettings(ttl_seconds=3600, delivery_limit=5)


class Door:
    """An intake at a store in memory, with what it handed on and told."""

    def __init__(self, store: MemoryStore | None = None, consumer: str = "one") -> None:
        self.store = store or MemoryStore()
        client = self.store.client(consumer)
        self.facts, self.dispatched = FactBook(), list[EventRecord]()
        self.suspects = set[str]()
        self.intake = Intake(
            client.inbox,
            client.journal,
            AccountRules("paper", RULES),
            LoopClock(),
            self.facts,
            Bell(),
            self.dispatched.append,
            SETTINGS,
            lambda record: record.event.id in self.suspects,
        )

    @property
    def record(self) -> EventRecord:
        """The only record there is."""
        [only] = self.store.records.values()
        return only

    def outcomes(self) -> list[Outcome]:
        return [note.kind for note, _ in self.store.outbox.values()]

    def close(self) -> None:
        """What the account's worker does at the end of an event."""
        self.store.records[self.record.key] = closed(self.record)
        self.intake.closed(self.record.key)

    def check_done_with(self, entry_id: EntryId) -> None:
        assert entry_id in self.store.delivered
        assert entry_id not in self.store.pending


async def soon() -> None:
    await asyncio.sleep(2)
