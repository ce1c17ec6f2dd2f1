"""The simulator image without its container: the real login, broker and API on a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway_simulator import scenario
from gateway_simulator.clock import Clock, ManualClock
from gateway_simulator.simulator import Simulator
from gateway_simulator.stand_in.actions import StandInActions
from gateway_simulator.stand_in.broker import FOREVER, Broker, Credentials
from gateway_simulator.stand_in.calendar import Calendar
from gateway_simulator.stand_in.cycle import Cycle
from gateway_simulator.stand_in.settings import Automation
from gateway_simulator.stand_in.token import Token
from gateway_simulator.stand_in.words import Rules, State

NEW_YORK = ZoneInfo("America/New_York")
TUESDAY = datetime(2026, 1, 6, 10, 0, tzinfo=NEW_YORK).timestamp()
PREFIX = " IBC: "
RULES = Rules(user="practice", password="practice", existing_action="secondary")
QUIET = Calendar(NEW_YORK)
"""No daily restart, and Sundays when the tokens die."""


@dataclass(slots=True)
class Bench:
    """One container's life; `again` begins the next one on the same settings folder."""

    folder: Path
    clock: Clock = field(default_factory=lambda: ManualClock(TUESDAY))
    rules: Rules = RULES
    calendar: Calendar = QUIET
    restart_after_lost_login: bool = True
    phone: bool = True
    stranded_seconds: float = 0.0
    restart_seconds: float = 0.0
    lines: list[str] = field(default_factory=list)
    sim: Simulator = field(init=False)
    broker: Broker = field(init=False)
    cycle: Cycle = field(init=False)

    def __post_init__(self) -> None:
        self.sim = Simulator(scenario.load("plain"), self.clock)
        self.sim.session.require_login(timeout=FOREVER, door="shut")
        right = Credentials(second_factor=self.phone)
        self.broker = Broker(self.folder / "broker.json", self.clock, self.sim.ledger, right)
        self.broker.notice_untidy_end(self.stranded_seconds)
        automation = Automation(self.rules, self.calendar, 7462, frozenset(), "127.0.0.1", read_only=False)
        self.cycle = Cycle(
            automation,
            sim=self.sim,
            broker=self.broker,
            token=Token(self.folder, self.clock),
            say=self.lines.append,
            restart_after_lost_login=self.restart_after_lost_login,
            restart_seconds=self.restart_seconds,
        )
        self.sim.actions = StandInActions(self.sim, self.cycle, self.broker)

    def again(self) -> Bench:
        """The next container on the same settings, at the same moment."""
        return replace(self, lines=[])

    def start(self) -> Bench:
        self.cycle.start()
        return self

    def started_and_approved(self) -> Bench:
        """Logged in, with the second factor approved at once."""
        self.start().until(State.SECOND_FACTOR)
        self.do("approve")
        return self.until(State.READY)

    def do(self, action: str, **parameters: object) -> dict[str, object]:
        """A control command."""
        return self.sim.actions.run(action, parameters)

    def wait(self, seconds: float) -> Bench:
        self.sim.advance(self.clock.now() + seconds)
        return self

    def until(self, state: State, seconds: float = 600) -> Bench:
        """Let time pass until the login is there; fails when it does not come to that."""
        limit = self.clock.now() + seconds
        while self.state is not state and (due := self.sim.next_due()) is not None and due <= limit:
            self.sim.advance(due)
        assert self.state is state, f"{self.state}, not {state}: {self.lines[-5:]}"
        return self

    def until_the_end(self, seconds: float = 600) -> int:
        """Let time pass until the container ends; returns its exit status."""
        limit = self.clock.now() + seconds
        while self.cycle.ended is None and (due := self.sim.next_due()) is not None and due <= limit:
            self.sim.advance(due)
        assert self.cycle.ended is not None, self.state
        return self.cycle.ended

    @property
    def state(self) -> State:
        return self.cycle.program.state

    @property
    def said(self) -> list[str]:
        """What was said, without date and time."""
        return [line.partition(PREFIX)[2] if PREFIX in line else line for line in self.lines]

    def heard(self, text: str) -> int:
        """How often a line that begins so was said."""
        return sum(line.startswith(text) for line in self.said)
