from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from event_processor.entrypoints.demo.redis_server import RedisServer
from healthcheck.__main__ import main, parser
from healthcheck.report import Report, Status
from tests.unit.healthcheck.conftest import Peer

ROOT = Path(__file__).parents[3]
GATE = [sys.executable, "-m", "healthcheck", "wait", "gateway"]
HELLO = b"\0\0\0\x1a178\x0020261121 12:00:00 UTC\0"
WORDS = {
    Status.DOWN: "down",
    Status.STARTING: "starting",
    Status.AWAITING_LOGIN: "waiting for second factor",
    Status.CONTENDED: "somebody else is logged in",
    Status.LINK_LOST: "link to IBKR lost",
    Status.READY: "ready",
}
"""What a person is to read, to the letter."""


def http(body: str, status: str = "200 OK") -> Peer:
    """A status server that gives one answer."""

    def talk(client: socket.socket) -> None:
        client.sendall(f"HTTP/1.1 {status}\r\n\r\n{body}".encode())
        client.shutdown(socket.SHUT_WR)

    return Peer(talk)


def test_the_exit_code_is_the_answer(shared_redis_server: RedisServer, capsys: pytest.CaptureFixture[str]) -> None:
    """A real Redis is ready: 0 and one line of JSON."""
    assert main(["redis"], {"REDIS_URL": shared_redis_server.url}) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["status"] == "ready"


def test_a_stack_without_gateway_is_not_ready(
    shared_redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Flags win over the environment; the line holds all three checks."""
    environ = {"REDIS_URL": shared_redis_server.url, "IB_PORT": "4001", "STATUS_PORT": "1"}
    assert main(["stack", "--gateway-port", "1"], environ) == 1
    told = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in told["checks"]] == ["redis", "gateway", "processor"]
    assert told["advice"]


def test_a_password_file_may_end_with_a_line_break(tmp_path: Path) -> None:
    """Editors write one, and it is no part of the password."""
    file = tmp_path / "password"
    file.write_text("s3cret\n", encoding="utf-8")
    with Peer(lambda client: client.sendall(b"+OK\r\n+PONG\r\n")).serving() as peer:
        environ = {"REDIS_URL": f"redis://127.0.0.1:{peer.port}", "REDIS_PASSWORD_FILE": str(file)}
        assert main(["redis"], environ) == 0
    assert b"$6\r\ns3cret\r\n" in peer.received


@pytest.mark.parametrize("url", ["redis://:pass/word@host:6379/0", "redis://:pass#word@host", "redis://:pass@[host/0"])
def test_an_address_of_redis_that_cannot_be_read_is_told_without_its_password(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A password that is not written as URLs want it ends in one line of JSON and the advice to look at it, not in a
    traceback with a part of it."""
    assert main(["redis"], {"REDIS_URL": url}) == 1
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["advice"] == "Check REDIS_URL and the password."
    assert "pass" not in said.out.replace("password", "") + said.err


def test_a_port_that_is_none_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    """The processor cannot be there; that is an answer, not a traceback."""
    assert main(["processor"], {"STATUS_PORT": "99999"}) == 1
    assert "is no address" in json.loads(capsys.readouterr().out)["checks"][0]["reason"]


def test_a_password_file_that_is_missing_is_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a sentence, not a verdict on Redis."""
    with pytest.raises(SystemExit) as stopped:
        main(["redis"], {"REDIS_PASSWORD_FILE": str(tmp_path / "no")})
    assert stopped.value.code == 2
    assert "REDIS_PASSWORD_FILE" in capsys.readouterr().err


@pytest.mark.parametrize("status", WORDS)
def test_the_stack_says_it_in_words(
    status: Status, shared_redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the processor knows of the session reaches the reader, code and words, though the handshake is answered."""
    said = Report(status, "because", "do this").line()
    with (
        http(said, "503 Service Unavailable").serving() as processor,
        Peer(lambda client: client.sendall(HELLO)).serving() as gateway,
    ):
        environ = {
            "REDIS_URL": shared_redis_server.url,
            "IB_PORT": f"{gateway.port}",
            "STATUS_PORT": f"{processor.port}",
        }
        assert main(["stack"], environ) == (0 if status is Status.READY else 1)
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["words"], told["ready"]) == (status, WORDS[status], status is Status.READY)


def test_every_status_has_words_without_underscores() -> None:
    """No code is shown to a person."""
    assert [status for status in Status if "_" in status.words] == []


@pytest.mark.parametrize(
    ("body", "code"), [('{"alive": true}', 0), ('{"alive": false}', 1), ("[]", 1), ("<html>", 1), ("", 1)]
)
def test_whether_the_processor_runs(body: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """`--live` asks /livez and believes its own words only."""
    with http(body).serving() as peer:
        assert main(["processor", "--live"], {"STATUS_PORT": f"{peer.port}"}) == code
    assert peer.received.startswith(b"GET /livez HTTP/1.0\r\n")
    assert json.loads(capsys.readouterr().out)["checks"][0]["name"] == "processor"


def test_a_processor_that_is_gone_does_not_run(free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Down, with advice."""
    assert main(["processor", "--live"], {"STATUS_PORT": f"{free_port}"}) == 1
    assert json.loads(capsys.readouterr().out)["advice"].startswith("Start the event processor")


def test_a_processor_that_does_not_answer_costs_the_limit_only(capsys: pytest.CaptureFixture[str]) -> None:
    """Docker waits for the answer no longer than it was told."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/readyz"
        began = time.monotonic()
        assert main(["processor", "--processor-url", url, "--seconds", "0.3"], {}) == 1
        took = time.monotonic() - began
    assert json.loads(capsys.readouterr().out)["status"] == "down"
    assert took < 3


def test_the_gate_s_two_times_are_read_from_two_variables() -> None:
    """Each its own."""
    given = parser({"GATEWAY_START_SECONDS": "7", "GATEWAY_PATIENCE_SECONDS": "9"}).parse_args(["wait", "gateway"])
    assert (given.start_seconds, given.patience_seconds) == (7.0, 9.0)


def test_an_empty_variable_counts_as_not_set(capsys: pytest.CaptureFixture[str]) -> None:
    """As Compose hands over what nobody set."""
    main(["gateway"], {"IB_HOST": "", "IB_PORT": "1", "GATEWAY_PORT": " ", "REDIS_PASSWORD_FILE": ""})
    assert "127.0.0.1:1:" in json.loads(capsys.readouterr().out)["checks"][0]["reason"]


def test_the_gateway_itself_is_looked_at_before_a_relay(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the processor connects to a relay, GATEWAY_HOST and GATEWAY_PORT say what is behind it."""
    main(["gateway"], {"IB_HOST": "relay", "IB_PORT": "4001", "GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": "1"})
    assert "127.0.0.1:1:" in json.loads(capsys.readouterr().out)["checks"][0]["reason"]


@pytest.mark.parametrize(
    "words", [["wait", "redis"], ["gateway", "--live"], ["wait"], ["--start-seconds", "x", "stack"]]
)
def test_what_makes_no_sense_is_refused(words: list[str]) -> None:
    """A wrong call, not a verdict."""
    with pytest.raises(SystemExit) as stopped:
        main(words, {})
    assert stopped.value.code == 2


def test_the_gate_opens_when_the_gateway_answers() -> None:
    """Each line is a report; the last one is ready, and so is the exit code."""
    with Peer(lambda client: client.sendall(HELLO)).serving() as peer:
        words = [*GATE, "--start-seconds", "0", "--gateway-port", f"{peer.port}"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["ready"]


def test_the_gate_opens_when_its_patience_ends(free_port: int) -> None:
    """Exit code 0, and a line that says who waits from here on."""
    environ = {"GATEWAY_START_SECONDS": "0", "GATEWAY_PATIENCE_SECONDS": "0", "GATEWAY_PORT": f"{free_port}"}
    done = subprocess.run(GATE, cwd=ROOT, env=environ, capture_output=True, timeout=20, check=False)
    (line,) = done.stdout.splitlines()
    assert (done.returncode, json.loads(line)["status"]) == (0, "down")
    assert b"starts anyway" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_gate_ends_promptly_when_told_to(number: signal.Signals, free_port: int) -> None:
    """After its first line, in the middle of its second of waiting; not with 0, for nobody may start on it."""
    words = [*GATE, "--gateway-port", f"{free_port}"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as gate:
        assert gate.stdout is not None
        assert gate.stderr is not None
        assert json.loads(gate.stdout.readline())["status"] == "starting"
        started = time.monotonic()
        gate.send_signal(number)
        assert gate.wait(5) == 1
        assert time.monotonic() - started < 0.8
        assert gate.stderr.read() == b""
