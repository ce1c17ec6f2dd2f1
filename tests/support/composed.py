"""The product as people have it on a server: the real Compose files in a folder of their own, on the real engine.

Judged by the ledger of the simulator, the outcome stream, and what Compose says. Every wait has a limit.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from event_processor.domain.event import parse_event
from event_processor.domain.ids import AccountId, run_digest
from event_processor.domain.weekly import NEW_YORK
from tests.support.stack import ACCOUNT, EVENTS, NOT_FINAL, OUTCOMES, Entry, envelope

ROOT = Path(__file__).parents[2]
USER, PASSWORD, VNC_PASSWORD = "practice", "practice", "Kq7wLp2x"
HOST = "127.0.0.1"
SECONDS_MAX = 60.0
LOOK_SECONDS = 0.2
PORTS = ("VNC_WEB_PORT", "API_PORT", "STATUS_PORT")
QUICK = {
    "COMPOSE_FILE": "docker-compose.yml:docker-compose.sim.yml",
    "GATEWAY_START_SECONDS": "1",
    "GATEWAY_PATIENCE_SECONDS": "3",
    "SIMULATOR_TWOFA_SECONDS": "120",
    "SIMULATOR_RESTART_SECONDS": "1",
    "IB_CONNECT_TIMEOUT_SECONDS": "2",
    "ACKNOWLEDGE_TIMEOUT_SECONDS": "3",
    "VISIBILITY_DELAY_SECONDS": "1",
    "SETTLE_SECONDS": "3",
    "LEASE_SECONDS": "5",
    "NOVNC_URL": "",
}
"""The stack's settings, with shorter waits than its defaults."""


class ComposedStack:
    """One Compose project with ports, settings, secrets and volumes of its own."""

    def __init__(self, folder: Path, project: str, **settings: str) -> None:
        """Copy the tree and let the real script make the secrets; nothing is started."""
        self.folder, self.project = folder, project
        copy_tree(folder)
        self.settings = QUICK | far_from_restarts() | free_ports() | settings
        given = f"IB_USERNAME={USER}\nIB_PASSWORD={PASSWORD}\nVNC_PASSWORD={VNC_PASSWORD}\n"
        made = self.run("tools/stack/secrets", given=given)
        assert made.returncode == 0, made.stderr
        self._settings_made = (folder / ".env").read_text(encoding="utf-8")
        self.set()

    def set(self, **settings: str) -> None:
        """Change settings in `.env`; `up` makes them count."""
        self.settings |= settings
        lines = [f"{name}={value}\n" for name, value in self.settings.items()]
        (self.folder / ".env").write_text("".join([self._settings_made, "\n", *lines]), encoding="utf-8")

    # -- commands ------------------------------------------------------------------------------------------

    def run(
        self, *command: str, given: str = "", seconds: float = SECONDS_MAX, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """A command in the folder, as a person would type it."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the developer's own settings."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "COMPOSE_PROJECT_NAME": self.project}

    def compose(self, *words: str, given: str = "", seconds: float = SECONDS_MAX) -> str:
        """What Compose answers; it must succeed."""
        done = self.run("docker", "compose", *words, given=given, seconds=seconds)
        assert done.returncode == 0, f"compose {words}: {done.stdout}{done.stderr}"
        return done.stdout

    def up(self, *words: str, seconds: float = 120) -> None:
        """Start everything in the background; the gate waits for the login, or for its patience."""
        self.compose("up", "--detach", "--quiet-pull", *words, seconds=seconds)

    def remove(self) -> None:
        """Nothing is left: containers, networks, volumes."""
        self.compose("kill", seconds=60)
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "1", seconds=120)

    def logs(self, *words: str) -> str:
        """What the containers said."""
        done = self.run("docker", "compose", "logs", "--no-color", *words)
        return done.stdout + done.stderr

    def inspect(self, service: str) -> Entry:
        """All that the engine knows about the service's container."""
        container = self.compose("ps", "--all", "--quiet", service).strip()
        assert container, f"there is no container of {service}"
        found: list[Entry] = json.loads(self.run("docker", "inspect", container).stdout)
        return found[0]

    def kill_process(self, service: str) -> None:
        """SIGKILL to the main process from outside, as the kernel's memory killer does it: the restart policy acts."""
        before = self.inspect(service)
        os.kill(before["State"]["Pid"], 9)

        def back() -> bool:
            now = self.inspect(service)
            return bool(now["State"]["Running"] and now["RestartCount"] > before["RestartCount"])

        self.until(back, f"the restart policy brings {service} back")

    def until(self, condition: Callable[[], object], what: str, *, seconds: float = SECONDS_MAX) -> None:
        """Look again and again until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
            time.sleep(LOOK_SECONDS)

    # -- the gateway ---------------------------------------------------------------------------------------

    def control(self, *words: str) -> str:
        """Make something happen at the pretended broker, or ask it."""
        command = ("python3", "-m", "gateway_simulator", "control", "--port", "4999")
        return self.compose("exec", "-T", "ibkr", *command, *words)

    def login(self) -> str:
        """Where the login stands; empty while the gateway's container starts."""
        command = ("python3", "-m", "gateway_simulator", "control", "--port", "4999", "status")
        done = self.run("docker", "compose", "exec", "-T", "ibkr", *command)
        return str(json.loads(done.stdout)["login"]) if done.returncode == 0 else ""

    def wait_login(self, *states: str, seconds: float = SECONDS_MAX) -> str:
        """Until the login stands in one of these states."""
        seen = ""

        def reached() -> bool:
            nonlocal seen
            seen = self.login()
            return seen in states

        self.until(reached, f"the login being {states}", seconds=seconds)
        return seen

    def forget_starts(self) -> None:
        """So that the next start does not hesitate, as `make restart-gateway` does it."""
        self.compose("exec", "-T", "ibkr", "rm", "-f", "/var/tmp/tws_settings/session-policy")  # noqa: S108

    def log_in(self) -> None:
        """Bring the stack to where it can trade, wherever the login stands."""
        if self.wait_login("form", "stuck", "second_factor", "ready") in {"form", "stuck"}:
            if not self.settings.get("IB_USERNAME", USER):
                self.control("log_in", f"user={USER}", f"password={PASSWORD}")
            self.wait_login("second_factor", "ready")
        if self.login() != "ready":
            self.control("approve")
        self.wait_state("ready")

    def ledger(self, kind: str) -> list[Entry]:
        """The simulator's ledger entries of one kind, of all its starts."""
        lines = self.compose("exec", "-T", "ibkr", "cat", "/var/tmp/tws_settings/ledger.jsonl").splitlines()  # noqa: S108
        return [entry for entry in map(json.loads, lines) if entry["kind"] == kind]

    # -- the processor -------------------------------------------------------------------------------------

    def health(self) -> Entry:
        """What `python -m healthcheck stack` says, inside the event processor."""
        done = self.run("docker", "compose", "exec", "-T", "event-processor", "python", "-m", "healthcheck", "stack")
        if not done.stdout.startswith("{"):
            return {"status": "down", "reason": done.stderr, "code": done.returncode}
        return {**json.loads(done.stdout), "code": done.returncode}

    def wait_state(self, *states: str, seconds: float = SECONDS_MAX) -> Entry:
        """Until the whole stack's state is one of these."""
        seen: Entry = {}

        def reached() -> bool:
            nonlocal seen
            seen = self.health()
            return seen["status"] in states

        try:
            self.until(reached, f"the stack being {states}", seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {seen}") from None
        return seen

    # -- events and outcomes -------------------------------------------------------------------------------

    def redis(self, user: str, *words: str) -> str:
        """`redis-cli` inside the container of Redis, as one of its users; errors are in what it says."""
        password = (self.folder / f"secrets/redis_{user}_password").read_text(encoding="utf-8")
        command = ("docker", "compose", "exec", "-T", "--env", "REDISCLI_AUTH", "redis", "redis-cli", "--user", user)
        done = self.run(*command, *words, REDISCLI_AUTH=password)
        return done.stdout.strip() + done.stderr.strip()

    def publish(self, event_id: str, weights: Mapping[str, float], *, account: str = ACCOUNT, **data: object) -> str:
        """Add an event as the producer does; the id of the entry."""
        body = json.dumps(envelope(event_id, weights, account=account, **data))
        entry = self.redis("producer", "XADD", EVENTS, "*", "event", body)
        assert "-" in entry, entry
        return entry

    def outcomes(self, event_id: str) -> list[Entry]:
        """The `data` of all outcomes of an event on the stream, as the producer reads them."""
        said = self.redis("producer", "--json", "XRANGE", OUTCOMES, "-", "+")
        try:
            entries: Any = json.loads(said)
        except ValueError:
            return []  # Redis is being killed
        told = [json.loads(fields[1])["data"] for _, fields in entries or []]
        return [data for data in told if data["event_id"] == event_id]

    def wait_outcome(self, event_id: str, *kinds: str, seconds: float = SECONDS_MAX) -> Entry:
        """The event's first outcome of one of these kinds, or if none is named, its last one."""
        found: list[Entry] = []

        def told() -> bool:
            found[:] = [
                data
                for data in self.outcomes(event_id)
                if (data["outcome"] in kinds if kinds else data["outcome"] not in NOT_FINAL)
            ]
            return bool(found)

        try:
            self.until(told, f"{event_id} being {kinds or 'final'}", seconds=seconds)
        except AssertionError as error:
            told_so_far = [(d["outcome"], d.get("reason", "")) for d in self.outcomes(event_id)]
            raise AssertionError(f"{error}; it has {told_so_far}") from None
        return found[0]

    def finished_once(self, event_id: str, final: str = "completed", *, seconds: float = SECONDS_MAX) -> list[Entry]:
        """The event's accepted orders, from the ledger, after it came to this one end with each order placed once."""
        self.wait_outcome(event_id, seconds=seconds)
        ends = [data["outcome"] for data in self.outcomes(event_id) if data["outcome"] not in NOT_FINAL]
        assert ends == [final], f"{event_id} ended as {ends}: {self.outcomes(event_id)[-1]}"
        accepted = self.ledger("order_accepted")
        refs = [order["orderRef"] for order in accepted if order["clientId"] != 0]
        assert len(refs) == len(set(refs)), f"an order was placed twice: {refs}"
        run = run_digest(parse_event(json.dumps(envelope(event_id, {"SPY": 1.0}))).key, AccountId(ACCOUNT))
        return [order for order in accepted if run in order["orderRef"]]

    def held(self, symbol: str) -> int:
        """The shares that the pretended broker says the account has."""
        lines = [entry for entry in self.ledger("position") if (entry["account"], entry["symbol"]) == (ACCOUNT, symbol)]
        return int(float(lines[-1]["quantity"])) if lines else 0


def copy_tree(folder: Path) -> None:
    """What a clone of the repository has, with what is not yet committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def far_from_restarts() -> dict[str, str]:
    """The hour of the gateway's restarts, half a day away: nothing is sent just before one."""
    hour = (datetime.now(NEW_YORK) + timedelta(hours=12)).strftime("%H:%M")
    return {"AUTO_RESTART_TIME": hour, "TWS_COLD_RESTART": hour}


def free_ports() -> dict[str, str]:
    """A free port on loopback for each that the stack publishes."""
    with ExitStack() as taken:
        servers = {name: taken.enter_context(socket.create_server((HOST, 0))) for name in PORTS}
        return {name: str(server.getsockname()[1]) for name, server in servers.items()}
