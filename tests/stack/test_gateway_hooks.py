"""What runs inside the gateway's container, run here by bash: nothing of it needs a container engine."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tidy.sources import ROOT

GATEWAY = ROOT / "docker/gateway"
POLICY, COMMAND_SERVER = GATEWAY / "start/10-session-policy.sh", GATEWAY / "start/20-command-server.sh"
LOG_OUT = GATEWAY / "log-out.sh"
NOVNC, RELAY = ROOT / "docker/novnc/entry.sh", ROOT / "docker/relay/entry.sh"
NOON = 1_800_000_000
HOUR = 3600
PORT = 7462
TEMPLATE = "CommandServerPort=0\nControlFrom=10.0.0.1\nBindAddress=\nIbPassword=${TWS_PASSWORD}\n"


@dataclass
class Container:
    """A folder that plays the container: its home, its settings volume, and a clock and a sleep of our own."""

    home: Path
    settings: Path
    now: int = NOON

    def run(self, script: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        tools = self.home / "tools"
        tools.mkdir(exist_ok=True)
        for name, text in {
            "date": f"echo {self.now}",
            "sleep": 'echo "slept $1"',
            "socat": 'echo "socat $*"',
            "python3": 'echo "python3 $*"',
        }.items():
            (tools / name).write_text(f"#!/bin/sh\n{text}\n")
            (tools / name).chmod(0o755)
        given = {
            "HOME": str(self.home),
            "TWS_SETTINGS_PATH": str(self.settings),
            "PATH": f"{tools}:{os.environ['PATH']}",
        }
        words = ["bash" if script.parent.is_relative_to(GATEWAY) else "sh", str(script), *arguments]
        return subprocess.run(words, env=given | environ, capture_output=True, text=True, timeout=20, check=False)

    def start(self, action: str = "secondary") -> str:
        """What the session-policy hook slept at this start of the container; empty when it did not."""
        done = self.run(POLICY, EXISTING_SESSION_DETECTED_ACTION=action)
        assert (done.returncode, done.stderr) == (0, "")
        slept = [line.removeprefix("slept ") for line in done.stdout.splitlines() if line.startswith("slept ")]
        self.now += sum(map(int, slept))
        return " ".join(slept)

    def recreated(self) -> Container:
        """A new container on the same volume."""
        home = self.home.with_name(self.home.name + "+")
        home.mkdir()
        return Container(home, self.settings, self.now)


@pytest.fixture
def container(tmp_path: Path) -> Container:
    home = tmp_path / "home"
    home.mkdir()
    return Container(home, tmp_path / "settings")


def test_pauses_grow_up_to_ten_minutes(container: Container) -> None:
    """The first start does not wait; each further one soon after waits longer."""
    assert [container.start() for _ in range(8)] == ["", "60", "120", "240", "480", "600", "600", "600"]


def test_an_hour_of_life_forgives_everything(container: Container) -> None:
    """A gateway that lived counts as well again, one second less does not."""
    assert [container.start(), container.start()] == ["", "60"]
    container.now += HOUR - 1
    assert container.start() == "120"
    container.now += HOUR
    assert container.start() == ""


def test_a_new_container_counts_from_the_start(container: Container) -> None:
    """A person made it, so it does not wait, whatever became of the one before."""
    assert [container.start(), container.start(), container.start()] == ["", "60", "120"]
    made = container.recreated()
    assert [made.start(), made.start()] == ["", "60"]


def test_insist_never_waits(container: Container) -> None:
    """With `primary` there is no pause, and earlier starts are forgotten."""
    assert [container.start(), container.start()] == ["", "60"]
    assert [container.start("primary") for _ in range(3)] == [""] * 3
    assert container.start("secondary") == ""


@pytest.mark.parametrize(
    "text", ["", "starts=many\n", "starts=-3\nstarted=x", "starts=99999999999999999999\n", "\0\1\2"]
)
def test_a_damaged_counter_does_no_harm(container: Container, text: str) -> None:
    """It counts as none."""
    container.settings.mkdir()
    (container.settings / "session-policy").write_text(text)
    assert [container.start(), container.start()] == ["", "60"]


def test_it_says_what_it_does_and_why(container: Container) -> None:
    """One line for each step, with the way out, and the end of the pause in the file."""
    container.start()
    done = container.run(POLICY, EXISTING_SESSION_DETECTED_ACTION="secondary")
    assert "somebody may be logged in elsewhere" in done.stdout
    assert "waiting 60 s" in done.stdout
    assert "make restart-gateway" in done.stdout
    told = dict(line.split("=") for line in (container.settings / "session-policy").read_text().split())
    assert told == {"starts": "2", "started": str(NOON + 60), "since": str(NOON), "until": str(NOON + 60)}


def test_the_command_server_is_opened_on_loopback_alone(container: Container) -> None:
    """The template gets the port and nothing that lets others in; a second run changes nothing."""
    template = container.home / "config.ini.tmpl"
    template.write_text(TEMPLATE)
    for _ in range(2):
        assert container.run(COMMAND_SERVER, IBC_INI_TMPL=str(template)).returncode == 0
        wanted = f"CommandServerPort={PORT}\nControlFrom=\nBindAddress=127.0.0.1\nIbPassword=${{TWS_PASSWORD}}\n"
        assert template.read_text() == wanted


def test_an_image_without_the_template_starts_all_the_same(container: Container) -> None:
    """Nothing may depend on a hook to come up."""
    done = container.run(COMMAND_SERVER)
    assert (done.returncode, "no tidy log-out" in done.stdout) == (0, True)


@dataclass
class Automator:
    """A command server for one command, after which it ends; tells what it was sent."""

    port: int
    heard: list[bytes]


@contextmanager
def automator(answer: bytes) -> Iterator[Automator]:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                heard.append(line.recv(100))
                server.close()
                line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Automator(server.getsockname()[1], heard)
        thread.join(timeout=5)


def log_out(container: Container, word: str, answer: bytes) -> tuple[int, list[bytes], str]:
    container.settings.mkdir(exist_ok=True)
    (container.settings / "session-policy").write_text("starts=3\n")
    with automator(answer) as found:
        done = container.run(LOG_OUT, *([word] if word else []), COMMAND_SERVER_PORT=str(found.port), API_PORT="1")
    return done.returncode, found.heard, done.stdout


def forgotten(container: Container) -> bool:
    return not (container.settings / "session-policy").exists()


def test_log_out_stops_and_forgets(container: Container) -> None:
    """STOP is the default; a stop that was asked for is no reason to pause at the next start."""
    found = log_out(container, "", b"INFO Closing\r\nOK Shutting down\r\n")
    assert found == (0, [b"STOP\n"], "log-out: STOP: INFO Closing\nlog-out: STOP: OK Shutting down\n")
    assert forgotten(container)


def test_restart_is_passed_on_and_nothing_is_waited_for(container: Container) -> None:
    """The automator restarts by itself within a minute."""
    assert log_out(container, "RESTART", b"OK\r\n")[:2] == (0, [b"RESTART\n"])
    assert not forgotten(container)


def test_a_refusal_is_told(container: Container) -> None:
    """ERROR from the automator is an exit code of its own."""
    assert log_out(container, "STOP", b"ERROR not now\r\n")[0] == 2


def test_nobody_to_tell_is_found_out_at_once(container: Container) -> None:
    """Without a command server nothing is waited for."""
    done = container.run(LOG_OUT, COMMAND_SERVER_PORT="1")
    assert (done.returncode, "no command server" in done.stderr) == (1, True)
    assert container.run(LOG_OUT, "EXIT").returncode == 2


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "is empty"),
        ("short7c", "shorter than 8"),
        ("changeme", "tries first"),
        ("Password123", "tries first"),
        ("vncpassword", "tries first"),
        ("aaaaaaaaX", "one character repeated"),
    ],
)
def test_a_vnc_password_that_protects_nothing_is_refused(container: Container, password: str, why: str) -> None:
    """In words, with the way out, and without printing it."""
    done = container.run(NOVNC, VNC_PASSWORD=password)
    assert (done.returncode, why in done.stderr, "make secrets" in done.stderr) == (64, True, True)
    assert not password or password not in done.stderr


def test_a_vnc_password_may_come_from_a_file(container: Container, tmp_path: Path) -> None:
    """Then it is checked too; both at once, or a file that is not there, are refused."""
    file = tmp_path / "vnc_password"
    file.write_text("kT4vQz81\n")
    assert container.run(NOVNC, VNC_PASSWORD_FILE=str(file)).returncode == 0
    assert "given twice" in container.run(NOVNC, VNC_PASSWORD_FILE=str(file), VNC_PASSWORD="x").stderr
    assert "cannot be read" in container.run(NOVNC, VNC_PASSWORD_FILE=str(tmp_path / "none")).stderr


def test_only_our_own_pages_may_open_the_window(container: Container) -> None:
    """The addresses handed over become origins, without paths."""
    pages = "http://localhost:6080 https://desk.example.ts.net/vnc/"
    done = container.run(NOVNC, VNC_PASSWORD="kT4vQz81", NOVNC_PAGES=pages)
    assert (
        "--auth-plugin ExpectOrigin --auth-source http://localhost:6080 https://desk.example.ts.net 0.0.0.0:6080"
        in done.stdout
    )
    assert done.stdout.rstrip().endswith("ibkr:5900")


@pytest.mark.parametrize(("port", "code"), [("4003", 0), ("4004", 0), ("", 64), ("4001", 64), ("4004,exec:sh", 64)])
def test_the_relay_knows_two_ports(container: Container, port: str, code: int) -> None:
    """Anything else than the port of a trading mode is refused before it reaches socat."""
    assert container.run(RELAY, GATEWAY_PORT=port).returncode == code
