from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from event_processor.application.session_keeper import KeeperSettings
from event_processor.domain.session import ADVICE, SessionEvent, SessionState
from event_processor.errors import BrokerUnavailable, GatewayDisconnected, LoginRequired, ProcessorError, ReadOnlyApi
from tests.support.builders import ACCOUNT
from tests.support.keeping import SECOND, Post, now
from tests.support.making import running
from tests.support.virtual_time import run_virtual

S, E = SessionState, SessionEvent
SETTINGS = KeeperSettings()


def test_a_session_is_ready_after_everything_was_read() -> None:
    """Connected, then orders and executions, then every account of the login; only then READY."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            assert post.told == [S.SYNCING, S.READY]
            assert post.keeper.accounts == (ACCOUNT, SECOND)
            assert post.gateway.states == [ACCOUNT, SECOND]
            assert len(post.gateway.looks) == 1
            assert post.keeper.ready
            assert post.keeper.ready_since == now()
            assert post.keeper.advice == ADVICE[S.READY]
        assert post.gateway.disconnects == 1

    run_virtual(main())


@pytest.mark.parametrize("jitter", [0.0, 0.37, 0.999])
@pytest.mark.parametrize("back_at", [0.01, 7.3, 1000.0])
def test_it_connects_within_a_second_of_the_gateway_being_back(jitter: float, back_at: float) -> None:
    """However long it was away, the first attempt that can succeed begins within a second."""

    async def main() -> None:
        post = Post(jitter=jitter)
        post.gateway.refuses = GatewayDisconnected()
        async with running(post.keeper.run()):
            await asyncio.sleep(back_at)
            assert not post.keeper.ready
            post.gateway.refuses = None
            await post.until(S.READY)
            first = next(at for at in post.gateway.connects if at >= back_at - 0.05)
            assert first <= back_at + 1.0
            assert len(post.gateway.connects) <= back_at / 0.4 + 2

    run_virtual(main())


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (GatewayDisconnected("refused"), S.DOWN),
        (LoginRequired("silent"), S.AWAITING_LOGIN),
        (GatewayDisconnected("326", reason_code="client_id_in_use"), S.CLIENT_ID_IN_USE),
    ],
)
def test_why_there_is_no_connection_is_told_and_it_tries_on(failure: ProcessorError, state: SessionState) -> None:
    """Refused, silent, id taken: each is its own state with its own advice, told once, left by itself."""

    async def main() -> None:
        post = Post()
        post.gateway.refuses = failure
        async with running(post.keeper.run()):
            await asyncio.sleep(60)
            assert post.keeper.state is state
            assert post.keeper.detail == str(failure)
            assert post.told == ([] if state is S.DOWN else [state])
            assert post.gateway.looks == []
            post.gateway.refuses = None
            await post.until(S.READY, 3)

    run_virtual(main())


@pytest.mark.parametrize("missing", ["evidence", "account_state"])
def test_look_ups_that_keep_failing_lead_to_a_new_connection(missing: str) -> None:
    """Three failed looks in a row, a second apart, then a fresh socket; one that works is enough."""

    async def main() -> None:
        post = Post()
        failure = BrokerUnavailable("no answer")
        post.gateway.hides = failure if missing == "evidence" else None
        post.gateway.account_missing = failure if missing == "account_state" else None
        async with running(post.keeper.run()):
            await post.until(S.SYNCING)
            await post.until(S.DOWN)
            assert post.gateway.disconnects == 1
            assert len(post.gateway.looks) == SETTINGS.sync_failures_max
            assert "no answer" in post.keeper.detail
            post.gateway.hides = post.gateway.account_missing = None
            await post.until(S.READY, 3)
            assert S.READY not in post.told[:-1]

    run_virtual(main())


def test_a_look_that_fails_once_is_repeated_on_the_same_socket() -> None:
    """A single time-out costs a second, not the session."""

    async def main() -> None:
        post = Post()
        post.gateway.hides = BrokerUnavailable("no answer")
        async with running(post.keeper.run()):
            await post.until(S.SYNCING)
            await asyncio.sleep(0.15)
            post.gateway.hides = None
            await post.until(S.READY, 2)
            assert (len(post.gateway.connects), post.gateway.disconnects) == (1, 0)

    run_virtual(main())


def test_a_read_only_api_is_tried_again_ever_more_rarely() -> None:
    """Look-ups refused with 321: asked again after 15, 30, 60, 60 seconds, ready once somebody ticks it off."""

    async def main() -> None:
        post = Post()
        post.gateway.hides = ReadOnlyApi()
        async with running(post.keeper.run()):
            await post.until(S.READ_ONLY)
            await asyncio.sleep(170)
            looks = post.gateway.looks
            pauses = [round(after - before - 0.1, 3) for before, after in pairwise(looks)]
            assert pauses == [15, 30, 60, 60]
            assert post.told == [S.SYNCING, S.READ_ONLY]
            post.gateway.hides = None
            await post.until(S.READY, 61)

    run_virtual(main())


def test_a_refused_order_makes_writing_doubtful_until_one_was_taken() -> None:
    """321 on an order: look-ups may work all the same, so only an order that is taken proves that we may write."""

    async def main() -> list[bool]:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            writable = [post.keeper.writable]
            await post.hear(E.READ_ONLY, 321)
            await post.until(S.READY)
            writable.append(post.keeper.writable)
            post.keeper.proved_writable()
            return [*writable, post.keeper.writable]

    assert run_virtual(main()) == [True, False, True]


def test_evidence_is_kept_as_long_as_asked_and_not_over_an_interruption() -> None:
    """A recent look of this session may be reused; a new session needs its own."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await asyncio.sleep(5)
            await post.keeper.evidence(20)
            assert len(post.gateway.looks) == 1
            before = await post.keeper.evidence(4)
            assert len(post.gateway.looks) == 2
            await post.hear(E.LINK_RESTORED)
            assert await post.keeper.evidence(20) is not before
            assert len(post.gateway.looks) > 2

    run_virtual(main())


def test_a_fresh_look_is_never_an_old_one() -> None:
    """Without an allowed age the broker is asked each time, even twice within one instant."""

    async def main() -> None:
        post = Post()
        post.gateway.look_seconds = 0
        async with running(post.keeper.run()):
            await post.until(S.READY)
            looks = len(post.gateway.looks)
            await post.keeper.evidence()
            await post.keeper.evidence()
            assert len(post.gateway.looks) == looks + 2

    run_virtual(main())


def test_stopping_ends_the_session_for_good() -> None:
    """STOP closes the socket, and nothing is connected any more."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await post.hear(E.STOP)
            await asyncio.sleep(120)
            assert post.keeper.state is S.STOPPED
            assert (len(post.gateway.connects), post.gateway.disconnects) == (1, 1)

    run_virtual(main())


def test_evidence_is_as_old_as_its_question() -> None:
    """While the broker answers things go on: what it said of five seconds ago is not taken for what is now."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            post.gateway.look_seconds = 5.0
            before = await post.keeper.evidence()
            assert await post.keeper.evidence(4) is not before

    run_virtual(main())


def test_a_session_that_stays_ready_is_ready_since_it_was() -> None:
    """A notice that changes nothing, as that of somebody else's market data, starts no clock of an order anew."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            since = post.keeper.ready_since
            await asyncio.sleep(10)
            await post.hear(E.COMPETING, 10197)
            assert post.keeper.ready
            assert post.keeper.ready_since == since

    run_virtual(main())
