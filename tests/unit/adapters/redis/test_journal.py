"""What the journal in Redis adds to its port: how long things are kept, and how little is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.journal import DAY_MS, RedisJournal, Retention
from event_processor.adapters.redis.journal_seen import SEEN_MAX
from event_processor.domain.ids import AccountId, OrderRef
from event_processor.domain.intent import OrderIntent
from event_processor.domain.planning import LEGS_MAX
from event_processor.domain.record import Outcome
from event_processor.domain.settlement import Resolution, Settlement
from event_processor.errors import InvariantViolated, StoreUnavailable, TradingPaused
from event_processor.ports import Lease, Pause
from tests.support.builders import ACCOUNT, AT
from tests.support.records import accepted, closed, note, planned, submitting

DAY_SECONDS = 24 * 3600


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    """A link to an empty server."""
    async with RedisLink(redis_url) as link:
        yield link


async def lease_of(journal: RedisJournal, account: AccountId = ACCOUNT) -> Lease:
    """The account's lease."""
    lease = await journal.acquire(account, "one", 30)
    assert lease is not None
    return lease


async def test_closed_records_run_out_and_open_ones_do_not(link: RedisLink) -> None:
    """An open event is kept for good, a closed one for its days, its identity for longer."""
    journal = RedisJournal(link, Retention(record_days=2, known_days=5))
    record = await journal.accept(accepted(), [])
    assert await link.command("look", "PTTL", keys.event(record.key)) == -1
    record = await journal.write(await lease_of(journal), closed(record), [])
    assert 1.9 * DAY_MS < await link.command("look", "PTTL", keys.event(record.key)) <= 2 * DAY_MS
    assert 4.9 * DAY_MS < await link.command("look", "PTTL", keys.known(record.key)) <= 5 * DAY_MS
    await journal.write(await lease_of(journal), replace(record, reason="a late execution"), [])
    assert await link.command("look", "PTTL", keys.event(record.key)) > 0


async def test_a_name_is_remembered_for_400_days(link: RedisLink) -> None:
    """As the documents say, unless something else is asked for: an event that came again after it would trade anew."""
    journal = RedisJournal(link)
    record = await journal.accept(closed(accepted()), [])
    assert 399.9 < await link.command("look", "TTL", keys.known(record.key)) / DAY_SECONDS <= 400
    assert 89.9 < await link.command("look", "TTL", keys.event(record.key)) / DAY_SECONDS <= 90


async def test_a_persons_word_is_kept_as_long_as_its_event_is_known(link: RedisLink) -> None:
    """A question that was settled does not come up again, and does not stay for ever; each word renews it."""
    journal = RedisJournal(link, Retention(record_days=2, known_days=5))
    word = Settlement("ref-1", accepted().key, "ref-1", Resolution.ABANDON, "ann", AT, "nothing")
    await journal.settle(ACCOUNT, word)
    assert 4.9 * DAY_MS < await link.command("look", "PTTL", keys.settlements(ACCOUNT)) <= 5 * DAY_MS
    await link.command("a day later", "PEXPIRE", keys.settlements(ACCOUNT), 4 * DAY_MS)
    await journal.settle(ACCOUNT, replace(word, mark="ref-2"))
    assert 4.9 * DAY_MS < await link.command("look", "PTTL", keys.settlements(ACCOUNT)) <= 5 * DAY_MS


async def test_a_repeat_is_recognised_after_the_record_ran_out(link: RedisLink) -> None:
    """The same event stays closed with its outcome; another body under its id shows the old digest."""
    journal = RedisJournal(link)
    record = await journal.write(await lease_of(journal), closed(await journal.accept(accepted(), [])), [])
    await link.command("run out", "DEL", keys.event(record.key))
    assert await journal.find(record.key) is None
    assert await journal.accept(accepted(), [note()]) == record
    conflict = await journal.accept(accepted(reason="another body"), [])
    assert (conflict.digest, conflict.outcome) == (record.digest, Outcome.COMPLETED)
    assert await journal.unpublished(10) == []
    assert await journal.open_records() == []


async def test_a_step_of_one_order_sends_only_that_order(link: RedisLink) -> None:
    """Plan and event, large as they are, are written once."""
    journal = RedisJournal(link)
    lease = await lease_of(journal)
    record = await journal.write(lease, planned(await journal.accept(accepted(), [])), [])
    name = keys.event(record.key)
    for field in ("plan", "event", "i:001"):
        await link.command("spoil", "HSET", name, field, "untouched")
    await journal.write(lease, submitting(record), [])
    assert await link.command("look", "HMGET", name, "plan", "event", "i:001") == ["untouched"] * 3


async def test_a_record_from_another_history_is_refused(link: RedisLink) -> None:
    """The same revision number from another write (a fail-over lost ours) is not built upon."""
    journal = RedisJournal(link)
    lease = await lease_of(journal)
    record = await journal.write(lease, planned(await journal.accept(accepted(), [])), [])
    await link.command("change", "HSET", keys.event(record.key), "write", "another")
    with pytest.raises(InvariantViolated, match="lost or gained"):
        await journal.write(lease, submitting(record), [])


async def test_more_records_than_are_remembered_are_written_just_as_well(link: RedisLink) -> None:
    """What fell out of memory is sent whole and read back equal."""
    journal = RedisJournal(link)
    lease = await lease_of(journal)
    records = [
        await journal.write(lease, planned(await journal.accept(accepted(f"event-{n}", entry=n), [])), [])
        for n in range(SEEN_MAX + 5)
    ]
    written = [await journal.write(lease, submitting(record), []) for record in records]
    assert await RedisJournal(link).open_records() == written
    assert await journal.open_records() == written


async def test_what_another_has_written_since_is_read_and_not_remembered(link: RedisLink) -> None:
    """Two processes work on one account in turn: neither takes the record it saw last for the one that is there now."""
    one, other = RedisJournal(link), RedisJournal(link)
    lease = await lease_of(one)
    seen = await one.write(lease, planned(await one.accept(accepted(), [])), [])
    assert await one.open_records() == [seen]
    written = await other.write(lease, submitting(seen), [note()])
    assert await one.open_records() == [written]
    assert [record for _, _, record in await one.unpublished(10)] == [written]


@pytest.mark.parametrize("refused", [False, True])
async def test_a_write_that_arrives_late_is_no_bug(link: RedisLink, refused: bool) -> None:
    """Nobody knew what had become of it, and something else was to be written since, were it refused because of a
    pause: the event has to be looked up again, and the account does not halt."""
    journal, other = RedisJournal(link), RedisJournal(link)
    lease = await lease_of(journal)
    record = await journal.write(lease, planned(await journal.accept(accepted(), [])), [])
    send = link.script

    async def lost(*_: object, **__: object) -> None:
        raise StoreUnavailable("no answer")

    link.script = lost  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await journal.write(lease, submitting(record), [])
    link.script = send  # type: ignore[method-assign]
    if refused:
        await journal.pause(Pause(ACCOUNT, "by a person", AT))
        with pytest.raises(TradingPaused):
            await journal.write(lease, submitting(record), [note()], sending=True)
        await journal.resume(ACCOUNT)
    assert await other.find(record.key) == record
    await other.write(lease, submitting(record), [])
    with pytest.raises(StoreUnavailable, match="arrived late"):
        await journal.write(lease, replace(record, reason="something else"), [])


async def test_each_of_very_many_orders_has_its_own_place(link: RedisLink) -> None:
    """None is written over another, however many digits its number has, and a step of one leaves the others alone."""
    journal = RedisJournal(link)
    lease = await lease_of(journal)
    record = planned(await journal.accept(accepted(), []))
    leg = record.intents[0].leg
    refs = [OrderRef.derive(record.key, record.account, number) for number in range(1, LEGS_MAX + 1)]
    intents = tuple(OrderIntent(ref, replace(leg, number=n), leg.quantity) for n, ref in enumerate(refs, 1))
    record = await journal.write(lease, replace(record, intents=intents), [])
    record = await journal.write(lease, submitting(record, 950), [])
    assert await RedisJournal(link).find(record.key) == record


async def test_the_highest_order_id_of_a_write_is_kept(link: RedisLink) -> None:
    """Wherever in the plan it stands: an id below it would be refused, or mean another order."""
    journal = RedisJournal(link)
    record = planned(await journal.accept(accepted(), []))
    sent = [replace(i, order_id=order_id, client_id=17) for i, order_id in zip(record.intents, (90, 12), strict=True)]
    await journal.write(await lease_of(journal), replace(record, intents=tuple(sent)), [])
    assert await journal.order_id_floor(17) == 90


async def test_a_record_that_vanished_while_it_is_open_is_no_smaller_list(link: RedisLink) -> None:
    """An open event without its record means the store lost it; that is never passed over."""
    journal = RedisJournal(link)
    record = await journal.accept(accepted(), [])
    await link.command("lose", "DEL", keys.event(record.key))
    with pytest.raises(InvariantViolated, match="lacks"):
        await journal.open_records()


async def test_an_event_closed_and_opened_again_is_kept_for_good(link: RedisLink) -> None:
    """Whatever is open has no time to live and is listed."""
    journal = RedisJournal(link)
    lease = await lease_of(journal)
    record = await journal.write(lease, closed(await journal.accept(accepted(), [])), [])
    record = await journal.write(lease, replace(record, stage=accepted().stage, outcome=None), [])
    assert await link.command("look", "PTTL", keys.event(record.key)) == -1
    assert await journal.open_records(ACCOUNT) == [record]


async def test_an_event_that_ended_while_open_ones_were_looked_up_is_not_open(link: RedisLink) -> None:
    """The names were read a moment before the records were; nobody begins with it anew."""
    journal = RedisJournal(link)
    ended = await journal.write(await lease_of(journal), closed(await journal.accept(accepted(), [])), [])
    await link.command("read before it ended", "SADD", keys.open_events(ACCOUNT), ended.key)
    assert await journal.open_records() == []


async def test_the_last_event_closed_is_found_behind_those_of_others(link: RedisLink) -> None:
    """Another account may have had many since."""
    journal = RedisJournal(link)
    mine = await journal.accept(closed(accepted("mine")), [])
    for number in range(90):
        await journal.accept(closed(accepted(f"other-{number}", account=AccountId("DU7654321"), entry=number)), [])
    for number, key in enumerate(await link.command("look", "ZRANGE", keys.RECENT, 0, -1)):
        await link.command("date", "ZADD", keys.RECENT, 0 if key == mine.key else number + 1, key)
    assert await journal.last_closed(ACCOUNT) == [mine]
