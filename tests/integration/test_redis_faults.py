"""The Redis adapters when the server or the way to it fails: StoreUnavailable, one effect, then as before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink, Timing
from event_processor.adapters.redis.inbox import RedisInbox
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.adapters.redis.outcomes import RedisOutcomes
from event_processor.domain.record import EventRecord
from event_processor.entrypoints.demo.redis_server import RedisServer
from event_processor.errors import InvariantViolated, StoreUnavailable
from event_processor.ports import Lease, Pause
from tests.support.builders import ACCOUNT, AT
from tests.support.lossy_proxy import Loss, LossyProxy
from tests.support.records import accepted, filled, note, planned, submitting

QUICK = Timing(connect=0.3, answer=0.3, total=2.0, pause=0.02, tries=3)


@pytest.fixture
async def link(own_redis_server: RedisServer) -> AsyncIterator[RedisLink]:
    """A quick-tempered link to a server of the test's own."""
    async with RedisLink(own_redis_server.url, timing=QUICK) as link:
        yield link


@pytest.fixture
async def proxy(own_redis_server: RedisServer) -> AsyncIterator[LossyProxy]:
    """A bad line to the server."""
    async with LossyProxy(own_redis_server.port) as proxy:
        yield proxy


@pytest.fixture
async def bad_line(proxy: LossyProxy) -> AsyncIterator[RedisLink]:
    """A quick-tempered link over the bad line."""
    async with RedisLink(f"redis://127.0.0.1:{proxy.port}/0", timing=QUICK) as link:
        yield link


async def begun(journal: RedisJournal) -> tuple[Lease, EventRecord]:
    """A planned event and its account's lease."""
    record = await journal.accept(accepted(), [])
    lease = await journal.acquire(ACCOUNT, "one", 30)
    assert lease is not None
    return lease, await journal.write(lease, planned(record), [])


@pytest.mark.parametrize("loss", [Loss.REQUEST, Loss.REPLY])
async def test_a_broken_connection_during_a_write_has_one_effect(
    proxy: LossyProxy, bad_line: RedisLink, loss: Loss
) -> None:
    """Lost before or after it was carried out: the write repeats itself and counts once."""
    journal = RedisJournal(bad_line)
    lease, record = await begun(journal)
    proxy.plan(b"EVALSHA", loss, loss)
    written = await journal.write(lease, submitting(record), [note(mark="once")], sending=True)
    assert proxy.seen == 2
    assert written.revision == record.revision + 1
    assert await RedisJournal(bad_line).find(record.key) == written
    assert len(await journal.unpublished(10)) == 1


@pytest.mark.parametrize("loss", [Loss.REQUEST, Loss.REPLY])
async def test_a_broken_connection_during_acceptance_has_one_effect(
    proxy: LossyProxy, bad_line: RedisLink, loss: Loss
) -> None:
    """An event is accepted once, with its note once."""
    journal = RedisJournal(bad_line)
    await journal.accept(accepted("warm up"), [])
    proxy.plan(b"EVALSHA", loss)
    record = await journal.accept(accepted(), [note()])
    assert proxy.seen == 1
    assert record == replace(accepted(), revision=1)
    assert len(await journal.unpublished(10)) == 1


async def test_a_call_repeated_after_doubt_has_one_effect(proxy: LossyProxy, bad_line: RedisLink) -> None:
    """When every try lost its answer the caller is told, and may simply call again."""
    journal = RedisJournal(bad_line)
    lease, record = await begun(journal)
    proxy.plan(b"EVALSHA", *[Loss.REPLY] * QUICK.tries)
    with pytest.raises(StoreUnavailable):
        await journal.write(lease, submitting(record), [note(mark="once")])
    written = await journal.write(lease, submitting(record), [note(mark="once")])
    assert written.revision == record.revision + 1
    assert len(await journal.unpublished(10)) == 1


async def test_a_write_that_arrives_late_is_recognised(proxy: LossyProxy, bad_line: RedisLink) -> None:
    """A write given up that arrives after all is no reason to halt: look again, then go on."""
    journal = RedisJournal(bad_line)
    lease, record = await begun(journal)
    proxy.plan(b"EVALSHA", *[Loss.HELD] * QUICK.tries)
    with pytest.raises(StoreUnavailable):
        await journal.write(lease, submitting(record), [])
    assert await journal.find(record.key) == record
    await proxy.deliver()
    with pytest.raises(StoreUnavailable, match="late"):
        await journal.write(lease, replace(record, reason="another"), [])
    found = await journal.find(record.key)
    assert found == replace(submitting(record), revision=record.revision + 1)
    assert (await journal.write(lease, filled(found), [])).revision == found.revision + 1


async def test_a_lift_whose_answer_was_lost_is_not_taken_for_anothers(proxy: LossyProxy, bad_line: RedisLink) -> None:
    """Sent a second time by itself it would find no hold, and a person would hear of a new one in its place."""
    journal = RedisJournal(bad_line)
    hold = Pause(ACCOUNT, "review", AT, held=True)
    assert not await journal.lift(hold)
    await journal.pause(hold)
    proxy.plan(b"EVALSHA", Loss.REPLY)
    with pytest.raises(StoreUnavailable):
        await journal.lift(hold)
    assert await journal.pauses() == []


async def test_an_entry_lost_on_the_way_is_handed_out_by_the_next_take(proxy: LossyProxy, bad_line: RedisLink) -> None:
    """The server counts an entry as delivered though nobody saw it: it is not lost, nor handed out twice."""
    inbox = RedisInbox(bad_line, "one", 60)
    await bad_line.command("add", "XADD", keys.EVENTS, "*", "event", "seen")
    assert [entry.body for entry in await inbox.take(10, 0)] == ["seen"]
    await bad_line.command("add", "XADD", keys.EVENTS, "*", "event", "lost on the way")
    proxy.plan(b"XREADGROUP", Loss.REPLY)
    with pytest.raises(StoreUnavailable):
        await inbox.take(10, 0)
    assert [entry.body for entry in await inbox.take(10, 0)] == ["lost on the way"]


async def test_a_cancelled_take_loses_nothing(link: RedisLink) -> None:
    """Cancelling a waiting take at any moment leaves every entry to the next one."""
    inbox = RedisInbox(link, "one", 60)
    await inbox.take(1, 0)
    bodies = []
    for number in range(10):
        waiting = asyncio.create_task(inbox.take(1, 1))
        await asyncio.sleep(0.002 * number)
        await link.command("add", "XADD", keys.EVENTS, "*", "event", str(number))
        waiting.cancel()
        [result] = await asyncio.gather(waiting, return_exceptions=True)
        bodies += [entry.body for entry in result] if isinstance(result, list) else []
    bodies += [entry.body for _ in range(10) for entry in await inbox.take(1, 0)]
    assert sorted(bodies, key=str) == [str(number) for number in range(10)]


async def test_a_server_that_stops_and_starts_again(own_redis_server: RedisServer, link: RedisLink) -> None:
    """While it is away every port says so in time; then everything confirmed is there and work goes on."""
    journal, inbox, outcomes = RedisJournal(link), RedisInbox(link, "one", 60), RedisOutcomes(link)
    lease, record = await begun(journal)
    await link.command("add", "XADD", keys.EVENTS, "*", "event", "waiting")
    own_redis_server.kill()
    for call in (
        journal.write(lease, submitting(record), []),
        journal.find(record.key),
        journal.renew_lease(lease),
        inbox.take(1, 10),
        outcomes.publish([{"id": "1"}]),
    ):
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(call, 2 * QUICK.total)
    own_redis_server.start()
    assert await journal.find(record.key) == record
    assert (await journal.write(lease, submitting(record), [])).revision == record.revision + 1
    assert [entry.body for entry in await inbox.take(1, 0)] == ["waiting"]
    await outcomes.publish([{"id": "1"}])
    assert await link.command("look", "XLEN", keys.OUTCOMES) == 1


async def test_a_server_that_hangs_is_given_up_in_time(own_redis_server: RedisServer, link: RedisLink) -> None:
    """A frozen server costs a bounded wait; after it thaws, the repeated write has one effect."""
    journal = RedisJournal(link)
    lease, record = await begun(journal)
    own_redis_server.freeze()
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(StoreUnavailable, match="in time"):
        await journal.write(lease, submitting(record), [note()])
    assert loop.time() - started < QUICK.total + 0.5
    own_redis_server.thaw()
    written = await journal.write(lease, submitting(record), [note()])
    assert written.revision == record.revision + 1
    assert len(await journal.unpublished(10)) == 1


async def test_a_full_server_takes_no_writes_and_says_so(link: RedisLink) -> None:
    """With noeviction and no memory left nothing is half written; with memory again it goes on."""
    journal, inbox = RedisJournal(link), RedisInbox(link, "one", 60)
    lease, record = await begun(journal)
    await link.command("add", "XADD", keys.EVENTS, "*", "event", "bad")
    [entry] = await inbox.take(1, 0)
    await link.command("fill", "CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StoreUnavailable, match="full"):
        await journal.write(lease, submitting(record, order_id=99), [note()], sending=True)
    with pytest.raises(StoreUnavailable, match="full"):
        await journal.accept(accepted("event-2"), [])
    with pytest.raises(StoreUnavailable, match="full"):
        await RedisOutcomes(link).publish([{"id": "1"}])
    with pytest.raises(StoreUnavailable, match="full"):
        await inbox.dead_letter(entry, "bad", AT)
    assert await journal.find(record.key) == record
    assert (await journal.order_id_floor(1), await journal.unpublished(10)) == (0, [])
    await link.command("empty", "CONFIG", "SET", "maxmemory", "0")
    assert (await journal.write(lease, submitting(record), [])).revision == record.revision + 1
    await inbox.dead_letter(entry, "bad", AT)
    assert await link.command("look", "XLEN", keys.DEAD) == 1


async def test_a_wiped_server_is_noticed(link: RedisLink) -> None:
    """The inbox makes its group anew and goes on; the journal knows that a write was lost."""
    journal, inbox = RedisJournal(link), RedisInbox(link, "one", 60)
    lease, record = await begun(journal)
    await link.command("add", "XADD", keys.EVENTS, "*", "event", "before")
    [entry] = await inbox.take(1, 0)
    await link.command("wipe", "FLUSHALL")
    assert list(await inbox.renew([entry.entry_id])) == [entry.entry_id]
    await link.command("add", "XADD", keys.EVENTS, "*", "event", "after")
    assert [found.body for found in await inbox.take(1, 0)] == ["after"]
    lease = await journal.acquire(ACCOUNT, "one", 30) or lease
    with pytest.raises(InvariantViolated, match="none"):
        await journal.write(lease, submitting(record), [])


async def test_a_server_that_forgot_our_scripts_gets_them_again(link: RedisLink) -> None:
    """After a restart or a fail-over the scripts are sent whole once more."""
    journal = RedisJournal(link)
    lease, record = await begun(journal)
    await link.command("forget", "SCRIPT", "FLUSH")
    assert (await journal.write(lease, submitting(record), [])).revision == record.revision + 1
