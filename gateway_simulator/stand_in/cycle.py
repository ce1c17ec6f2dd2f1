"""Run after run of the gateway program, as IBC's ibcstart.sh strings them together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway_simulator.clock import utc
from gateway_simulator.simulator import Simulator

from .broker import Broker
from .calendar import Calendar, next_minute
from .program import Program
from .settings import Automation
from .table import SECOND_FACTOR_LOST
from .token import FOLDER, Token
from .words import Input, State

PAUSE_BETWEEN_RUNS_SECONDS = 2.0


class Cycle:
    """Starts the program, starts it again where the real script does, and ends with its exit status."""

    def __init__(
        self,
        automation: Automation,
        *,
        sim: Simulator,
        broker: Broker,
        token: Token,
        say: Callable[[str], None],
        restart_after_lost_login: bool,
        restart_seconds: float = 0.0,
    ) -> None:
        self._automation = automation
        self._sim = sim
        self._broker = broker
        self._token = token
        self._say = say
        self._restart_after_lost_login = restart_after_lost_login
        self._restart_seconds = restart_seconds
        self._pausing = False
        self._second_factor_seconds = automation.rules.second_factor
        self.program = self._next_program()
        self.ended: int | None = None
        """The exit status, once there is no next run."""
        self.on_change: list[Callable[[], None]] = []
        self.on_end: list[Callable[[int], None]] = []

    def start(self) -> None:
        """The first run."""
        self._run(resume=self._find_token())

    # commands

    @property
    def ready(self) -> bool:
        return self.program.state is State.READY

    def plan_restart(self, *, pause: bool = False) -> datetime:
        """RESTART and PAUSE: restart with the token at the next full minute; returns when."""
        now = self._sim.clock.now()
        due = now + self._restart_seconds if self._restart_seconds else next_minute(now)
        program = self.program

        def restart() -> None:
            if program is self.program:
                self._pausing = pause
                program.give(Input.AUTO_RESTART)

        self._sim.scheduler.at(due, restart)
        return utc(due).astimezone(self.calendar.zone)

    def set_second_factor(self, seconds: float) -> None:
        """How long the broker waits for the phone from the next prompt on."""
        self._second_factor_seconds = seconds
        self.program.wait_for_second_factor(seconds)

    @property
    def calendar(self) -> Calendar:
        return self._automation.calendar

    def log(self, text: str) -> None:
        """A line of the automator: its prefix has the local time with a colon before the milliseconds."""
        local = utc(self._sim.clock.now()).astimezone(self._zone)
        self._say(f"{local:%Y-%m-%d %H:%M:%S}:{local.microsecond // 1000:03d} IBC: {text}")

    @property
    def _zone(self) -> ZoneInfo:
        return self._automation.calendar.zone

    # runs

    def _next_program(self) -> Program:
        program = Program(self._automation.rules, self._sim, self._broker, self._token, self.log)
        program.wait_for_second_factor(self._second_factor_seconds)
        program.on_change.append(self._changed)
        program.on_ready.append(self._plan_restarts)
        program.on_end.append(self._run_ended)
        return program

    def _run(self, *, resume: bool) -> None:
        self._pausing = False
        self.program = self._next_program()
        self._say(f"Starting Gateway with TradingMode {'live' if self._automation.rules.live else 'paper'}")
        self.program.give(Input.RESUME if resume and self._token.spend() else Input.START)

    def _find_token(self) -> bool:
        self._say("Finding autorestart file")
        if not self._token.there:
            self._say("autorestart file not found: full authentication will be required")
            return False
        self._say(f"autorestart file found at {self._token.file}: authentication will not be required")
        self._say(f"AUTORESTART_OPTION is -Drestart={FOLDER}")
        return True

    def _plan_restarts(self) -> None:
        """The daily and the Sunday restart of the run that is ready now."""
        now, program = self._sim.clock.now(), self.program
        self.log(f"Read-Only API checkbox is now set to: {str(self._automation.read_only).lower()}")

        def plan(due: float, given: Input) -> None:
            def restart() -> None:
                if program is self.program:
                    program.give(given)

            self._sim.scheduler.at(due, restart)

        plan(self.calendar.next_cold_restart(now), Input.COLD_RESTART)
        daily = self.calendar.next_auto_restart(now)
        if daily is not None:
            plan(daily, Input.AUTO_RESTART)

    def _run_ended(self) -> None:
        code = self.program.login.exit_code
        self._say(f"IBC returned exit status {code}")
        if self.program.cold_restart:
            self._say("IBC will cold-restart shortly")
            self._again(resume=False)
        elif self._find_token():
            if self._pausing:
                self._say("IBC is paused")
                self._end(code)
            else:
                self._again(resume=True)
        elif code == SECOND_FACTOR_LOST and self._restart_after_lost_login:
            self._again(resume=False)
        else:
            self._end(code)

    def _again(self, *, resume: bool) -> None:
        self._say("IBC will restart shortly")
        self._sim.scheduler.after(PAUSE_BETWEEN_RUNS_SECONDS, lambda: self._run(resume=resume))

    def _end(self, code: int) -> None:
        self._say("Gateway finished")
        self.ended = code
        for listener in self.on_end:
            listener(code)

    def _changed(self) -> None:
        for listener in self.on_change:
            listener()
