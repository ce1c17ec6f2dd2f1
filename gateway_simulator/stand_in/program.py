"""One run of the gateway program: the login table given time, a broker and an API.

Driven by the simulator's scheduler alone, so that on a manual clock a Sunday costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway_simulator.session import State as SessionState
from gateway_simulator.simulator import Simulator

from . import machine
from .broker import FOREVER, Broker
from .table import WINDOWS
from .token import Token
from .words import Deed, Input, Login, Rules, Say, State

UNLINKED = "shut"
"""The API's port while nobody is logged in; the relay before it accepts and closes."""


class Program:
    """From the login window to the exit status."""

    def __init__(self, rules: Rules, sim: Simulator, broker: Broker, token: Token, say: Callable[[str], None]) -> None:
        self.rules = rules
        self._sim = sim
        self._broker = broker
        self._say = say
        self._credentials = (rules.user, rules.password)
        self._turn = 0
        self.login = Login()
        self.arrived = sim.clock.now()
        """When the present state began, seconds since the epoch."""
        self.cold_restart = False
        """Whether the next run is to ask for everything again."""
        self._deeds: dict[Deed, Callable[[], None]] = {
            Deed.ASK_CREDENTIALS: self._ask_credentials,
            Deed.ASK_SESSION: self._ask_session,
            Deed.TAKE_SESSION: broker.end_other_session,
            Deed.OPEN_API: self._open_api,
            Deed.CLOSE_API: self._close_api,
            Deed.CONTEND: self._contend,
            Deed.SAVE_TOKEN: token.write,
            Deed.FLAG_COLD_RESTART: self._flag_cold_restart,
            Deed.LOG_OUT: self._log_out,
        }
        self.on_change: list[Callable[[], None]] = []
        self.on_ready: list[Callable[[], None]] = []
        self.on_end: list[Callable[[], None]] = []

    @property
    def state(self) -> State:
        return self.login.state

    @property
    def user(self) -> str:
        """Who is logging in."""
        return self._credentials[0]

    @property
    def title(self) -> str:
        """Of the window that is in front."""
        return WINDOWS.get(self.state, ("", ""))[1]

    @property
    def deadline(self) -> float | None:
        """When something happens by itself next, seconds since the epoch."""
        waits = [seconds for _, seconds in machine.timers(self.login, self.rules)]
        return self.arrived + max(waits) if waits else None

    def submit(self, user: str, password: str) -> bool:
        """A person logs in at the window."""
        self._credentials = (user, password)
        return self.give(Input.SUBMIT)

    def give(self, given: Input) -> bool:
        """Take one input; False when it means nothing in this state."""
        if given is Input.AUTOMATE and self.state is State.FORM:
            self._credentials = (self.rules.user, self.rules.password)
        result = machine.step(self.login, given, self.rules, self._sim.clock.now())
        if result is None:
            return False
        before = self.login
        self.login, effects = result
        self._sim.ledger.write("login", input=given, before=before.state, after=self.state)
        if self.state is not before.state:
            self._arrive()
        for effect in effects:
            if isinstance(effect, Say):
                self._say(effect.text)
        _tell(self.on_change)
        for effect in effects:
            if isinstance(effect, Deed):
                self._deeds[effect]()
        if self.state is State.ENDED and before.state is not State.ENDED:
            _tell(self.on_end)
        return True

    def wait_for_second_factor(self, seconds: float) -> None:
        """How long the broker waits for the phone from the next prompt on."""
        self.rules = replace(self.rules, second_factor=seconds)

    def _arrive(self) -> None:
        self._turn += 1
        self.arrived = self._sim.clock.now()
        for given, seconds in machine.timers(self.login, self.rules):
            self._later(seconds, given)

    def _later(self, seconds: float, given: Input) -> None:
        turn = self._turn

        def due() -> None:
            if turn == self._turn:
                self.give(given)

        self._sim.scheduler.after(seconds, due)

    def _ask_credentials(self) -> None:
        answer = self._broker.check(*self._credentials)
        self.login = replace(self.login, locked_for=self._broker.locked_seconds)
        self.give(answer)

    def _ask_session(self) -> None:
        if (found := self._broker.session()) is not None:
            self.give(found)

    def _contend(self) -> None:
        self._broker.logged_out()
        if self._sim.session.state is not SessionState.CONTENDED:
            self._sim.session.compete()

    def _close_api(self) -> None:
        self._sim.session.require_login(timeout=FOREVER, door=UNLINKED)

    def _flag_cold_restart(self) -> None:
        self.cold_restart = True

    def _log_out(self) -> None:
        self._broker.logged_out()
        self._sim.ledger.write("logged_out")

    def _open_api(self) -> None:
        session = self._sim.session
        self._broker.logged_in()
        if session.state is SessionState.CONTENDED:
            session.owner_leaves()
        elif session.state is SessionState.AWAITING_SECOND_FACTOR:
            session.approve_login()
        _tell(self.on_ready)
        if self._broker.occupied:
            self.give(Input.OWNER_IN)


def _tell(listeners: list[Callable[[], None]]) -> None:
    for listener in listeners:
        listener()
