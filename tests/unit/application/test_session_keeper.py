from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NoReturn, cast

import pytest

from event_processor.application.bell import Bell
from event_processor.application.session_keeper import KeeperSettings, SessionKeeper
from event_processor.domain.facts import SessionChanged
from event_processor.domain.ids import AccountId
from event_processor.domain.reports import Evidence
from event_processor.domain.session import ADVICE, SessionEvent, SessionInput, SessionState
from event_processor.errors import (
    BrokerUnavailable,
    GatewayDisconnected,
    LoginRequired,
    ProcessorError,
    ReadOnlyApi,
)
from event_processor.ports import Broker
from tests.support.builders import ACCOUNT
from tests.support.making import FactBook, LoopClock, evidence, running
from tests.support.virtual_time import run_virtual

S, E = SessionState, SessionEvent
SECOND = AccountId("DU7654321")
SETTINGS = KeeperSettings()
Failure = ProcessorError | None


class Gateway:
    """`ports.Broker` as far as the keeper may use it; placing, cancelling and everything else is an error."""

    def __init__(self) -> None:
        self.refuses: Failure = None
        self.hides: Failure = None
        self.account_missing: Failure = None
        self.look_seconds = 0.1
        self.while_connecting: Callable[[], None] = lambda: None
        self.connects: list[float] = []
        self.looks: list[float] = []
        self.states: list[AccountId] = []
        self.disconnects = 0
        self._inputs: asyncio.Queue[SessionInput] = asyncio.Queue()

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"the keeper has no business with {name}")

    def tell(self, event: SessionEvent, code: int = 0) -> None:
        self._inputs.put_nowait(SessionInput(event, code))

    async def connect(self) -> tuple[AccountId, ...]:
        self.connects.append(now())
        await asyncio.sleep(0.05)
        self.while_connecting()
        await asyncio.sleep(0.05)
        if self.refuses:
            raise self.refuses
        return (ACCOUNT, SECOND)

    async def disconnect(self) -> None:
        self.disconnects += 1

    async def session_inputs(self) -> AsyncIterator[SessionInput]:
        while True:
            yield await self._inputs.get()

    async def evidence(self) -> Evidence:
        self.looks.append(now())
        await asyncio.sleep(self.look_seconds)
        if self.hides:
            raise self.hides
        return evidence()

    async def account_state(self, account: AccountId) -> None:
        self.states.append(account)
        if self.account_missing:
            raise self.account_missing


class Post:
    """A keeper at its gateway, and what it told."""

    def __init__(self, *, jitter: float = 0.5, restarting: bool = False) -> None:
        self.gateway, self.facts, self.bell = Gateway(), FactBook(), Bell()
        broker = cast(Broker, self.gateway)
        self.keeper = SessionKeeper(
            broker, LoopClock(), self.facts, self.bell, jitter=lambda: jitter, restarting=lambda: restarting
        )

    @property
    def told(self) -> list[SessionState]:
        """The states it went through."""
        return [fact.after for fact in self.facts.of(SessionChanged)]

    async def until(self, state: SessionState, seconds: float = 300) -> float:
        """When the state was reached; TimeoutError when it was not."""
        async with asyncio.timeout(seconds):
            while self.keeper.state is not state:
                await self.bell.heard(60)
        return now()

    async def hear(self, event: SessionEvent, code: int = 0) -> None:
        """The gateway says something, and the keeper has heard it."""
        self.gateway.tell(event, code)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def now() -> float:
    return asyncio.get_running_loop().time()


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
            assert post.keeper.state is S.LINK_LOST
            await post.hear(E.LINK_RESTORED, 1102)
            assert post.keeper.state is S.SYNCING
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
            pauses = [round(after - before - 0.1, 3) for before, after in zip(looks, looks[1:], strict=False)]
            assert pauses == [15, 30, 60, 60]
            assert post.told == [S.SYNCING, S.READ_ONLY]
            post.gateway.hides = None
            await post.until(S.READY, 61)

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


def test_evidence_is_kept_as_long_as_asked_and_not_over_an_interruption() -> None:
    """A recent look of this session may be reused; a new session needs its own."""

    async def main() -> None:
        post = Post()
        async with running(post.keeper.run()):
            await post.until(S.READY)
            await asyncio.sleep(5)
            await post.keeper.evidence(20)
            assert len(post.gateway.looks) == 1
            await post.keeper.evidence(4)
            assert len(post.gateway.looks) == 2
            await post.hear(E.LINK_RESTORED)
            await post.keeper.evidence(20)
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
