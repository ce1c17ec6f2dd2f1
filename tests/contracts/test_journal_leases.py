"""What every Journal must do with leases, pauses and settlements."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from event_processor.domain.ids import AccountId
from event_processor.domain.settlement import Resolution, Settlement
from event_processor.errors import LeaseLost, TradingPaused
from event_processor.ports import Pause
from tests.support.builders import ACCOUNT, AT
from tests.support.records import accepted, planned, submitting
from tests.support.stores import Store

SHORT = 0.1
OTHER = AccountId("DU7654321")


async def test_one_owner_holds_an_account(store: Store) -> None:
    """Another owner gets None, the owner itself the same token, another account its own lease."""
    journal = store.client().journal
    lease = await journal.acquire(ACCOUNT, "one", 30)
    assert lease is not None
    assert await journal.acquire(ACCOUNT, "two", 30) is None
    assert await journal.acquire(ACCOUNT, "one", 30) == lease
    assert await journal.acquire(OTHER, "two", 30) is not None


async def test_tokens_only_grow(store: Store) -> None:
    """Each new holder has a higher token, after a release as after a lease that ran out."""
    journal = store.client().journal
    tokens = []
    for owner in ("one", "two", "one", "one"):
        lease = await journal.acquire(ACCOUNT, owner, SHORT)
        assert lease is not None
        tokens.append(lease.token)
        if owner == "two":
            await journal.release(lease)
        else:
            await asyncio.sleep(SHORT * 1.5)
    assert tokens == sorted(set(tokens))


async def test_a_renewed_lease_lasts(store: Store) -> None:
    """While it is renewed nobody else gets the account; once it is not, somebody does."""
    journal = store.client().journal
    lease = await journal.acquire(ACCOUNT, "one", SHORT)
    assert lease is not None
    for _ in range(4):
        await asyncio.sleep(SHORT / 2)
        await journal.renew_lease(lease)
        assert await journal.acquire(ACCOUNT, "two", SHORT) is None
    await asyncio.sleep(SHORT * 1.5)
    assert await journal.acquire(ACCOUNT, "two", SHORT) is not None


async def test_a_lease_that_is_acquired_again_lasts_anew(store: Store) -> None:
    """From the second request on, for as long as that asked for."""
    journal = store.client().journal
    await journal.acquire(ACCOUNT, "one", SHORT)
    await journal.acquire(ACCOUNT, "one", 30)
    await asyncio.sleep(SHORT * 1.5)
    assert await journal.acquire(ACCOUNT, "two", 30) is None


async def test_a_lost_lease_can_neither_be_renewed_nor_write_nor_release(store: Store) -> None:
    """Who slept through its lease finds the account taken, and cannot harm the new holder."""
    journal = store.client().journal
    record = await journal.accept(accepted(), [])
    lost = await journal.acquire(ACCOUNT, "one", SHORT)
    assert lost is not None
    await asyncio.sleep(SHORT * 1.5)
    with pytest.raises(LeaseLost):
        await journal.write(lost, planned(record), [])
    held = await journal.acquire(ACCOUNT, "two", 30)
    assert held is not None
    with pytest.raises(LeaseLost):
        await journal.renew_lease(lost)
    with pytest.raises(LeaseLost):
        await journal.write(lost, planned(record), [])
    await journal.release(lost)
    assert (await journal.write(held, planned(record), [])).revision == 2


async def test_an_earlier_lease_of_the_same_owner_is_lost_too(store: Store) -> None:
    """The token counts, not the name: what began under an old lease must stop."""
    journal = store.client().journal
    record = await journal.accept(accepted(), [])
    old = await journal.acquire(ACCOUNT, "one", 30)
    assert old is not None
    await journal.release(old)
    assert await journal.acquire(ACCOUNT, "one", 30) is not None
    with pytest.raises(LeaseLost):
        await journal.write(old, planned(record), [])


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("scope", ["all", ACCOUNT])
async def test_a_pause_or_hold_forbids_sending_and_nothing_else(store: Store, scope: str, held: bool) -> None:
    """A sending write is refused without effect and says why; other writes go on; after resume it goes."""
    journal = store.client().journal
    lease = await journal.acquire(ACCOUNT, "one", 30)
    assert lease is not None
    record = await journal.accept(accepted(), [])
    pause = Pause(scope, "looking into it", AT, held)
    await journal.pause(pause)
    record = await journal.write(lease, planned(record), [])
    with pytest.raises(TradingPaused, match="looking into it") as refused:
        await journal.write(lease, submitting(record), [], sending=True)
    assert refused.value.reason_code == ("held" if held else "paused")
    assert await journal.find(record.key) == record
    assert await journal.pauses() == [pause]
    assert await journal.resume(scope)
    assert (await journal.write(lease, submitting(record), [], sending=True)).revision == 3


async def test_a_pause_of_another_account_forbids_nothing(store: Store) -> None:
    """A pause stays in its scope."""
    journal = store.client().journal
    lease = await journal.acquire(ACCOUNT, "one", 30)
    assert lease is not None
    await journal.pause(Pause(OTHER, "theirs", AT))
    record = planned(await journal.accept(accepted(), []))
    assert (await journal.write(lease, record, [], sending=True)).revision == 2


async def test_resume_lifts_pause_and_hold_of_its_scope_only(store: Store) -> None:
    """A hold does not replace a pause; both go together, others stay; nothing to lift is False."""
    journal = store.client().journal
    both = [Pause(ACCOUNT, "person", AT), Pause(ACCOUNT, "review", AT, held=True)]
    everywhere = Pause("all", "person", AT)
    for pause in (*both, everywhere):
        await journal.pause(pause)
    assert sorted(await journal.pauses(), key=repr) == sorted([*both, everywhere], key=repr)
    assert await journal.resume(ACCOUNT)
    assert not await journal.resume(ACCOUNT)
    assert await journal.pauses() == [everywhere]


async def test_pauses_are_told_oldest_first(store: Store) -> None:
    """In the order in which people set them, whatever their scopes are called."""
    journal = store.client().journal
    pauses = [Pause(scope, "person", AT + timedelta(minutes=n)) for n, scope in enumerate(("all", OTHER, ACCOUNT))]
    for pause in reversed(pauses):
        await journal.pause(pause)
    assert await journal.pauses() == pauses


async def test_a_new_start_takes_over_from_its_former_self_and_fences_it_off(store: Store) -> None:
    """A restarted processor need not wait for its own old lease, and the old start can no longer renew it."""
    journal = store.client().journal
    old = await journal.acquire(ACCOUNT, "one#1", 30)
    new = await journal.acquire(ACCOUNT, "one#2", 30)
    assert old is not None
    assert new is not None
    assert new.token > old.token
    for other in ("two#1", "two#3", "one#1"):
        assert await journal.acquire(ACCOUNT, other, 30) is None, other
    with pytest.raises(LeaseLost):
        await journal.renew_lease(old)


async def test_starts_are_compared_as_numbers(store: Store) -> None:
    """The tenth start takes over from the ninth."""
    journal = store.client().journal
    assert await journal.acquire(ACCOUNT, "one#9", 30) is not None
    assert await journal.acquire(ACCOUNT, "one#10", 30) is not None
    assert await journal.acquire(ACCOUNT, "one#9", 30) is None


async def test_a_pause_is_lifted_only_as_it_was_seen(store: Store) -> None:
    """One that took its place meanwhile stays, and so does the other kind of the same scope."""
    journal = store.client().journal
    seen = Pause(ACCOUNT, "review", AT, held=True, events=(accepted().key,))
    newer = replace(seen, reason="another review")
    by_hand = Pause(ACCOUNT, "person", AT)
    for pause in (by_hand, seen, newer):
        await journal.pause(pause)
    assert not await journal.lift(seen)
    assert await journal.lift(newer)
    assert not await journal.lift(newer)
    assert await journal.pauses() == [by_hand]


async def test_the_first_word_on_a_question_stays(store: Store) -> None:
    """Every client reads it back as it was said; a second one changes nothing and gets the first as its answer."""
    journal = store.client().journal
    first = Settlement("ref-1", accepted().key, "ref-1", Resolution.ADOPT, "ann", AT, "open (Submitted)", Decimal(3))
    second = replace(first, resolution=Resolution.ABANDON, by="bob")
    later = replace(first, mark="ref-2", at=AT + timedelta(seconds=1), follow_up="resubmit-ref-2")
    assert await journal.settlements(ACCOUNT) == []
    assert await journal.settle(ACCOUNT, later) == later
    assert await journal.settle(ACCOUNT, first) == first
    assert await journal.settle(ACCOUNT, second) == first
    assert await store.client("two").journal.settlements(ACCOUNT) == [first, later]
    assert await journal.settlements(OTHER) == []


async def test_every_processor_hears_which_accounts_the_others_have(store: Store) -> None:
    """The latest word of each counts, with its age; who has nothing to tell is known by what it told before."""
    one, two = store.client("one").journal, store.client("two").journal
    assert [(login.processor, login.accounts) for login in await one.announce("one", ())] == [("one", ())]
    await one.announce("one", (ACCOUNT,))
    await asyncio.sleep(SHORT)
    known = await two.announce("two", (OTHER, ACCOUNT))
    assert [(login.processor, login.accounts) for login in known] == [("one", (ACCOUNT,)), ("two", (OTHER, ACCOUNT))]
    assert known[0].seconds_ago >= SHORT > known[1].seconds_ago
    again = await one.announce("one", ())
    assert again[0].accounts == (ACCOUNT,)
    assert again[0].seconds_ago < SHORT
