"""healthcheck/gateway.sh under a real bash: what it says, that it agrees with the Python variant, and its traces."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import healthcheck
from gateway_simulator import scenario
from gateway_simulator.clock import SystemClock
from gateway_simulator.server import Server
from gateway_simulator.simulator import Simulator
from healthcheck.probes import Finding, Found, probe_gateway
from healthcheck.report import read_report
from healthcheck.verdict import judge_gateway, judge_start
from tests.unit.healthcheck.conftest import Peer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it runs in a container, and reads /proc")

SCRIPT = Path(healthcheck.__file__).with_name("gateway.sh")
SECONDS = 0.2
PLENTY = 3.0
"""For what answers or closes, so that no busy machine makes it look silent."""
HELLO = b"178\x0020261121 12:00:00 UTC\x00"


def run(*arguments: object, start: str = "0", **environ: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the report; there is nothing on the path, as the script uses none of it."""
    words = ["/bin/bash", str(SCRIPT), *map(str, arguments)]
    found = subprocess.run(
        words, env={"PATH": "", "GATEWAY_START_SECONDS": start, **environ}, capture_output=True, timeout=10, check=False
    )
    assert found.stderr == b""
    (line,) = found.stdout.decode().splitlines()
    return found.returncode, json.loads(line)


def agreed(port: int, finding: Finding, seconds: float = SECONDS) -> dict[str, Any]:
    """The script's report, after comparing it with what the Python variant makes of `finding`."""
    code, told = run(port, "/proc", seconds)
    passed = int(told["checks"][1]["reason"].split()[0])
    python = judge_start(judge_gateway(finding), passed, 0)
    assert told == python.as_json()
    assert code == (0 if python.ready else 1)
    return told


def framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


def finishes(answer: bytes) -> bool:
    """Whether nothing more is waited for after it."""
    length = int.from_bytes(answer[:4], "big")
    return len(answer) >= 4 and (not 0 < length <= 65_536 or len(answer) >= 4 + length)


def open_connections(port: int) -> list[str]:
    """Both ends of established connections to this port."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [line.split() for line in lines]
    return [f"{a} {b}" for _, a, b, state, *_ in fields if state == "01" and f":{port:04X}" in {a[-5:], b[-5:]}]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("open", "ready"),
        ("silent", "waiting for second factor"),
        ("slam", "waiting for second factor"),
        ("refuse", "down"),
        ("require_login", "waiting for second factor"),
    ],
)
async def test_both_variants_agree_on_a_gateway_and_leave_no_trace(action: str, words: str) -> None:
    """Same report to the letter; nobody became a client, sent a message, or stayed connected."""
    sim = Simulator(scenario.parse("test", {}), SystemClock())
    async with Server(sim, control_port=None) as server:
        sim.actions.run(action, {})
        entries = len(sim.ledger.entries)
        seconds = SECONDS if action == "silent" else PLENTY
        finding = await asyncio.to_thread(probe_gateway, "127.0.0.1", server.port, seconds)
        told = await asyncio.to_thread(agreed, server.port, finding, seconds)
        assert open_connections(server.port) == []
        assert sim.ledger.entries[entries:] == []
    assert told["words"] == words
    assert sim.ledger.summary()["messages"] == {}


@pytest.mark.parametrize(
    "answer",
    [
        framed(HELLO),
        framed(b"178\0" + b"x" * 300 + b"\0"),
        framed(b"178\0" + b"x" * 300 + b"\0")[:200],
        framed(b"178\0" + b"x" * (127 - 5) + b"\0"),
        framed(b"178\0" + b"x" * (200 - 5) + b"\0"),
        framed(b"178\0\0\0\0"),
        framed(b"178"),
        framed(b"\x01\x7f\xff\0x\0"),
        framed(b"\0"),
        framed(b"abc\0"),
        framed(b""),
        framed(b'1"8\0x\0'),
        framed(b" 178 \0\n\0"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff\xff\xff\xff",
        framed(HELLO)[:-1],
        framed(HELLO)[:2],
        b"",
    ],
)
@pytest.mark.parametrize("then_closes", [True, False])
def test_both_variants_agree_on_whatever_answers(answer: bytes, *, then_closes: bool) -> None:
    """Whole and cut, right and wrong, with bytes that a shell holds dear; NUL ends nothing early."""

    def talk(client: socket.socket) -> None:
        client.sendall(answer)
        if then_closes:
            with suppress(OSError):  # the client may have seen enough and gone
                client.shutdown(socket.SHUT_WR)

    seconds = PLENTY if then_closes or finishes(answer) else SECONDS * 3
    with Peer(talk).serving() as first:
        finding = probe_gateway("127.0.0.1", first.port, seconds)
    with Peer(talk).serving() as second:
        there = replace(finding, detail=finding.detail.replace(f"{first.port}", f"{second.port}"))
        agreed(second.port, there, seconds)
    assert second.closed_by_client


def test_a_peer_that_resets_the_connection_has_closed_it() -> None:
    """Where a polite end and an abrupt one are the same to a person."""

    def reset_two(listener: socket.socket) -> None:
        for _ in range(2):
            client = listener.accept()[0]
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=reset_two, args=(listener,))
        thread.start()
        port: int = listener.getsockname()[1]
        told = agreed(port, probe_gateway("127.0.0.1", port, SECONDS))
        thread.join(5)
    assert "closes every connection" in told["reason"]


def test_only_the_version_offer_is_sent() -> None:
    """Byte for byte, and nothing like startApi behind it."""
    with Peer(lambda client: client.sendall(framed(HELLO))).serving() as peer:
        assert run(peer.port)[0] == 0
    assert peer.received == b"API\0\x00\x00\x00\x09v157..178"
    assert peer.closed_by_client


def test_a_half_open_peer_costs_the_limit_only() -> None:
    """A queue nobody accepts from lets the connection itself hang; both variants call that silent."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        port: int = listener.getsockname()[1]
        for _ in range(4):
            filler = waiting.enter_context(socket.socket())
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(("127.0.0.1", port))
        finding = probe_gateway("127.0.0.1", port, SECONDS)
        started = time.monotonic()
        told = agreed(port, finding)
        assert time.monotonic() - started < SECONDS + 0.75
    assert told["status"] == "awaiting_login"


def test_a_gateway_that_drips_bytes_cannot_hold_it() -> None:
    """The limit is for all reads together."""

    def drip(client: socket.socket) -> None:
        with suppress(OSError):  # ends when the script hangs up
            for byte in framed(bytes(60)):
                client.sendall(bytes([byte]))
                time.sleep(0.05)

    started = time.monotonic()
    with Peer(drip).serving() as peer:
        assert run(peer.port)[1]["status"] == "awaiting_login"
        assert time.monotonic() - started < SECONDS + 0.75


def test_a_killed_script_leaves_no_connection() -> None:
    """As when the container engine ends a check that took too long."""
    with Peer(lambda _: None).serving() as peer:
        script = subprocess.Popen(["/bin/bash", str(SCRIPT), str(peer.port)], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 5
        while not open_connections(peer.port) and time.monotonic() < deadline:
            pass
        script.kill()
        assert script.wait(5) < 0
    assert peer.closed_by_client


class Processes:
    """A folder like /proc: process 1 began at a second of the machine's life, and others run."""

    def __init__(self, folder: Path, *, began: float, uptime: float, names: tuple[str, ...] = ()) -> None:
        self.folder = folder
        fields = ["S", *["0"] * 18, str(int(began * 100)), "99", "99"]
        (folder / "1").mkdir()
        (folder / "1/stat").write_text(f"1 (a) b (c) {' '.join(fields)}\n", encoding="ascii")
        (folder / "uptime").write_text(f"{uptime:.2f} 5.00\n", encoding="ascii")
        for number, name in enumerate(names, 7):
            (folder / str(number)).mkdir()
            (folder / str(number) / "comm").write_text(f"{name}\n", encoding="ascii")


@pytest.mark.parametrize(("age", "status"), [(0, "starting"), (59.5, "starting"), (60, "ready"), (1e6, "ready")])
def test_an_answer_counts_only_after_the_start_time(age: float, status: str, tmp_path: Path) -> None:
    """The age is that of the container's first process, and the words are those of the start-up gate."""
    seen = Processes(tmp_path, began=4000, uptime=4000 + age).folder
    with Peer(lambda client: client.sendall(framed(HELLO))).serving() as peer:
        code, told = run(peer.port, seen, start="060")
    assert (code, told["status"]) == (int(status != "ready"), status)
    finding = Finding(Found.ANSWERED, f"127.0.0.1:{peer.port} speaks TWS API server version 178")
    assert told == judge_start(judge_gateway(finding), age, 60).as_json()


def test_the_machines_own_processes_are_read() -> None:
    """Without another folder the age is that of process 1 here."""
    (code, told) = run(1, start="999999999")
    assert (code, told["status"]) == (1, "starting")
    uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    age = int(told["checks"][1]["reason"].split()[0])
    assert 0 <= age <= uptime + 1


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (("Xvfb", "ibcstart.sh"), "starting"),
        (("Xvfb", "ibcstart.sh", "java"), "awaiting_login"),
        (("python3", "socat"), "awaiting_login"),
    ],
)
def test_a_login_program_without_gateway_is_starting(names: tuple[str, ...], status: str, tmp_path: Path) -> None:
    """Between two starts nobody has to approve anything; of a program it does not know it says nothing."""
    seen = Processes(tmp_path, began=0, uptime=500, names=names).folder
    with Peer(lambda client: client.shutdown(socket.SHUT_WR)).serving() as peer:
        told = run(peer.port, seen)[1]
    assert told["status"] == status
    assert read_report(told).as_json() == told


@pytest.mark.parametrize("action", ["nobody", "slam", "wrong"])
def test_a_gateway_that_has_stepped_back_says_until_when(action: str, tmp_path: Path) -> None:
    """Also in the first minute of the container, which is when it pauses: no request will come to anybody's phone."""
    since = int(time.time()) - 60
    (tmp_path / "session-policy").write_text(f"starts=2\nsince={since}\nuntil={since + 3660}\n", encoding="ascii")
    environ = {"TWS_SETTINGS_PATH": str(tmp_path), "TZ": "Asia/Kolkata"}
    answers = {"slam": b"", "wrong": b"HTTP/1.1 400\r\n"}

    def talk(client: socket.socket) -> None:
        client.sendall(answers[action])
        with suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    if action == "nobody":
        code, told = run(1, start="999999999", **environ)
    else:
        with Peer(talk).serving() as peer:
            code, told = run(peer.port, start="999999999", **environ)
    zone = ZoneInfo("Asia/Kolkata")
    began, ends = (f"{datetime.fromtimestamp(at, zone):%H:%M}" for at in (since, since + 3660))
    assert (code, told["status"], told["words"]) == (1, "contended", "somebody else is logged in")
    assert f"stepped back at {began} because" in told["reason"]
    assert f"tries again at {ends} IST; `make restart-gateway` tries now" in told["advice"]
    assert read_report(told).as_json() == told


@pytest.mark.parametrize(
    "text", ["until={past}\n", "until=soon\n", "until={far}9999999999\n", "", "\0\1\2", "starts=1\nuntil\n"]
)
def test_a_pause_that_is_over_or_unreadable_is_none(text: str, tmp_path: Path) -> None:
    """Then the handshake alone decides; and a gateway that answers is ready whatever the file says."""
    file = tmp_path / "session-policy"
    file.write_text(text.format(past=int(time.time()) - 1, far=int(time.time())), encoding="latin-1")
    with Peer(lambda client: client.shutdown(socket.SHUT_WR)).serving() as peer:
        assert run(peer.port, TWS_SETTINGS_PATH=str(tmp_path))[1]["status"] == "awaiting_login"
    file.write_text(f"until={int(time.time()) + 600}\n", encoding="ascii")
    with Peer(lambda client: client.sendall(framed(HELLO))).serving() as peer:
        assert run(peer.port, TWS_SETTINGS_PATH=str(tmp_path))[1]["status"] == "ready"


@pytest.mark.parametrize(
    ("environ", "port"), [({}, 4004), ({"TRADING_MODE": "paper"}, 4004), ({"TRADING_MODE": "live"}, 4003)]
)
def test_the_port_follows_the_trading_mode(environ: dict[str, str], port: int) -> None:
    """The relay of the image that is open in this mode."""
    assert f"127.0.0.1:{port}" in run(**environ)[1]["checks"][0]["reason"]


@pytest.mark.parametrize(("port", "start"), [("http", "60"), ("4004", "soon"), ("4004", "-1")])
def test_what_is_no_number_is_refused(port: str, start: str) -> None:
    """Told on standard error, and not ready."""
    words = ["/bin/bash", str(SCRIPT), port]
    found = subprocess.run(words, env={"GATEWAY_START_SECONDS": start}, capture_output=True, timeout=10, check=False)
    assert (found.returncode, found.stdout) == (1, b"")
    assert b"whole numbers" in found.stderr
