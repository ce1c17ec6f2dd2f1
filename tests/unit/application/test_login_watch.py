from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest

from event_processor.application.login_watch import WatchSettings
from event_processor.domain.contract import TradingInterval
from event_processor.domain.login_facts import LoginDone, LoginDue, LoginNeeded, LoginOverdue
from event_processor.domain.session import SessionEvent, SessionState
from event_processor.domain.weekly import GatewayHours
from event_processor.errors import GatewayDisconnected, LoginRequired
from tests.support.making import running
from tests.support.records import accepted, planned
from tests.support.virtual_time import run_virtual
from tests.support.watching import Room

S, E = SessionState, SessionEvent
DEADLINE = datetime(2026, 1, 11, 6, tzinfo=UTC)
"""Sunday, 01:00 in New York."""
MARKET_OPENS = datetime(2026, 1, 12, 14, 30, tzinfo=UTC)
"""Monday, 9:30 in New York."""
EVENING = datetime(2026, 1, 11, 22, tzinfo=UTC)
"""Sunday evening: the market opens in sixteen hours and a half."""
HOUR, DAY = 3600.0, 24 * 3600.0


def play(room: Room, story: Callable[[Room], Coroutine[Any, Any, None]], limit: float = 10 * DAY) -> None:
    async def main() -> None:
        async with running(room.keeper.run()), running(room.watch().run()):
            await story(room)

    run_virtual(main(), limit_seconds=limit)


# before the deadline


def test_people_are_reminded_a_day_and_an_hour_before_once_each() -> None:
    """Within half a minute of the hour, and never again for that deadline, also not by a new process."""
    room = Room(DEADLINE - timedelta(hours=30))

    async def story(room: Room) -> None:
        room.log_in()
        await asyncio.sleep(10 * HOUR)
        async with running(room.watch().run()):
            await asyncio.sleep(30 * HOUR)

    play(room, story)
    told = [(at, fact) for at, fact in room.told_at if isinstance(fact, LoginDue)]
    assert [fact for _, fact in told] == [LoginDue(deadline=DEADLINE, hours=24), LoginDue(deadline=DEADLINE, hours=1)]
    assert all(0 <= at - due <= 30 for (at, _), due in zip(told, (6 * HOUR, 29 * HOUR), strict=True))


def test_a_reminder_that_comes_late_says_how_long_there_is() -> None:
    """A processor started ten hours before the deadline does not speak of a day."""
    room = Room(DEADLINE - timedelta(hours=10))
    play(room, lambda _: asyncio.sleep(60))
    assert [fact for _, fact in room.told_at if isinstance(fact, LoginDue)] == [LoginDue(deadline=DEADLINE, hours=10)]


def test_a_reminder_waits_for_the_store_that_knows_whether_it_was_told() -> None:
    """Redis away at the hour: it is told when that is back."""
    room = Room(DEADLINE - timedelta(hours=24))
    room.notes.away = True

    async def story(room: Room) -> None:
        await asyncio.sleep(HOUR)
        assert room.of(LoginDue) == []
        room.notes.away = False
        await asyncio.sleep(60)
        assert len(room.of(LoginDue)) == 1

    play(room, story)


def test_the_chosen_hour_is_what_people_are_reminded_of() -> None:
    """Sunday 9:00 by the gateway's clock instead of 01:00 in New York."""
    chosen = datetime(2026, 1, 11, 14, tzinfo=UTC)
    room = Room(chosen - timedelta(minutes=61), GatewayHours(cold_restart=time(9)))
    play(room, lambda _: asyncio.sleep(120))
    assert [fact.deadline for _, fact in room.told_at if isinstance(fact, LoginDue)] == [chosen] * 2


# while it is asked for


def test_each_prompt_is_told_until_the_login_is_there() -> None:
    """After a short grace, then with every prompt of three minutes and five seconds, and once when it is done."""
    room = Room(EVENING)

    async def story(room: Room) -> None:
        await asyncio.sleep(600)
        assert room.watch().document()["waiting_since"] is None, "a new watch knows nothing of before"
        room.log_in()
        await room.until(S.READY)
        await asyncio.sleep(300)

    play(room, story)
    needed = room.of(LoginNeeded)
    assert 20 <= needed[0] <= 22
    assert [round(later - at) for at, later in pairwise(needed)] == [185, 185, 185]
    facts = [fact for _, fact in room.told_at if isinstance(fact, LoginNeeded)]
    assert [fact.prompt for fact in facts] == [1, 2, 3, 4]
    assert {fact.seconds for fact in facts} == {180}
    [done] = [fact for _, fact in room.told_at if isinstance(fact, LoginDone)]
    assert done.since == facts[0].since


def test_a_gateway_that_is_only_starting_is_not_a_login() -> None:
    """Silent for less than the grace: nobody is called, and nothing is declared done."""

    async def story(room: Room) -> None:
        await asyncio.sleep(15)
        room.log_in()
        await asyncio.sleep(300)

    room = Room(EVENING)
    play(room, story)
    assert room.told_at == []


def test_a_night_has_so_many_prompts_and_the_next_has_as_many() -> None:
    """Nobody is woken every three minutes until the morning; what is shown goes on counting."""
    room = Room(DEADLINE + timedelta(hours=1), settings=WatchSettings(prompts_max=3), slow=True)

    async def story(room: Room) -> None:
        watch = room.watch()
        async with running(watch.run()):
            await asyncio.sleep(11 * HOUR)
        assert watch.document()["prompts"] == (11 * 3600 - 20) // 185 + 1
        room.told_at = [one for one in room.told_at if not isinstance(one[1], LoginNeeded)]
        await asyncio.sleep(3 * HOUR)

    play(room, story)
    assert len(room.of(LoginNeeded)) == 3
    assert room.of(LoginNeeded)[0] >= 12 * HOUR


@pytest.mark.parametrize("event", [E.LINK_LOST, E.READ_ONLY])
def test_other_trouble_of_the_session_is_not_a_login(event: SessionEvent) -> None:
    """A lost or contended link and a read-only API need something else than an approval."""

    async def story(room: Room) -> None:
        room.log_in()
        await room.until(S.READY)
        await room.hear(event, 1100)
        await room.hear(event, 1100)
        await asyncio.sleep(100)

    room = Room(EVENING)
    play(room, story)
    assert room.told_at == []


def test_a_gateway_that_is_down_does_not_ask() -> None:
    """Nothing accepts connections: no prompt can be open."""
    room = Room(EVENING)
    room.gateway.refuses = GatewayDisconnected()
    play(room, lambda _: asyncio.sleep(HOUR))
    assert room.told_at == []


def test_a_gateway_that_comes_back_asks_anew() -> None:
    """Down in the middle of the wait: the prompt after its start is told, though not before the grace."""
    room = Room(EVENING)

    async def story(room: Room) -> None:
        await asyncio.sleep(60)
        room.gateway.refuses = GatewayDisconnected()
        await asyncio.sleep(400)
        room.gateway.refuses = LoginRequired()
        back = await room.until(S.AWAITING_LOGIN)
        await asyncio.sleep(30)
        assert back + 20 <= room.of(LoginNeeded)[-1] <= back + 21

    play(room, story)
    assert len(room.of(LoginNeeded)) == 2


def test_a_daily_restart_is_not_a_login() -> None:
    """Silent about the hour of the restart: it passes by itself; silent for longer: a person is called."""
    hours = GatewayHours(restart=time(17))
    room = Room(EVENING - timedelta(days=1), hours)
    play(room, lambda _: asyncio.sleep(HOUR))
    assert 600 <= room.of(LoginNeeded)[0] <= 660


# when it gets late


def overdue(room: Room) -> list[LoginOverdue]:
    return [fact for _, fact in room.told_at if isinstance(fact, LoginOverdue)]


def test_a_missing_login_becomes_urgent_before_the_market_opens() -> None:
    """From four hours before, with growing gaps, again when it opens, and no more once it is closed."""
    room = Room(MARKET_OPENS - timedelta(hours=6), slow=True)
    play(room, lambda _: asyncio.sleep(14 * HOUR))
    told, at = overdue(room), room.of(LoginOverdue)
    before = [fact for fact in told if not fact.market_open]
    assert {fact.opens_at for fact in told} == {MARKET_OPENS}
    assert 2 * HOUR <= at[0] <= 2 * HOUR + 190
    gaps = [later - earlier for earlier, later in pairwise(at[: len(before)])]
    assert len(before) == 5
    assert gaps == sorted(gaps)
    assert 900 <= gaps[0] <= 900 + 185
    assert 6 * HOUR <= at[len(before)] <= 6 * HOUR + 190
    assert told[len(before)].market_open
    assert at[-1] < 12.5 * HOUR


def test_nobody_is_hurried_while_the_market_stays_closed() -> None:
    """Saturday: nothing is urgent until Monday comes near."""
    room = Room(MARKET_OPENS - timedelta(hours=40), slow=True)
    play(room, lambda _: asyncio.sleep(35 * HOUR))
    assert overdue(room) == []


def test_the_hours_of_what_is_traded_count_more_than_new_york() -> None:
    """An open event about a contract that opens on Sunday evening."""
    opens = EVENING + timedelta(hours=1)
    record = planned(accepted("one"))
    assert record.plan is not None
    hours = (TradingInterval(opens, opens + timedelta(hours=8)),)
    for line in record.plan.lines:
        object.__setattr__(line.contract, "liquid_hours", hours)
    room = Room(EVENING)
    room.books.records = [record]
    play(room, lambda _: asyncio.sleep(60))
    assert [fact.opens_at for fact in overdue(room)] == [opens]
