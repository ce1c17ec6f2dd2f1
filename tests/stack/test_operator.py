"""An operator's day on the practice stack: up, log in, rebalance, back up, halt, put an old journal back, down."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("docker", "event_processor", "gateway_simulator", "healthcheck", "tools")
FILES = (".dockerignore", ".env.example", "Dockerfile", "Makefile", "requirements.txt", "docker-compose.yml")
BUILD_SECONDS = 900
pytestmark = [pytest.mark.timeout(BUILD_SECONDS), pytest.mark.xdist_group("stack")]


@dataclass(frozen=True)
class Server:
    """A folder with the program, as after a clone, and ports of its own."""

    folder: Path
    variables: dict[str, str]

    def make(self, *words: str, seconds: float = 180) -> subprocess.CompletedProcess[str]:
        """Run a target; nobody sits at a terminal."""
        return self._run(["make", "--no-print-directory", *words], seconds)

    def compose(self, *words: str) -> str:
        """What Compose says on the same stack."""
        result = self._run(["tools/stack/compose", *words], 60)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def control(self, *words: str) -> None:
        """Let something happen at the pretended broker."""
        self.compose("exec", "-T", "ibkr", "python3", "-m", "gateway_simulator", "control", "--port", "4999", *words)

    def until_ready(self) -> None:
        """Ask for the status again until the stack could trade."""
        self._until(lambda result: result.returncode == 0)

    def until_said(self, text: str) -> None:
        """Ask for the status again until it is not ready and says this."""
        self._until(lambda result: result.returncode != 0 and text in result.stdout)

    def _until(self, enough: Callable[[subprocess.CompletedProcess[str]], bool]) -> None:
        said = ""
        for _ in range(40):
            result = self.make("status")
            if enough(result):
                return
            said = result.stdout + result.stderr
        pytest.fail(f"the status goes on as it was: {said}")

    def _run(self, command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | self.variables
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Up with the simulator, and logged in; removed with its data afterwards."""
    folder = tmp_path_factory.mktemp("server")
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*FILES, "docker-compose.sim.yml"):
        shutil.copy(ROOT / name, folder)
    variables = {
        "COMPOSE_PROJECT_NAME": f"operator{os.getpid()}",
        "GATEWAY_START_SECONDS": "2",
        "GATEWAY_PATIENCE_SECONDS": "5",
    }
    server = Server(folder, variables | free_ports("VNC_WEB_PORT", "API_PORT", "STATUS_PORT"))
    try:
        up = server.make("up-sim", seconds=BUILD_SECONDS)
        assert up.returncode == 0, up.stdout + up.stderr
        (folder / "up.txt").write_text(up.stdout)
        server.control("approve")
        server.until_ready()
        yield server
    finally:
        server.make("down")
        server.compose("down", "--volumes", "--remove-orphans")


def free_ports(*names: str) -> dict[str, str]:
    with ExitStack() as taken:
        servers = {name: taken.enter_context(socket.create_server(("127.0.0.1", 0))) for name in names}
        return {name: str(server.getsockname()[1]) for name, server in servers.items()}


def event_file(server: Server, event_id: str, weight: float) -> str:
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/tests/operator",
        "type": "rebalance.requested.v1",
        "data": {
            "account": "DU1234567",
            "targets": [{"symbol": "SPY", "weight": weight}],
            "cash": {"reserve": round(1 - weight, 2)},
        },
    }
    path = server.folder / f"{event_id}.json"
    path.write_text(json.dumps(event))
    return f"FILE={path}"


def orders(server: Server) -> int:
    """How many orders the broker ever took, by its own ledger."""
    ledger = server.compose("exec", "-T", "ibkr", "sh", "-c", 'cat "$TWS_SETTINGS_PATH/ledger.jsonl"')
    lines = [json.loads(line) for line in ledger.splitlines()]
    return len({line["permId"] for line in lines if line["kind"] == "order_state"})


def test_up_returns_without_a_login(server: Server) -> None:
    """It succeeded while nobody was logged in, gave the link first, and left no real settings behind."""
    said = (server.folder / "up.txt").read_text()
    link = f"http://localhost:{server.variables['VNC_WEB_PORT']}"
    assert 0 <= said.index(link) < said.index("PRACTICE")
    assert not (server.folder / ".env").exists()


def test_a_preview_places_nothing_and_a_rebalance_does(server: Server) -> None:
    """The dry run leaves no order at the broker; the event itself then fills, and once more has no effect."""
    file = event_file(server, "first", 0.5)
    before = orders(server)
    assert server.make("preview", file).returncode == 0
    assert orders(server) == before
    assert server.make("rebalance", file).returncode == 0
    assert orders(server) == before + 1
    assert "no effect" in server.make("rebalance", file).stderr
    assert orders(server) == before + 1


def test_an_upgrade_waits_for_orders_and_keeps_the_login(server: Server) -> None:
    """Refused while an order works; then the gateway is made anew, and nobody has to approve or is asked to log in."""
    before = orders(server)
    server.control("order", "never_fill=true", "count=1")
    server.compose("exec", "-T", "event-processor", "rebalancer", "publish", "DU1234567", "SPY=40%", "--id", "works")
    assert any(orders(server) > before for _ in range(40))
    refused = server.make("upgrade", "YES=1")
    assert (refused.returncode, "orders work at the broker" in refused.stderr) == (2, True)
    server.control("release")
    until_final(server, "works")
    server.variables["GATEWAY_START_SECONDS"] = "3"
    upgraded = server.make("upgrade", "YES=1")
    assert (upgraded.returncode, "keeps the login" in upgraded.stderr) == (0, True), upgraded.stderr
    assert "Log in now" not in upgraded.stdout
    server.until_ready()


def test_the_real_stack_does_not_start_beside_it(server: Server) -> None:
    """Both use the same ports, and one must not be taken for the other."""
    (server.folder / ".env").write_text("IB_USERNAME=edemo\n")
    try:
        result = server.make("up")
    finally:
        (server.folder / ".env").unlink()
    assert (result.returncode, "the practice stack is up" in result.stderr) == (2, True)


def test_a_halt_lasts_until_resume(server: Server) -> None:
    """The processor stays stopped and the pause stays in Redis, even when it is started by hand."""
    halted = server.make("halt")
    assert (halted.returncode, "HALTED" in halted.stdout) == (0, True)
    assert server.make("status").returncode != 0
    server.compose("start", "event-processor")
    server.until_said("halted by hand")
    assert server.make("resume").returncode == 0
    server.until_ready()


def test_a_journal_survives_a_restart_of_redis(server: Server) -> None:
    """Redis reads back all that it confirmed, also what scripts wrote."""
    before = server.compose("exec", "-T", "event-processor", "rebalancer", "events", "--json")
    server.compose("restart", "redis")
    server.until_ready()
    assert server.compose("exec", "-T", "event-processor", "rebalancer", "events", "--json") == before
    found = json.loads(server.make("doctor", "JSON=1").stdout)
    assert {one["name"]: one["state"] for one in found["checks"]}["journal"] == "ok"


def test_an_old_journal_does_not_trade_again(server: Server) -> None:
    """It comes back paused; after resume the broker's own word stops a second order, and a person is asked."""
    assert server.make("pause").returncode == 0
    server.compose("exec", "-T", "event-processor", "rebalancer", "publish", "DU1234567", "SPY=60%", "--id", "late")
    assert server.make("backup").returncode == 0
    (backup,) = (server.folder / "backups").iterdir()
    assert backup.stat().st_mode & 0o777 == 0o600
    before = orders(server)
    assert server.make("resume").returncode == 0
    until_final(server, "late")
    assert orders(server) == before + 1
    refused = server.make("restore", f"FILE={backup}", "YES=1")
    assert (refused.returncode, "make down" in refused.stderr) == (2, True)
    server.compose("stop", "event-processor", "redis")
    restored = server.make("restore", f"FILE={backup}", "YES=1", "ONLY=journal")
    assert (restored.returncode, "ALL TRADING IS PAUSED" in restored.stdout) == (0, True), restored.stderr
    assert server.make("up-sim").returncode == 0
    server.until_said("restored from")
    server.compose("exec", "-T", "redis", "test", "-w", "/data")  # else it could never shorten its file again
    assert server.make("resume").returncode == 0
    assert until_final(server, "late") == "needs_review"
    assert orders(server) == before + 1


def until_final(server: Server, event_id: str) -> str:
    for _ in range(60):
        shown = server.compose("exec", "-T", "event-processor", "rebalancer", "events", "--json")
        (event,) = (one for one in json.loads(shown)["events"] if one["event_id"] == event_id)
        if event["outcome"]:
            return str(event["outcome"])
    pytest.fail(f"{event_id} is not final")


def test_down_is_tidy_and_repeats(server: Server) -> None:
    """The gateway logged out by itself before its container ended; a second time there is nothing to do."""
    down = server.make("down")
    assert (down.returncode, "no tidy log-out" in down.stderr) == (0, False)
    assert "down already" in server.make("down").stdout
    assert server.compose("ps", "--all", "--quiet") == ""
