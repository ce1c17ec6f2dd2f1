"""A gateway that makes way for another login: what is told while it pauses, and when it counts as down after all."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from event_processor.application.session_keeper import KeeperSettings
from event_processor.application.step_back import PAUSE_SECONDS_MAX, StepBack
from event_processor.domain.facts import SessionChanged
from event_processor.domain.login_facts import LoginNeeded
from event_processor.domain.session import SessionEvent, SessionState
from event_processor.errors import GatewayDisconnected, LoginRequired
from tests.support.builders import AT
from tests.support.keeping import Post
from tests.support.making import running
from tests.support.virtual_time import run_virtual
from tests.support.watching import Room

S, E = SessionState, SessionEvent
YIELDS = KeeperSettings(step_back=PAUSE_SECONDS_MAX)
YIELD = timedelta(seconds=PAUSE_SECONDS_MAX)
GONE, SILENT = GatewayDisconnected("nothing accepts connections"), LoginRequired("nobody is logged in")


async def lose(post: Post, *before: SessionEvent) -> None:
    """The session hears these, then the socket is gone, and nothing listens any more."""
    for event in before:
        await post.hear(event)
    post.gateway.refuses = GONE
    await post.hear(E.SOCKET_LOST)


class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        return AT

    def monotonic(self) -> float:
        return 0.0


@pytest.mark.parametrize("end", [E.SOCKET_LOST, E.RESTART_EXPECTED])
@pytest.mark.parametrize("state", [S.LINK_LOST, S.CONTENDED])
def test_only_the_end_of_a_session_tells_and_only_the_next_session_takes_it_back(
    state: SessionState, end: SessionEvent
) -> None:
    """Also an end at the time of the daily restart; what is heard while there is no session changes nothing."""
    session = StepBack(Noon(), PAUSE_SECONDS_MAX)
    assert session.heard(state, end) is end
    for without in (S.DOWN, S.RESTARTING, S.AWAITING_LOGIN):
        assert session.heard(without, E.SOCKET_LOST) is E.SOCKET_LOST
        assert session.likely
    assert session.heard(S.DOWN, E.REFUSED) is E.STEPPED_BACK
    session.heard(S.STEPPED_BACK, E.CONNECTED)
    assert not session.likely
    session.heard(S.READY, end)
    assert session.heard(S.DOWN, E.REFUSED) is E.REFUSED


@pytest.mark.parametrize("heard", [[E.LINK_LOST], [E.LINK_LOST, E.LINK_LOST], [E.LINK_LOST, E.COMPETING]])
def test_a_gateway_gone_after_its_link_has_stepped_back(heard: list[SessionEvent]) -> None:
    """Told with since and until; after the longest pause it counts as down, and is not called stepped back again."""

    async def main() -> None:
        post = Post(settings=YIELDS)
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await lose(post, *heard)
            began = await post.until(S.STEPPED_BACK, 3)
            assert "tries again by" in post.facts.of(SessionChanged)[-1].advice
            assert "make restart-gateway" in post.keeper.advice
            ended = await post.until(S.DOWN, PAUSE_SECONDS_MAX + 5)
            assert 0 <= round(ended - began, 3) - PAUSE_SECONDS_MAX <= 2
            await asyncio.sleep(PAUSE_SECONDS_MAX)
            assert post.keeper.state is S.DOWN

    run_virtual(main(), limit_seconds=4 * PAUSE_SECONDS_MAX)


def test_since_and_until_are_told_by_the_gateways_clock() -> None:
    """Where it is used, New York's."""

    async def main() -> None:
        post = Post(settings=YIELDS)
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await lose(post, E.LINK_LOST)
            await post.until(S.STEPPED_BACK, 3)
            zone = post.hours.zone
            since, until = (f"{at.astimezone(zone):%H:%M}" for at in (post.clock.now(), post.clock.now() + YIELD))
            assert f"Stepped back at {since}; the gateway tries again by {until} E" in post.keeper.advice

    run_virtual(main())


@pytest.mark.parametrize(
    ("settings", "heard"), [(YIELDS, []), (YIELDS, [E.LINK_LOST, E.LINK_RESTORED]), (KeeperSettings(), [E.LINK_LOST])]
)
def test_any_other_gateway_that_is_gone_is_down(settings: KeeperSettings, heard: list[SessionEvent]) -> None:
    """Its link was there to the end, or it is none that makes way."""

    async def main() -> None:
        post = Post(settings=settings)
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await lose(post, *heard)
            await asyncio.sleep(30)
            assert post.keeper.state is S.DOWN
            assert S.STEPPED_BACK not in post.told

    run_virtual(main())


def test_it_steps_back_once_more_when_the_other_login_is_still_there() -> None:
    """Between two pauses it tries to log in and ends again; a session that works ends the suspicion."""

    async def main() -> None:
        post = Post(settings=YIELDS)
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await lose(post, E.LINK_LOST)
            await post.until(S.STEPPED_BACK, 3)
            post.gateway.refuses = SILENT
            await post.until(S.AWAITING_LOGIN, 3)
            post.gateway.refuses = GONE
            await post.until(S.STEPPED_BACK, 3)
            post.gateway.refuses = None
            await post.until(S.READY, 3)
            await lose(post)
            await asyncio.sleep(30)
            assert post.keeper.state is S.DOWN

    run_virtual(main())


def test_no_prompt_is_inferred_while_the_gateway_pauses() -> None:
    """Nor while it looks whether the other login is still there; one that goes on waiting is a prompt."""
    room = Room(AT, keeping=YIELDS)

    async def main() -> None:
        async with running(room.keeper.run()), running(room.watch().run()):
            room.log_in()
            await room.until(S.READY)
            await lose(room, E.LINK_LOST)
            await asyncio.sleep(300)
            room.gateway.refuses = SILENT
            await asyncio.sleep(50)
            room.gateway.refuses = GONE
            await asyncio.sleep(300)
            assert room.of(LoginNeeded) == []
            room.gateway.refuses = SILENT
            await asyncio.sleep(70)
            assert len(room.of(LoginNeeded)) == 1

    run_virtual(main(), limit_seconds=1000)
