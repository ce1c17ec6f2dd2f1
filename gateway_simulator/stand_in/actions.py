"""What a person or a test can make happen to the image, on top of what the simulator itself offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_simulator.actions import Actions
from gateway_simulator.session import SECOND_FACTOR_SECONDS, SessionError
from gateway_simulator.session import State as SessionState

from .words import Input, State

if TYPE_CHECKING:
    from gateway_simulator.simulator import Simulator

    from .broker import Broker
    from .cycle import Cycle


class StandInActions(Actions):
    """The simulator's actions; those about the login go through the gateway's own login."""

    def __init__(self, simulator: Simulator, cycle: Cycle, broker: Broker) -> None:
        super().__init__(simulator)
        self._cycle = cycle
        self._broker = broker

    # the person at the phone and at the window

    def approve(self) -> None:
        """Tap “Approve” on the phone."""
        self._give(Input.APPROVE)

    def miss(self) -> None:
        """Let the second factor expire now."""
        self._give(Input.MISS)

    def twofa(self, *, seconds: float) -> None:
        """How long the phone rings from the next prompt on."""
        self._cycle.set_second_factor(seconds)

    def stall(self, *, on: bool = True) -> None:
        """Approved logins hang at the broker, until the automator gives up."""
        self._broker.stalled = on

    def log_in(self, *, user: str, password: str) -> None:
        """Type user name and password into the login window."""
        if not self._cycle.program.submit(user, password):
            raise SessionError(f"nobody can log in while the login is {self._state}")

    def choose(self, *, button: str) -> None:
        """Click a button of the dialog in front: continue, cancel, relogin or dismiss."""
        if button not in {"continue", "cancel", "relogin", "dismiss"}:
            raise ValueError("button is one of continue, cancel, relogin, dismiss")
        self._give(Input(button))

    # the account owner

    def owner_logs_in(self, *, seconds: float = 0) -> None:
        """The account owner logs in elsewhere, for some seconds or until `owner_leaves`."""
        self._broker.owner_arrives(seconds)
        self._cycle.program.give(Input.OWNER_IN)

    def owner_leaves(self, *, data_kept: bool = True) -> None:
        """The account owner logs out."""
        self._broker.owner_leaves()
        if self._state is State.READY and self._sim.session.state is SessionState.CONTENDED:
            super().owner_leaves(data_kept=data_kept)

    # time

    def sunday(self, *, seconds: float = 0) -> None:
        """The weekly re-authentication, now or after some seconds: a restart that needs the second factor."""
        self._give_after(seconds, Input.COLD_RESTART)

    def restart(self, *, seconds: float = 0, ids_back: int = 0, login: bool = False, door: str = "shut") -> None:
        """The daily restart, now or after some seconds: no second factor (`login`: with one)."""
        del door
        if ids_back:
            self._sim.desk.move_ids_back(ids_back)
        self._give_after(seconds, Input.COLD_RESTART if login else Input.AUTO_RESTART)

    def require_login(
        self, *, timeout: float = SECOND_FACTOR_SECONDS, door: str = "silent", approve_after: float = 0
    ) -> None:
        """Log the gateway out now; it starts again and waits for the second factor until `timeout`."""
        del door
        self.twofa(seconds=timeout)
        self._give(Input.COLD_RESTART)
        if approve_after:
            self._give_after(approve_after, Input.APPROVE)

    def approve_login(self) -> None:
        """The same as `approve`."""
        self.approve()

    def status(self) -> dict[str, object]:
        """Where login and session stand, and the run in numbers."""
        program = self._cycle.program
        now = self._sim.clock.now()
        left = None if program.deadline is None else max(0.0, round(program.deadline - now, 1))
        return {
            "login": str(self._state),
            "window": program.title,
            "seconds_left": left,
            "owner_elsewhere": self._broker.occupied,
            **super().status(),
        }

    @property
    def _state(self) -> State:
        return self._cycle.program.state

    def _give(self, given: Input) -> None:
        if not self._cycle.program.give(given):
            raise SessionError(f"{given} means nothing while the login is {self._state}")

    def _give_after(self, seconds: float, given: Input) -> None:
        """Later it may mean nothing any more, which is then no error."""

        def due() -> None:
            self._cycle.program.give(given)

        self._sim.scheduler.after(seconds, due) if seconds else self._give(given)
