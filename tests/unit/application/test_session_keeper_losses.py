from __future__ import annotations

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from event_processor.application.session_keeper import KeeperSettings
from event_processor.domain.facts import SessionChanged
from event_processor.domain.ids import AccountId
from event_processor.domain.session import SessionEvent, SessionState
from event_processor.domain.weekly import GatewayHours
from event_processor.errors import BrokerUnavailable, GatewayDisconnected, LoginRequired, ReadOnlyApi
from tests.support.builders import AT
from tests.support.keeping import WINDOW, Post, now
from tests.support.making import running
from tests.support.virtual_time import run_virtual

S, E = SessionState, SessionEvent
SETTINGS = KeeperSettings()


@pytest.mark.parametrize("event", [E.LINK_LOST, E.READ_ONLY, E.SOCKET_LOST, E.LINK_RESTORED])
def test_an_interruption_ends_ready_at_once_and_grows_the_epoch(event: SessionEvent) -> None:
    """Whoever had orders out can tell that something may have been missed."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            epoch = post.keeper.epoch
            await post.hear(event)
            assert not post.keeper.ready
            assert post.keeper.epoch > epoch

    run_virtual(main())


def test_a_lost_link_is_not_ready_until_it_is_back_and_everything_was_read_again() -> None:
    """1100 stops trading for as long as it lasts; 1102 leads to READY only over a fresh look."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            epoch, looks = post.keeper.epoch, len(post.gateway.looks)
            await post.hear(E.LINK_LOST, 1100)
            await asyncio.sleep(60)
            assert post.told[-1:] == [S.LINK_LOST]
            await post.hear(E.LINK_RESTORED, 1102)
            assert post.told[-1:] == [S.SYNCING]
            restored = now()
            await post.until(S.READY)
            assert post.keeper.epoch > epoch + 1
            assert len(post.gateway.looks) == looks + 1
            assert post.keeper.ready_since > restored
            assert [fact.code for fact in post.facts.of(SessionChanged)][-3:] == [1100, 1102, 0]

    run_virtual(main())


@pytest.mark.parametrize("event", [E.LINK_LOST, E.SOCKET_LOST])
def test_a_loss_during_the_look_is_not_followed_by_ready(event: SessionEvent) -> None:
    """The look-ups succeed, but the link or the socket went meanwhile: what they say is worth nothing."""

    async def main() -> None:
        post = Post()
        post.gateway.look_seconds = 5
        async with running(post.keeper.run()):
            await post.until(S.SYNCING)
            await asyncio.sleep(2)
            post.gateway.refuses = GatewayDisconnected()
            await post.hear(event)
            await asyncio.sleep(30)
            assert S.READY not in post.told

    run_virtual(main())


def test_sessions_that_end_before_anything_was_read_come_a_second_apart() -> None:
    """A gateway that takes us in and throws us out, or says what we cannot read, is not asked ten times a second."""

    async def main() -> None:
        post = Post()

        def thrown_out() -> None:
            asyncio.get_running_loop().call_later(0.1, post.gateway.tell, E.SOCKET_LOST)

        post.gateway.while_connecting = thrown_out
        async with running(post.keeper.run()):
            await asyncio.sleep(30)
            post.gateway.while_connecting = lambda: None
            assert 15 <= len(post.gateway.connects) <= 45
            await post.until(S.READY)
            before = now()
            await post.hear(E.SOCKET_LOST)
            await post.until(S.READY)
            assert post.gateway.connects[-1] - before < 0.1

    run_virtual(main())


def test_a_link_that_came_back_during_the_look_needs_another_look() -> None:
    """Lost and restored within one look: the epoch changed, so it is done again."""

    async def main() -> None:
        post = Post()
        post.gateway.look_seconds = 5
        async with running(post.keeper.run()):
            await post.until(S.SYNCING)
            await asyncio.sleep(2)
            await post.hear(E.LINK_LOST)
            await post.hear(E.LINK_RESTORED)
            ready = await post.until(S.READY)
            assert post.gateway.looks[-1] <= ready - 5
            assert len(post.gateway.looks) == 2

    run_virtual(main())


def test_a_link_lost_while_connecting_is_not_forgotten() -> None:
    """A gateway without its link says 1100 or 2110 right at the handshake: that session is not ready."""

    async def main() -> None:
        post = Post()
        post.gateway.while_connecting = lambda: post.gateway.tell(E.LINK_LOST, 2110)
        async with running(post.keeper.run()):
            await asyncio.sleep(30)
            assert S.READY not in post.told
            assert post.keeper.state is S.LINK_LOST

    run_virtual(main())


def test_a_link_that_is_back_before_we_are_connected_is_no_loss() -> None:
    """Lost and restored while connecting, or lost on a socket that never came up: nothing to wait for."""

    async def main() -> None:
        post = Post()

        def flicker() -> None:
            post.gateway.tell(E.LINK_LOST, 1100)
            post.gateway.tell(E.LINK_RESTORED, 1102)

        post.gateway.while_connecting = flicker
        async with running(post.keeper.run()):
            await post.until(S.READY, 3)
            assert S.LINK_LOST not in post.told
        again = Post()
        again.gateway.while_connecting = lambda: again.gateway.tell(E.LINK_LOST, 1100)
        again.gateway.refuses = GatewayDisconnected()
        async with running(again.keeper.run()):
            await asyncio.sleep(5)
            again.gateway.while_connecting, again.gateway.refuses = (lambda: None), None
            await again.until(S.READY, 3)
            assert S.LINK_LOST not in again.told

    run_virtual(main())


def test_a_session_taken_by_somebody_else_waits_and_comes_back() -> None:
    """1100 again and again, 10197: contended for an hour, no reconnect storm, then ready by itself."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await post.hear(E.LINK_LOST, 1100)
            await post.hear(E.COMPETING, 10197)
            assert post.keeper.state is S.CONTENDED
            for _ in range(120):
                await asyncio.sleep(30)
                await post.hear(E.LINK_LOST, 1100)
                assert post.keeper.state is S.CONTENDED
            assert len(post.gateway.connects) == 1
            await post.hear(E.LINK_RESTORED, 1102)
            await post.until(S.READY, 3)

    run_virtual(main())


@pytest.mark.parametrize("lost", [[E.LINK_LOST], [E.LINK_LOST, E.COMPETING]])
def test_a_link_that_stays_silent_for_long_is_connected_anew(lost: list[SessionEvent]) -> None:
    """Nothing heard for the whole patience: the socket may be dead, a new one tells."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            for event in lost:
                await post.hear(event)
            gone = now()
            await post.until(S.DOWN)
            assert now() == pytest.approx(gone + SETTINGS.link_patience)
            assert post.gateway.disconnects == 1
            await post.until(S.READY, 3)

    run_virtual(main())


def test_a_socket_lost_while_read_only_is_connected_at_once() -> None:
    """The long wait for the tick box does not delay what follows a lost socket."""

    async def main() -> None:
        post = Post()
        post.gateway.hides = ReadOnlyApi()
        async with running(post.keeper.run()):
            await post.until(S.READ_ONLY)
            post.gateway.hides = None
            await post.hear(E.SOCKET_LOST)
            await post.until(S.READY, 2)
            assert len(post.gateway.connects) == 2

    run_virtual(main())


@pytest.mark.parametrize(("restarting", "state"), [(True, S.RESTARTING), (False, S.DOWN)])
def test_a_socket_lost_in_the_restart_window_is_expected(restarting: bool, state: SessionState) -> None:
    """Inside the daily restart nobody needs to do anything, and refusals do not look like a failure."""

    async def main() -> None:
        post = Post(restarting=restarting)
        async with running(post.keeper.run()):
            await post.until(S.READY)
            post.gateway.refuses = GatewayDisconnected()
            await post.hear(E.SOCKET_LOST)
            await asyncio.sleep(90)
            assert post.keeper.state is state
            post.gateway.refuses = None
            await post.until(S.READY, 3)

    run_virtual(main())


def test_a_look_over_an_interruption_is_worth_nothing() -> None:
    """The answer may be of the session before: it is refused."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            look = asyncio.ensure_future(post.keeper.evidence())
            await asyncio.sleep(0.05)
            await post.hear(E.LINK_LOST)
            with pytest.raises(BrokerUnavailable, match="changed"):
                await look

    run_virtual(main())


def test_a_restart_that_takes_too_long_is_no_longer_expected() -> None:
    """Ten minutes after its time the gateway still says nothing: then it waits for a login, and says so."""

    async def main() -> None:
        restart = AT + timedelta(seconds=60)
        hours = GatewayHours(ZoneInfo("UTC"), restart=restart.time())
        post = Post(hours=hours)
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await asyncio.sleep(60)
            post.gateway.refuses = LoginRequired()
            await post.hear(E.SOCKET_LOST)
            assert post.keeper.state is S.RESTARTING
            late = await post.until(S.AWAITING_LOGIN, 900)
            assert 60 + 600 <= late <= 60 + 602
            assert WINDOW in post.facts.of(SessionChanged)[-1].advice

    run_virtual(main())


def test_a_restart_is_awaited_until_a_connection_made_after_it() -> None:
    """Neither being ready before it nor a link that was restored says that the gateway is through with it."""

    async def main() -> None:
        restart = AT + timedelta(seconds=400)
        post = Post(hours=GatewayHours(ZoneInfo("UTC"), restart=restart.time()))
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await asyncio.sleep(99 - now())
            assert post.keeper.restart_awaited is None
            await asyncio.sleep(1.1)
            assert post.keeper.restart_awaited == restart
            await asyncio.sleep(401 - now())
            await post.hear(E.LINK_LOST, 1100)
            await post.hear(E.LINK_RESTORED, 1102)
            await post.until(S.READY)
            assert post.keeper.restart_awaited == restart
            await post.hear(E.SOCKET_LOST)
            await post.until(S.READY)
            assert post.keeper.restart_awaited is None

    run_virtual(main())


def test_a_link_lost_while_the_accounts_are_read_begins_all_over() -> None:
    """The orders were read before the loss: ready is only who has read them since."""

    async def main() -> tuple[int, int]:
        post = Post()
        read = post.gateway.account_state

        async def interrupted(account: AccountId) -> None:
            if not post.gateway.states:
                await post.hear(E.LINK_LOST)
                await post.hear(E.LINK_RESTORED)
            await read(account)

        post.gateway.account_state = interrupted  # type: ignore[method-assign]
        async with running(post.keeper.run()):
            await post.until(S.READY)
            return len(post.gateway.looks), len(post.gateway.states)

    looks, states = run_virtual(main())
    assert looks == 2
    assert states >= 3
