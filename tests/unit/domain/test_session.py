from __future__ import annotations

from collections import deque
from itertools import product

import pytest

from event_processor.domain.session import (
    ADVICE,
    TABLE,
    UNCONNECTED,
    SessionEvent,
    SessionState,
    step,
)

S, E = SessionState, SessionEvent

# Written out once more by hand: (state, what happens) -> where that leads. Everything else stays put.
CONNECTING = {
    E.REFUSED: S.DOWN,
    E.SILENT: S.AWAITING_LOGIN,
    E.CLIENT_ID_TAKEN: S.CLIENT_ID_IN_USE,
    E.CONNECTED: S.SYNCING,
    E.STEPPED_BACK: S.STEPPED_BACK,
}
LOSING = {E.SOCKET_LOST: S.DOWN, E.RESTART_EXPECTED: S.RESTARTING, E.READ_ONLY: S.READ_ONLY, E.LINK_RESTORED: S.SYNCING}
EXPECTED: dict[SessionState, dict[SessionEvent, SessionState]] = {
    S.DOWN: CONNECTING,
    S.AWAITING_LOGIN: CONNECTING,
    S.CLIENT_ID_IN_USE: CONNECTING,
    S.RESTARTING: {
        E.CLIENT_ID_TAKEN: S.CLIENT_ID_IN_USE,
        E.CONNECTED: S.SYNCING,
        E.RESTART_OVERDUE: S.DOWN,
    },
    S.STEPPED_BACK: {
        E.SILENT: S.AWAITING_LOGIN,
        E.CLIENT_ID_TAKEN: S.CLIENT_ID_IN_USE,
        E.CONNECTED: S.SYNCING,
        E.PAUSE_OVER: S.DOWN,
    },
    S.SYNCING: {**LOSING, E.LINK_LOST: S.LINK_LOST, E.SYNCED: S.READY},
    S.READY: {**LOSING, E.LINK_LOST: S.LINK_LOST},
    S.LINK_LOST: {**LOSING, E.LINK_LOST: S.CONTENDED, E.COMPETING: S.CONTENDED},
    S.CONTENDED: LOSING,
    S.READ_ONLY: {**LOSING, E.LINK_LOST: S.LINK_LOST, E.SYNCED: S.READY},
    S.STOPPED: {},
}


@pytest.mark.parametrize(("state", "event"), list(product(S, E)))
def test_every_state_answers_every_input_as_written(state: SessionState, event: SessionEvent) -> None:
    """All 165 pairs: a row of the table moves, STOP stops, everything else stays put."""
    expected = S.STOPPED if event is E.STOP else EXPECTED[state].get(event, state)
    assert step(state, event) is expected


def test_ready_is_entered_only_by_a_complete_look() -> None:
    """The only ways into READY are a successful look-up while syncing or while the API was read-only."""
    ways = {(state, event) for state, event in product(S, E) if step(state, event) is S.READY and state is not S.READY}
    assert ways == {(S.SYNCING, E.SYNCED), (S.READ_ONLY, E.SYNCED)}


def test_ready_is_left_by_everything_that_may_hide_something() -> None:
    """No loss leaves READY standing."""
    losses = {E.SOCKET_LOST, E.RESTART_EXPECTED, E.LINK_LOST, E.LINK_RESTORED, E.READ_ONLY, E.STOP}
    assert {event for event in E if step(S.READY, event) is not S.READY} == losses


def test_a_lost_link_is_never_ready_before_it_is_restored() -> None:
    """From a lost link or a contended session READY takes LINK_RESTORED, READ_ONLY or a new connection first."""
    gates = {E.LINK_RESTORED, E.CONNECTED, E.READ_ONLY}
    reached, todo = {S.LINK_LOST, S.CONTENDED}, deque([S.LINK_LOST, S.CONTENDED])
    while todo:
        state = todo.popleft()
        for event in set(E) - gates:
            after = step(state, event)
            if after not in reached:
                reached.add(after)
                todo.append(after)
    assert S.READY not in reached


def test_stopped_is_for_good() -> None:
    """Nothing leaves STOPPED."""
    assert all(step(S.STOPPED, event) is S.STOPPED for event in E)


def test_every_state_but_stopped_can_become_ready_again() -> None:
    """There is no trap: from every state some sequence of inputs leads to READY."""
    able = {S.READY}
    for _ in S:
        able |= {state for state, event in product(S, E) if step(state, event) in able}
    assert set(S) - able == {S.STOPPED}


def test_the_keeper_connects_exactly_where_connecting_can_succeed() -> None:
    """UNCONNECTED and the table agree on where a connection may come."""
    assert {state for state in S if step(state, E.CONNECTED) is S.SYNCING and state is not S.SYNCING} == UNCONNECTED


def test_every_state_has_a_row_and_an_advice() -> None:
    """Neither the table nor the words for people forget a state."""
    assert set(TABLE) == set(S)
    assert set(ADVICE) == set(S)
    assert all(ADVICE.values())
