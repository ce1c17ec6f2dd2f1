"""The gateway's own session with IBKR, and whether API clients can reach the gateway at all.

States and what leads from one to the next are one table, `MOVES`. Sources: IBKR's system message
codes (1100, 1101, 1102) and auto-restart guide; the competing session as users of IBC describe it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .clock import Scheduler
from .ledger import Ledger

SECOND_FACTOR_SECONDS = 180.0
COMPETING_NOTICE_SECONDS = 3.0


class State(StrEnum):
    """Where the login stands."""

    READY = "ready"
    LINK_LOST = "link_lost"
    CONTENDED = "contended"
    AWAITING_SECOND_FACTOR = "awaiting_second_factor"
    LOGIN_FAILED = "login_failed"
    RESTARTING = "restarting"


class Door(StrEnum):
    """What happens to somebody who connects."""

    OPEN = "open"
    SILENT = "silent"
    """TCP is accepted and nothing is ever answered: the relay in front of a gateway that is not logged in."""
    SHUT = "shut"
    """Connections are refused."""
    SLAMMED = "slammed"
    """TCP is accepted and closed at once."""


class Orders(StrEnum):
    """What becomes of an order sent while the link is down."""

    HOLD = "hold"
    LOSE = "lose"
    REJECT = "reject"


S = State
LOGGED_IN = {S.READY, S.LINK_LOST, S.CONTENDED}
EVERY = set(State)
MOVES: dict[str, tuple[set[State], State]] = {
    "link_down": ({S.READY}, S.LINK_LOST),
    "link_up": ({S.LINK_LOST}, S.READY),
    "compete": ({S.READY, S.LINK_LOST}, S.CONTENDED),
    "owner_leaves": ({S.CONTENDED}, S.READY),
    "require_login": (EVERY, S.AWAITING_SECOND_FACTOR),
    "approve_login": ({S.AWAITING_SECOND_FACTOR}, S.READY),
    "login_times_out": ({S.AWAITING_SECOND_FACTOR}, S.LOGIN_FAILED),
    "restart": (EVERY, S.RESTARTING),
    "restarted": ({S.RESTARTING}, S.READY),
}
"""Input -> the states that allow it, and the state it leads to."""


class SessionError(Exception):
    """The session does not allow this now."""


@dataclass(slots=True)
class Hooks:
    """What the session needs done; the simulator wires these."""

    notify: Callable[[int, str], None]
    """Tell every connected client a system message."""
    drop_all: Callable[[str], None]
    door_changed: Callable[[Door], None]
    link_lost: Callable[[], None]
    link_restored: Callable[[], None]


class Session:
    """The login, its link to IBKR, and the door for API clients."""

    def __init__(self, scheduler: Scheduler, ledger: Ledger, hooks: Hooks) -> None:
        self._scheduler = scheduler
        self._ledger = ledger
        self._hooks = hooks
        self.state = State.READY
        self.door = Door.OPEN
        self.orders = Orders.HOLD
        self._turn = 0
        self._door_turn = 0

    @property
    def linked(self) -> bool:
        """Whether orders and answers pass between gateway and IBKR."""
        return self.state is State.READY

    def link_down(self, *, seconds: float = 0, data_kept: bool = True, orders: str = "hold") -> None:
        """1100 with the socket left open; comes back by itself after `seconds` unless that is 0."""
        self.orders = Orders(orders)
        self._move("link_down")
        self._notify_lost()
        if seconds:
            self._later(seconds, lambda: self.link_up(data_kept=data_kept))

    def link_up(self, *, data_kept: bool = True) -> None:
        """1102, or 1101 when data subscriptions were lost."""
        self._move("link_up")
        self._notify_restored(data_kept=data_kept)

    def compete(
        self,
        *,
        seconds: float = 0,
        every: float = COMPETING_NOTICE_SECONDS,
        orders: str = "lose",
        data_kept: bool = True,
    ) -> None:
        """Somebody else logs in with the user name: 1100 again and again, until `owner_leaves`."""
        if every <= 0:
            raise ValueError(f"every must be above zero, not {every}")
        self.orders = Orders(orders)
        self._move("compete")
        self._repeat_lost(every, self._turn)
        if seconds:
            self._later(seconds, lambda: self.owner_leaves(data_kept=data_kept))

    def owner_leaves(self, *, data_kept: bool = True) -> None:
        """The competing login ends and the gateway has the session again."""
        self._move("owner_leaves")
        self._notify_restored(data_kept=data_kept)

    def require_login(
        self, *, timeout: float = SECOND_FACTOR_SECONDS, door: str = "silent", approve_after: float = 0
    ) -> None:
        """The gateway is logged out and waits for the second factor, which expires after `timeout`."""
        self._move("require_login")
        self._hooks.drop_all("login required")
        self._set_door(Door(door))
        self._later(timeout, self._time_out)
        if approve_after:
            self._later(approve_after, self.approve_login)

    def approve_login(self) -> None:
        """The person approves the second factor; the gateway is ready."""
        self._move("approve_login")
        self._set_door(Door.OPEN)
        self._hooks.link_restored()

    def restart(self, *, seconds: float = 5, login: bool = False, door: str = "shut") -> None:
        """Close every socket, be away, and come back: ready, or waiting for the second factor (`login`)."""
        self._move("restart")
        self._hooks.drop_all("gateway restart")
        self._set_door(Door(door))
        self._later(seconds, self.require_login if login else self._restarted)

    def shut_door(self, door: str, *, seconds: float = 0) -> None:
        """Change what happens to new connections, for `seconds` or (0) until changed again."""
        self._set_door(Door(door))
        turn = self._door_turn
        if seconds:
            self._scheduler.after(seconds, lambda: self._reopen(turn))

    def _reopen(self, turn: int) -> None:
        """The fault is over. A session that waits for a login meanwhile keeps its own door shut."""
        if turn == self._door_turn and self.state in LOGGED_IN:
            self._set_door(Door.OPEN)

    def _restarted(self) -> None:
        self._move("restarted")
        self._set_door(Door.OPEN)
        self._hooks.link_restored()

    def _time_out(self) -> None:
        self._move("login_times_out")

    def _move(self, name: str) -> None:
        allowed, target = MOVES[name]
        if self.state not in allowed:
            raise SessionError(f"{name} is not possible while the session is {self.state}")
        was_linked = self.linked
        self._turn += 1
        self._ledger.write("session", input=name, before=self.state, after=target)
        self.state = target
        if was_linked and not self.linked:
            self._hooks.link_lost()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` then, unless the session has moved on meanwhile."""
        turn = self._turn
        self._scheduler.after(seconds, lambda: action() if turn == self._turn else None)

    def _set_door(self, door: Door) -> None:
        self._door_turn += 1
        if door is not self.door:
            self._ledger.write("door", before=self.door, after=door)
            self.door = door
            self._hooks.door_changed(door)

    def _repeat_lost(self, every: float, turn: int) -> None:
        if turn == self._turn:
            self._notify_lost()
            self._scheduler.after(every, lambda: self._repeat_lost(every, turn))

    def _notify_lost(self) -> None:
        self._hooks.notify(1100, "Connectivity between IBKR and Trader Workstation has been lost.")

    def _notify_restored(self, *, data_kept: bool) -> None:
        if data_kept:
            text = "Connectivity between IBKR and Trader Workstation has been restored - data maintained."
        else:
            text = "Connectivity between IBKR and Trader Workstation has been restored - data lost."
        self._hooks.notify(1102 if data_kept else 1101, text)
        self._hooks.link_restored()
