"""The container's main program: what run.sh and common.sh of gnzsnz/ib-gateway do, in their order and words."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway_simulator import scenario
from gateway_simulator.clock import SystemClock
from gateway_simulator.keeping import kept_simulator
from gateway_simulator.server import Server
from gateway_simulator.settings import AccountSettings, Scenario

from . import processes
from .actions import StandInActions
from .broker import FOREVER, Broker
from .commands import CommandServer
from .cycle import Cycle
from .screen import LINE_MAX, Screen
from .settings import PORTS, Automation, Practice, SettingsError, filled, read_automation, read_ini, secret
from .token import Token

TERMINATED = 143
STARS = "*" * 73
WINDOW = (sys.executable, "-m", "gateway_simulator.stand_in.window")
REFRESH_SECONDS = 1.0


class Image:
    """One container, from its start to its exit status."""

    def __init__(self, environ: Mapping[str, str], home: Path) -> None:
        self._environ = dict(environ)
        self._home = home
        self._mode = self._environ.get("TRADING_MODE", "")
        self._settings = Path(self._environ.get("TWS_SETTINGS_PATH", "") or home / "Jts")
        self._started: dict[str, processes.Process] = {}

    async def run(self) -> int:
        """Start, serve, and return the exit status; after SIGTERM that is 143."""
        say(STARS)
        say(".> Starting IBC/IB gateway")
        say(STARS)
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told.set)
        work, waiting = asyncio.ensure_future(self._work()), asyncio.ensure_future(told.wait())
        both: set[asyncio.Future[Any]] = {work, waiting}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            return await self._terminate(work) if told.is_set() else work.result()
        finally:
            waiting.cancel()
            for process in reversed(self._started.values()):
                await processes.stop(process)

    async def _terminate(self, work: asyncio.Future[int]) -> int:
        """As run.sh: first the screen by `pkill`, in whose place a stack may have put a tidy log-out, then the rest."""
        say(".> 😘 Received SIGINT or SIGTERM. Shutting down IB Gateway.")
        for name in ("x11vnc", "Xvfb"):
            if name in self._started:
                say(f".> Stopping {name}.")
                await processes.run_pkill(name)
        say(".> Stopping IBC.")
        work.cancel()
        await asyncio.wait([work])
        if not work.cancelled() and (error := work.exception()) is not None:
            say(f".> {error}")
        return TERMINATED

    async def _work(self) -> int:
        environ = self._environ
        password, vnc_password = secret(environ, "TWS_PASSWORD"), secret(environ, "VNC_SERVER_PASSWORD")
        practice = Practice.of(environ)
        await processes.run_hooks(self._home, environ.get("START_SCRIPTS", ""), environ, say)
        say(".> Starting Xvfb server")
        environ["DISPLAY"] = processes.DISPLAY
        self._started["Xvfb"] = await processes.start_screen(environ)
        say(".> SSH tunnel disabled")
        say(f".> Java heap size set to {environ.get('JAVA_HEAP_SIZE') or 768}m")
        if vnc_password:
            say(".> Starting VNC server")
            self._started["x11vnc"] = await processes.start_vnc(environ, vnc_password, self._home)
        else:
            say(".> VNC server disabled")
        await processes.run_hooks(self._home, environ.get("X_SCRIPTS", ""), environ, say)
        if self._mode not in PORTS:
            raise SettingsError(f".> Invalid TRADING_MODE: {self._mode}")
        own, public = PORTS[self._mode]
        say(f".> API_PORT set to: {own}")
        say(f".> SOCAT_PORT set to: {public}")
        automation = self._apply_settings(password, practice)
        say(".> Starting Port Forwarding.")
        say(".> Starting socat")
        relay = asyncio.create_task(processes.relay(own, public, self._mode, say))
        try:
            return await self._serve(automation, practice, own)
        finally:
            relay.cancel()
            await asyncio.wait([relay])

    def _apply_settings(self, password: str, practice: Practice) -> Automation:
        """Fill config.ini from its template, which a hook may have edited; raises SettingsError."""
        say(".> Appling settings to IBC's config.ini")
        ibc = self._home / "ibc"
        template = (ibc / "config.ini.tmpl").read_text(encoding="utf-8")
        file = ibc / "config.ini"
        file.touch(mode=0o600)
        file.write_text(filled(template, {**self._environ, "TWS_PASSWORD": password}), encoding="utf-8")
        file.chmod(0o600)
        say(f".> Settings directory set to: {self._settings}")
        self._settings.mkdir(parents=True, exist_ok=True)
        zone = self._environ.get("TIME_ZONE", "") or "Etc/UTC"
        jts = self._settings / "jts.ini"
        kept = read_ini(jts.read_text(encoding="utf-8")).get("TimeZone") if jts.exists() else None
        ini = read_ini(file.read_text(encoding="utf-8"))
        automation = read_automation(ini, kept or zone, practice.second_factor_seconds)
        if kept is not None:
            say(".> File jts.ini already exists, not setting timezone")
        else:
            say(f".> Setting timezone in {jts}")
            jts.write_text(f"[Logon]\nTimeZone={zone}\n", encoding="utf-8")
        return automation

    async def _serve(self, automation: Automation, practice: Practice, port: int) -> int:
        say(f".> Starting IBC in {self._mode} mode, with params:")
        say(".>\t\tVersion: simulator")
        say(f".>\t\ttws-settings-path: {self._settings}")
        say(f".>\t\ton2fatimeout: {self._environ.get('TWOFA_TIMEOUT_ACTION', '')}")
        chosen = with_accounts_of(self._mode, scenario.load(practice.scenario))
        clock = SystemClock()
        with kept_simulator(chosen, clock, self._settings, seed=practice.seed) as sim:
            sim.desk.read_only = automation.read_only
            sim.session.require_login(timeout=FOREVER, door="shut")
            broker = Broker(self._settings / "broker.json", clock, sim.ledger, practice.credentials)
            broker.notice_untidy_end(practice.stranded_seconds)
            cycle = Cycle(
                automation,
                sim=sim,
                broker=broker,
                token=Token(self._settings, clock),
                say=say,
                restart_after_lost_login=self._environ.get("TWOFA_TIMEOUT_ACTION", "").lower() == "restart",
                restart_seconds=practice.restart_seconds,
            )
            sim.actions = StandInActions(sim, cycle, broker)
            screen = Screen(sim, cycle, broker, live=automation.rules.live, port=port)
            server = Server(sim, port=port, control_port=practice.control_port)
            async with server, CommandServer(automation, cycle), self._window(screen) as window:
                return await self._until_the_end(cycle, window)

    async def _until_the_end(self, cycle: Cycle, window: asyncio.Task[None]) -> int:
        end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        cycle.on_end.append(end.set_result)
        cycle.start()
        hooks = asyncio.create_task(
            processes.run_hooks(self._home, self._environ.get("IBC_SCRIPTS", ""), self._environ, say)
        )
        try:
            ending: set[asyncio.Future[Any]] = {end, window}
            await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
            if window.done():
                window.result()
                raise processes.StartError("error: the window has ended")
            return end.result()
        finally:
            hooks.cancel()

    @contextlib.asynccontextmanager
    async def _window(self, screen: Screen) -> AsyncIterator[asyncio.Task[None]]:
        """The window's process, and the task that talks with it."""
        pipe = asyncio.subprocess.PIPE
        hidden = {name: text for name, text in self._environ.items() if "PASSWORD" not in name}
        process = await asyncio.create_subprocess_exec(*WINDOW, env=hidden, stdin=pipe, stdout=pipe, limit=LINE_MAX)
        talk = asyncio.create_task(_talk(screen, process))
        try:
            yield talk
        finally:
            talk.cancel()
            await asyncio.wait([talk])
            await processes.stop(process)


async def _talk(screen: Screen, process: processes.Process) -> None:
    """Show what has changed at least once a second, and take what a person does, until the window ends."""
    if process.stdin is None or process.stdout is None:
        raise processes.StartError("error: the window has no pipes")
    reading = asyncio.ensure_future(process.stdout.readline())
    try:
        while True:
            process.stdin.write(json.dumps(screen.picture()).encode() + b"\n")
            await process.stdin.drain()
            either: set[asyncio.Future[Any]] = {reading, screen.changed()}
            await asyncio.wait(either, timeout=REFRESH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                if not (line := reading.result()):
                    return
                screen.take(line)
                reading = asyncio.ensure_future(process.stdout.readline())
    finally:
        reading.cancel()


def with_accounts_of(mode: str, chosen: Scenario) -> Scenario:
    """The scenario with account numbers as the trading mode has them: DU… on paper, U… live."""
    prefix = "DU" if mode == "paper" else "U"

    def renamed(account: AccountSettings) -> AccountSettings:
        return replace(account, number=prefix + account.number.removeprefix("D").removeprefix("U"))

    return replace(chosen, accounts=tuple(map(renamed, chosen.accounts)))


def say(text: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
