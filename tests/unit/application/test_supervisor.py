from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from event_processor.application.intake import Intake
from event_processor.application.supervisor import Supervisor
from event_processor.domain.facts import StoreUnsafe
from event_processor.domain.ids import AccountId
from event_processor.domain.policy import AccountRule
from event_processor.domain.record import EventRecord, Outcome
from event_processor.errors import ConfigurationError
from tests.support.builders import event_body
from tests.support.process import LEASE_SECONDS
from tests.support.records import accepted, note
from tests.support.stories import ACCOUNT, mixed, mixed_event
from tests.support.virtual_time import run_virtual
from tests.support.world import World

UNSAFE = "appendonly is off"


def test_a_store_that_may_forget_is_refused_in_live_trading_only() -> None:
    """With paper money it is told, and trading goes on."""

    async def story() -> World:
        world = World(mixed())
        world.store.findings.append(UNSAFE)
        desk = world.start().desk
        await asyncio.sleep(1)
        client = world.store.client("live", LEASE_SECONDS)
        live = Supervisor(desk, client.outcomes, lambda _: cast("Intake", None), version="0", trading_mode="live")
        with pytest.raises(ConfigurationError, match=UNSAFE):
            await live.run()
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert [fact.findings for fact in world.facts if isinstance(fact, StoreUnsafe)] == [(UNSAFE,)]
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED]


def test_a_tidy_stop_leaves_nothing_behind() -> None:
    """What is durable is told, and the accounts are free for another processor at once."""

    async def story() -> World:
        world = World(mixed())
        world.start()
        world.publish(mixed_event())
        await world.settle()
        assert world.store.lease_now(AccountId(ACCOUNT)) is not None
        [record] = world.store.records.values()
        world.store.note([note(Outcome.DEFERRED)], record.key)
        await world.close()
        assert world.store.lease_now(AccountId(ACCOUNT)) is None
        return world

    assert run_virtual(story()).store.outbox == {}


def test_an_open_event_whose_entry_is_gone_is_found_by_its_record() -> None:
    """The stream was trimmed, or another processor took the entry and died: the journal still has the event."""

    async def story() -> World:
        world = World(mixed(), rules=[AccountRule("growth", ACCOUNT, armed=True)])
        left = accepted(account=AccountId(ACCOUNT), dry_run=True, targets=[{"symbol": "SPY", "weight": 1}])
        left = replace(left, accepted_at=world.clock.now(), revision=1)
        world.store.records[left.key] = left
        world.start()
        await world.settle(limit_seconds=60)
        await world.close()
        return world

    [record] = run_virtual(story()).store.records.values()
    assert (record.outcome, record.reason_code) == (Outcome.COMPLETED, "dry_run")


def test_accounts_with_nothing_open_do_not_look_at_the_store_while_another_trades() -> None:
    """Each report and each outcome rings; it must not cost as many looks as there are accounts."""
    quiet = "DU7654321"
    looks: list[AccountId | None] = []

    async def story() -> World:
        calm = mixed()
        world = World(replace(calm, accounts=(*calm.accounts, replace(calm.accounts[0], number=quiet))))
        journal = world.start().desk.journal
        open_records = journal.open_records

        async def counted(account: AccountId | None = None) -> Sequence[EventRecord]:
            looks.append(account)
            return await open_records(account)

        world.publish(json.dumps({**event_body(account=quiet, dry_run=True), "id": "before"}))
        await world.settle()
        journal.open_records = counted  # type: ignore[method-assign]
        world.publish(mixed_event())
        await world.settle()
        await world.close()
        return world

    world = run_virtual(story())
    assert [record.outcome for record in world.store.records.values()] == [Outcome.COMPLETED] * 2
    assert looks.count(AccountId(ACCOUNT)) > 1
    assert looks.count(AccountId(quiet)) <= 1
