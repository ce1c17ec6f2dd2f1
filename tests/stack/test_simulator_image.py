"""The simulator image on a real engine, alone: what the real image's documentation promises, it keeps."""

from __future__ import annotations

import json
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tidy.sources import ROOT

pytestmark = pytest.mark.timeout(300)

SIZE_MAX = 400_000_000
MEMORY_MAX = 150_000_000
HANDSHAKE = b"API\0\0\0\0\tv157..178"
PAPER_RELAY = 4004
GIVEN = {
    "TRADING_MODE": "paper",
    "TWS_USERID": "practice",
    "TWS_PASSWORD": "practice",
    "TWOFA_TIMEOUT_ACTION": "restart",
    "RELOGIN_AFTER_TWOFA_TIMEOUT": "yes",
    "EXISTING_SESSION_DETECTED_ACTION": "secondary",
    "TIME_ZONE": "America/New_York",
    "TWS_SETTINGS_PATH": "/home/ibgateway/tws_settings",
    "SIMULATOR_RESTART_SECONDS": "1",
}


def docker(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *words],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=240,
        check=check,
    )


@pytest.fixture(scope="module")
def image() -> str:
    return docker("build", "--quiet", "--target", "simulator", str(ROOT)).stdout.strip()


class Gateway:
    """One container of the image."""

    def __init__(self, name: str) -> None:
        self.name = name

    def control(self, *words: str) -> Any:  # noqa: ANN401  (JSON)
        command = ("python3", "-m", "gateway_simulator", "control", "--port", "4999", *words)
        return json.loads(docker("exec", self.name, *command).stdout or "{}")

    def entries(self, kind: str) -> list[str]:
        command = ("python3", "-m", "gateway_simulator", "control", "--port", "4999", "ledger", f"kind={kind}")
        return docker("exec", self.name, *command).stdout.splitlines()

    def log(self) -> str:
        done = docker("logs", self.name)
        return done.stdout + done.stderr

    def hears(self, text: str, times: int = 1) -> None:
        """Wait until the log has the text so often; the log itself is what is waited on."""
        command = ["docker", "logs", "--follow", self.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follow:
            seen = 0
            try:
                for line in follow.stdout or []:
                    seen += text in line
                    if seen == times:
                        return
            finally:
                follow.kill()
        pytest.fail(f"the container ended without {text!r}:\n{self.log()}")

    def approve(self) -> None:
        self.hears("Second Factor Authentication initiated", 1 + self.log().count("Configuration tasks completed"))
        self.control("approve")
        self.hears("Configuration tasks completed", 1 + self.log().count("Configuration tasks completed"))

    def exit_status(self) -> int:
        return int(docker("wait", self.name).stdout)

    def address(self) -> str:
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return docker("inspect", "--format", form, self.name).stdout.strip()

    def shake_hands(self) -> bytes:
        with socket.create_connection((self.address(), PAPER_RELAY), timeout=5) as connection:
            connection.sendall(HANDSHAKE)
            return connection.recv(64)


@pytest.fixture
def run(image: str) -> Iterator[Callable[..., Gateway]]:
    """Starts containers, as restricted as the Compose file has them, and takes them away again."""
    started: list[str] = []

    def start(*options: str, **environ: str) -> Gateway:
        name = f"stand-in-{uuid.uuid4().hex[:8]}"
        started.append(name)
        given = [word for pair in (GIVEN | environ).items() for word in ("--env", "=".join(pair))]
        rights = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges")
        docker("run", "--detach", "--name", name, *rights, *given, *options, image)
        return Gateway(name)

    yield start
    for name in started:
        docker("rm", "--force", "--volumes", name, check=False)


def test_the_image_is_small_and_its_user_is_the_real_ones(image: str) -> None:
    """Under 400 MB; ibgateway, 1000:1000, at home in /home/ibgateway, with bash."""
    assert int(docker("inspect", "--format", "{{.Size}}", image).stdout) < SIZE_MAX
    words = docker("run", "--rm", image, "bash", "-c", 'echo "$(id -un) $(id -u) $(id -g) $HOME"').stdout.split()
    assert words == ["ibgateway", "1000", "1000", "/home/ibgateway"]


def test_the_relay_answers_only_while_somebody_is_logged_in(run: Callable[..., Gateway]) -> None:
    """It accepts and closes before the login, as socat does in the real image; memory stays small."""
    gateway = run()
    gateway.hears("Second Factor Authentication initiated")
    assert gateway.shake_hands() == b""
    gateway.approve()
    assert gateway.shake_hands()[4:7] == b"178"
    assert gateway.control("status")["login"] == "ready"
    used = docker("exec", gateway.name, "cat", "/sys/fs/cgroup/memory.current", check=False).stdout
    assert int(used or 0) < MEMORY_MAX


def test_what_the_exchange_did_survives_a_kill(run: Callable[..., Gateway]) -> None:
    """Killed after a fill: the next start knows the execution and the position, and notes the untidy end."""
    gateway = run()
    gateway.approve()
    gateway.control("manual_order", "symbol=SPY", "side=BUY", "quantity=3")
    before = gateway.control("status")
    docker("kill", gateway.name)
    docker("start", gateway.name)
    gateway.hears("Second Factor Authentication initiated", 2)
    gateway.control("approve")
    gateway.hears("Configuration tasks completed", 2)
    after = gateway.control("status")
    assert (before["orders_accepted"], after["orders_accepted"], after["executions"]) == (1, 1, 1)
    assert len(gateway.entries("untidy_end")) == 1
    assert '"quantity": "3"' in gateway.entries("position")[-1]


def test_an_owner_ends_the_container_with_secondary(run: Callable[..., Gateway]) -> None:
    """Exit status 0, for the restart policy to begin anew."""
    gateway = run()
    gateway.approve()
    gateway.control("owner_logs_in", "seconds=30")
    assert gateway.exit_status() == 0
    assert "End this session and let the other session proceed (scenario 2)" in gateway.log()


def test_sigterm_is_fast_and_untidy(run: Callable[..., Gateway]) -> None:
    """143 at once, without a log-out, as the real start script."""
    gateway = run()
    gateway.approve()
    docker("stop", "--time", "8", gateway.name)
    assert gateway.exit_status() == 143
    assert "Received SIGINT or SIGTERM" in gateway.log()
    assert "Shutdown progress" not in gateway.log()


def test_a_pkill_of_the_stack_can_log_out_first(run: Callable[..., Gateway]) -> None:
    """The Compose file puts its own `pkill` before the image's: then SIGTERM ends with a tidy log-out."""
    own = ("pkill:/usr/local/bin/pkill", "log-out.sh:/rebalancer/log-out.sh", "start:/home/ibgateway/start_scripts")
    mounts = [word for pair in own for word in ("-v", f"{ROOT}/docker/gateway/{pair}:ro")]
    gateway = run(*mounts, START_SCRIPTS="start_scripts")
    gateway.approve()
    docker("stop", "--time", "20", gateway.name)
    assert gateway.exit_status() == 143
    assert "Shutdown progress" in gateway.log()
    assert "log-out: STOP: OK Shutting down: STOP command" in gateway.log()


@pytest.mark.parametrize("name", ["TWS_PASSWORD", "VNC_SERVER_PASSWORD"])
def test_a_secret_given_twice_fails_the_start(run: Callable[..., Gateway], name: str) -> None:
    """With the real image's words."""
    gateway = run(**{name: "a", f"{name}_FILE": "/run/secrets/x"})
    assert gateway.exit_status() == 1
    assert f"error: both {name} and {name}_FILE are set (but are exclusive)" in gateway.log()


def test_vnc_needs_a_password_and_hides_it(run: Callable[..., Gateway], tmp_path: Path) -> None:
    """No server without one; with one, it is in no command line and in no file any more."""
    secret = tmp_path / "vnc"
    secret.write_text("Str0ngOne\n")
    secret.chmod(0o644)
    locked = run("--volume", f"{secret}:/run/secrets/vnc:ro", VNC_SERVER_PASSWORD_FILE="/run/secrets/vnc")
    locked.hears("Second Factor Authentication initiated")
    with socket.create_connection((locked.address(), 5900), timeout=5) as connection:
        assert connection.recv(4) == b"RFB "
    everything = docker("exec", locked.name, "bash", "-c", "cat /proc/[0-9]*/cmdline; ls -A ~").stdout
    assert "Str0ngOne" not in everything
    assert ".vnc-password" not in everything.split("\0")[-1]
    bare = run()
    bare.hears(".> VNC server disabled")
    bare.hears("Second Factor Authentication initiated")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((bare.address(), 5900), timeout=5)


def test_hooks_run_in_the_order_of_the_real_image(run: Callable[..., Gateway], tmp_path: Path) -> None:
    """START before the screen, X after it, IBC after the automator; the first may edit the template."""
    for folder, text in {
        "start": "echo hook one; sed -i s/CommandServerPort=0/CommandServerPort=7462/ ~/ibc/config.ini.tmpl",
        "x": "test -S /tmp/.X11-unix/X1 && echo hook two",
        "late": "echo hook three; exit 1",
    }.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "10.sh").write_text(text + "\n")
        (tmp_path / folder).chmod(0o755)
    mounts = [
        word for name in ("start", "x", "late") for word in ("-v", f"{tmp_path / name}:/home/ibgateway/{name}:ro")
    ]
    gateway = run(*mounts, START_SCRIPTS="start", X_SCRIPTS="x", IBC_SCRIPTS="late")
    gateway.hears("Second Factor Authentication initiated")
    log = gateway.log()
    order = ["hook one", "Starting Xvfb", "hook two", "Starting IBC in paper", "hook three"]
    assert sorted(order, key=log.index) == order
    tell = 'exec 3<>/dev/tcp/127.0.0.1/7462; echo STOP >&3; read -r answer <&3; echo "$answer"'
    answer = docker("exec", gateway.name, "bash", "-c", tell)
    assert answer.stdout == "OK Shutting down: STOP command\n"
    assert gateway.exit_status() == 0
