"""The broker session as a table: (state, input) -> state. Only READY may place orders.

    DOWN --connected--> SYNCING --synced--> READY --1100--> LINK_LOST --1100 again, 10197--> CONTENDED
      ^                    ^                  |                 |                               |
      |                    +------------------+--1101, 1102-----+-------------------------------+
      +-- socket lost, from everywhere (RESTARTING inside the daily restart window, DOWN once that is over)
      +-- and then refused, once the link was lost before the socket: STEPPED_BACK, DOWN once the pause is over

Sources: TWS API message codes 1100, 1101, 1102, 2110, 10197, 326, 321; that a login elsewhere leaves the
socket open and repeats 1100 is reported by several clients and unverified live (drill card D-08).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto


class SessionState(StrEnum):
    DOWN = auto()
    AWAITING_LOGIN = auto()
    CLIENT_ID_IN_USE = auto()
    RESTARTING = auto()
    STEPPED_BACK = auto()
    SYNCING = auto()
    READY = auto()
    LINK_LOST = auto()
    CONTENDED = auto()
    READ_ONLY = auto()
    STOPPED = auto()


class SessionEvent(StrEnum):
    """What can happen to a session."""

    REFUSED = auto()
    SILENT = auto()
    CLIENT_ID_TAKEN = auto()
    CONNECTED = auto()
    SYNCED = auto()
    SOCKET_LOST = auto()
    RESTART_EXPECTED = auto()
    RESTART_OVERDUE = auto()
    STEPPED_BACK = auto()
    PAUSE_OVER = auto()
    LINK_LOST = auto()
    LINK_RESTORED = auto()
    COMPETING = auto()
    READ_ONLY = auto()
    STOP = auto()


@dataclass(frozen=True, slots=True)
class SessionInput:
    """One thing that happened, with the broker's code (0: none) and words."""

    event: SessionEvent
    code: int = 0
    detail: str = ""


_S, _E = SessionState, SessionEvent

_UNCONNECTED = {
    _E.REFUSED: _S.DOWN,
    _E.SILENT: _S.AWAITING_LOGIN,
    _E.CLIENT_ID_TAKEN: _S.CLIENT_ID_IN_USE,
    _E.CONNECTED: _S.SYNCING,
    _E.STEPPED_BACK: _S.STEPPED_BACK,
}
_CONNECTED = {
    _E.SOCKET_LOST: _S.DOWN,
    _E.RESTART_EXPECTED: _S.RESTARTING,
    _E.LINK_LOST: _S.LINK_LOST,
    _E.LINK_RESTORED: _S.SYNCING,
    _E.READ_ONLY: _S.READ_ONLY,
}

TABLE: dict[SessionState, dict[SessionEvent, SessionState]] = {
    _S.DOWN: _UNCONNECTED,
    _S.AWAITING_LOGIN: _UNCONNECTED,
    _S.CLIENT_ID_IN_USE: _UNCONNECTED,
    _S.RESTARTING: {
        **_UNCONNECTED,
        _E.REFUSED: _S.RESTARTING,
        _E.SILENT: _S.RESTARTING,
        _E.STEPPED_BACK: _S.RESTARTING,
        _E.RESTART_OVERDUE: _S.DOWN,
    },
    _S.STEPPED_BACK: {**_UNCONNECTED, _E.REFUSED: _S.STEPPED_BACK, _E.PAUSE_OVER: _S.DOWN},
    _S.SYNCING: {**_CONNECTED, _E.SYNCED: _S.READY},
    _S.READY: _CONNECTED,
    _S.LINK_LOST: {**_CONNECTED, _E.LINK_LOST: _S.CONTENDED, _E.COMPETING: _S.CONTENDED},
    _S.CONTENDED: {**_CONNECTED, _E.LINK_LOST: _S.CONTENDED, _E.COMPETING: _S.CONTENDED},
    _S.READ_ONLY: {**_CONNECTED, _E.SYNCED: _S.READY},
    _S.STOPPED: {},
}
"""What is not in the table leaves the state as it is; STOP leads to STOPPED from everywhere."""

UNCONNECTED = frozenset({_S.DOWN, _S.AWAITING_LOGIN, _S.CLIENT_ID_IN_USE, _S.RESTARTING, _S.STEPPED_BACK})
"""States in which the keeper tries to connect."""

ADVICE: dict[SessionState, str] = {
    _S.DOWN: "The gateway does not accept connections. If it is not starting, start it; I try every second.",
    _S.AWAITING_LOGIN: "The gateway is up but nobody is logged in. Approve the login on your phone "
    "(IB Key) or log in by hand in the gateway window; I continue by myself.",
    _S.CLIENT_ID_IN_USE: "Another program is connected with my client id. Stop it, or give one of us "
    "another IB_CLIENT_ID; I try again.",
    _S.RESTARTING: "The gateway is in its daily restart; nothing to do, I reconnect by myself.",
    _S.STEPPED_BACK: "Somebody else may be logged in with this user name (you, in TWS, the app or the portal?). "
    "The gateway has stepped back and tries again by itself within ten minutes; your phone will not ask before. "
    "Log out there; `make restart-gateway` tries now.",
    _S.SYNCING: "Connected; I am reading open orders, executions and positions before I may trade.",
    _S.READY: "Ready to trade.",
    _S.LINK_LOST: "The gateway lost its link to IBKR. Nothing to do; I continue when it is back.",
    _S.CONTENDED: "Somebody else is logged in with this user name (you, in TWS, the app or the portal?). "
    "Log out there and I continue by myself.",
    _S.READ_ONLY: "The gateway's API is read-only. Untick “Read-Only API” in the gateway "
    "(Configure, Settings, API) or set READ_ONLY_API=no; I try again by myself.",
    _S.STOPPED: "Stopped.",
}
"""What the state means and what a person can do, in plain words."""


def step(state: SessionState, happened: SessionEvent) -> SessionState:
    """The state after `happened`."""
    if happened is SessionEvent.STOP:
        return SessionState.STOPPED
    return TABLE[state].get(happened, state)
