"""The read models, on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from event_processor.adapters.redis import keys
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.inbox import RedisInbox
from event_processor.adapters.redis.journal import RedisJournal, Retention
from event_processor.adapters.redis.views import PAGE, TIMELINE_MAX, RedisViews
from event_processor.domain.ids import AccountId, EventKey
from tests.support.builders import ACCOUNT, AT
from tests.support.records import accepted, closed

OTHER = AccountId("DU7654321")


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    """A link to an empty server."""
    async with RedisLink(redis_url) as link:
        yield link


async def test_a_status_is_read_until_it_runs_out(link: RedisLink) -> None:
    """What a silent processor said last is not shown for ever; each one says its own."""
    views, journal = RedisViews(link), RedisJournal(link)
    assert await views.statuses() == []
    for name in ("two", "one"):
        await journal.announce(name, (OTHER,))
    await views.write_status("one", {"session": "ready", "at": AT}, 0.1)
    await views.write_status("two", {"session": "down"}, 30)
    assert await views.statuses() == [{"session": "ready", "at": "2026-01-05T15:00:00Z"}, {"session": "down"}]
    await asyncio.sleep(0.15)
    assert await views.statuses() == [{"session": "down"}]
    assert [(login.processor, login.accounts) for login in await views.logins()] == [
        ("one", (OTHER,)),
        ("two", (OTHER,)),
    ]


async def test_a_timeline_keeps_its_latest_facts_in_order(link: RedisLink) -> None:
    """Facts are read oldest first; beyond the cap the oldest go; it stays for its days and not for ever."""
    views, key = RedisViews(link), EventKey("k")
    assert await views.read_timeline(key) == []
    await views.append_timeline(key, [])
    await views.append_timeline(key, [{"n": number, "at": AT} for number in range(TIMELINE_MAX)])
    await views.append_timeline(key, [{"n": "last"}])
    facts = await views.read_timeline(key)
    assert (len(facts), facts[0]["n"], facts[-1]) == (TIMELINE_MAX, 1, {"n": "last"})
    assert 89 < await link.command("look", "TTL", keys.timeline(key)) / 86_400 <= 90


async def test_events_are_listed_latest_first_by_account_and_state(link: RedisLink) -> None:
    """The list narrows to an account and to what is open, and never exceeds its limit."""
    journal, views = RedisJournal(link), RedisViews(link)
    first = await journal.accept(accepted("first", entry=1), [])
    ended = await journal.accept(closed(accepted("ended", entry=2)), [])
    other = await journal.accept(accepted("other", account=OTHER, entry=3), [])
    latest = [other, ended, first]
    for number, record in enumerate(reversed(latest)):
        await link.command("date", "ZADD", keys.RECENT, number, record.key)
    assert await views.recent_events(10) == latest
    assert await views.recent_events(2) == latest[:2]
    assert await views.recent_events(10, ACCOUNT) == [ended, first]
    assert await views.recent_events(10, open_only=True) == [other, first]
    assert await views.recent_events(10, ACCOUNT, open_only=True) == [first]
    assert await views.recent_events(1, OTHER) == [other]


async def test_events_of_one_second_are_listed_in_their_order(link: RedisLink) -> None:
    """Latest first by the moment of acceptance, not by the name of the key."""
    journal, views = RedisJournal(link), RedisViews(link)
    moments = [AT + timedelta(milliseconds=number) for number in range(10)]
    records = [
        await journal.accept(replace(accepted(f"event-{number}", entry=number), accepted_at=at), [])
        for number, at in enumerate(moments)
    ]
    assert await views.recent_events(10) == records[::-1]


async def test_events_are_found_by_key_and_by_their_own_id(link: RedisLink) -> None:
    """A person may give either; an unknown text finds nothing."""
    journal, views = RedisJournal(link), RedisViews(link)
    record = await journal.accept(accepted("2026-01-05"), [])
    assert await views.event(record.key) == record
    assert await views.events_named(record.key) == [record]
    assert await views.events_named("2026-01-05") == [record]
    assert await views.events_named("2026") == []


async def test_a_list_of_events_passes_over_expired_records(link: RedisLink) -> None:
    """What was kept long enough is gone from the list without an error."""
    journal, views = RedisJournal(link), RedisViews(link)
    records = [await journal.accept(accepted(f"event-{n}", entry=n), []) for n in range(120)]
    for record in records[:110]:
        await link.command("expire", "DEL", keys.event(record.key))
    found = await views.recent_events(50)
    assert sorted(record.key for record in found) == sorted(record.key for record in records[110:])


async def test_a_long_list_has_every_event_once(link: RedisLink) -> None:
    """None is left out, or told twice, where one page ends and the next begins."""
    journal, views = RedisJournal(link), RedisViews(link)
    wanted = sorted([(await journal.accept(accepted(f"event-{n}", entry=n), [])).key for n in range(PAGE + 20)])
    assert sorted(record.key for record in await views.recent_events(1000)) == wanted
    assert sorted(record.key for record in await views.recent_events(1000, open_only=True)) == wanted


async def test_an_event_that_ended_while_the_list_was_read_is_not_called_open(link: RedisLink) -> None:
    """The list of names was read a moment before the records were."""
    journal, views = RedisJournal(link), RedisViews(link)
    ended = await journal.accept(closed(accepted("ended", entry=2)), [])
    still = await journal.accept(accepted("still", entry=3), [])
    await link.command("read before it ended", "SADD", keys.open_events(ACCOUNT), ended.key)
    assert await views.recent_events(10, open_only=True) == [still]


async def test_the_list_of_events_is_capped(link: RedisLink) -> None:
    """Only so many events are listed; the records themselves stay."""
    journal, views = RedisJournal(link, Retention(recent_max=3)), RedisViews(link)
    records = [await journal.accept(accepted(f"event-{n}", entry=n), []) for n in range(5)]
    assert len(await views.recent_events(10)) == 3
    assert await views.recent_events(10, open_only=True) == records[::-1]


async def test_a_dead_letter_is_shown_and_put_back(link: RedisLink) -> None:
    """Its event goes to the end of the stream as received; the letter stays and says so."""
    views, inbox = RedisViews(link), RedisInbox(link, "one", 60)
    for body in ("{bad", "{worse"):
        await link.command("add", "XADD", keys.EVENTS, "*", "event", body)
    for entry in await inbox.take(2, 0):
        await inbox.dead_letter(entry, "not JSON", AT)
    assert [letter.event for letter in await views.dead_letters(1)] == ["{worse"]
    worse, bad = await views.dead_letters(10)
    assert (bad.event, bad.reason, bad.at, bad.retried_as) == ("{bad", "not JSON", "2026-01-05T15:00:00Z", "")
    entry_id = await views.retry_dead(bad.dead_id)
    assert [(found.entry_id, found.body) for found in await inbox.take(2, 0)] == [(entry_id, "{bad")]
    assert [letter.retried_as for letter in await views.dead_letters(10)] == ["", entry_id]
    assert worse.entry_id != bad.entry_id


async def test_an_unknown_dead_letter_cannot_be_put_back(link: RedisLink) -> None:
    """Nothing is added for an id that is not there."""
    assert await RedisViews(link).retry_dead("1-1") is None
    assert await link.command("look", "EXISTS", keys.EVENTS) == 0
