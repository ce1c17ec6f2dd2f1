from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from event_processor.entrypoints.demo.redis_server import RedisServer
from healthcheck.probes import Found, probe_gateway, probe_http, probe_redis

SECONDS = 0.3
HELLO = b"178\x0020261121 12:00:00 UTC\x00"

Talk = Callable[[socket.socket], None]


class Peer:
    """A server on loopback that talks to one client as told and remembers what it got."""

    def __init__(self, talk: Talk) -> None:
        self.received = b""
        self.closed_by_client = False
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        with closing(self._listener), self._listener.accept()[0] as client:
            client.settimeout(5)
            self._talk(client)
            try:
                while data := client.recv(1000):
                    self.received += data
                self.closed_by_client = True
            except ConnectionResetError:
                self.closed_by_client = True

    @contextmanager
    def serving(self) -> Iterator[Peer]:
        self._thread.start()
        yield self
        self._thread.join(5)
        assert not self._thread.is_alive()


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_a_gateway_that_answers_the_handshake_is_up_and_no_client_id_is_used() -> None:
    """The probe sends the version offer, reads the answer, and leaves without startApi."""
    frame = len(HELLO).to_bytes(4, "big") + HELLO
    with Peer(lambda client: client.sendall(frame)).serving() as peer:
        finding = probe_gateway("127.0.0.1", peer.port, SECONDS)
    assert (finding.found, finding.detail.split()[-1]) == (Found.ANSWERED, "178")
    assert peer.received == b"API\0\x00\x00\x00\x09v157..178"
    assert peer.closed_by_client


def test_a_relay_in_front_of_nobody_is_silent_and_costs_the_limit_only() -> None:
    """Accepting is not answering; the probe gives up in time and closes."""
    started = time.monotonic()
    with Peer(lambda _: None).serving() as peer:
        finding = probe_gateway("127.0.0.1", peer.port, SECONDS)
        spent = time.monotonic() - started
    assert finding.found is Found.SILENT
    assert SECONDS * 0.9 < spent < SECONDS + 0.5
    assert peer.closed_by_client


def test_a_gateway_that_drips_bytes_cannot_hold_the_probe() -> None:
    """The limit is for the whole probe, not for each read."""

    def drip(client: socket.socket) -> None:
        with suppress(OSError):  # ends when the probe hangs up
            for byte in (100).to_bytes(4, "big") + bytes(60):
                client.sendall(bytes([byte]))
                time.sleep(0.05)

    started = time.monotonic()
    with Peer(drip).serving() as peer:
        finding = probe_gateway("127.0.0.1", peer.port, SECONDS)
        spent = time.monotonic() - started
    assert (finding.found, spent < SECONDS + 0.5) == (Found.SILENT, True)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x00\x04abc\x00"])
def test_another_protocol_on_the_port_is_no_gateway(answer: bytes) -> None:
    """What answers in other words is named as something else."""
    with Peer(lambda client: client.sendall(answer)).serving() as peer:
        assert probe_gateway("127.0.0.1", peer.port, SECONDS).found is Found.WRONG


def test_a_gateway_that_closes_at_once() -> None:
    """A relay whose target is away accepts and closes."""
    with Peer(lambda client: client.shutdown(socket.SHUT_WR)).serving() as peer:
        assert probe_gateway("127.0.0.1", peer.port, SECONDS).found is Found.CLOSED


def test_nobody_listens(free_port: int) -> None:
    """A refused connection is told apart from a silent one, for each kind of probe."""
    assert probe_gateway("127.0.0.1", free_port, SECONDS).found is Found.REFUSED
    assert probe_redis(f"redis://127.0.0.1:{free_port}/0", SECONDS).found is Found.REFUSED
    assert probe_http(f"http://127.0.0.1:{free_port}/readyz", SECONDS).found is Found.REFUSED


def test_http_gives_the_body_whatever_the_status() -> None:
    """503 with a report is an answer."""
    answer = b'HTTP/1.1 503 Service Unavailable\r\nContent-Type: x\r\n\r\n{"a": 1}'

    def talk(client: socket.socket) -> None:
        client.sendall(answer)
        client.shutdown(socket.SHUT_WR)

    with Peer(talk).serving() as peer:
        finding = probe_http(f"http://127.0.0.1:{peer.port}/readyz", SECONDS)
    assert (finding.found, finding.body) == (Found.ANSWERED, '{"a": 1}')
    assert peer.received.startswith(b"GET /readyz HTTP/1.0\r\n")


def test_a_real_redis_answers(shared_redis_server: RedisServer) -> None:
    """PING over the raw socket against the real server."""
    assert probe_redis(shared_redis_server.url, SECONDS).found is Found.ANSWERED


@pytest.mark.parametrize("form", ["redis+cluster://{},{}", "redis+sentinel://:secret@{},{}/main"])
def test_of_several_hosts_one_that_answers_is_enough(
    shared_redis_server: RedisServer, free_port: int, form: str
) -> None:
    """Nodes of a cluster and Sentinels; nobody answering is told of the last one."""
    down, up = f"127.0.0.1:{free_port}", f"127.0.0.1:{shared_redis_server.port}"
    assert probe_redis(form.format(down, up), SECONDS).found is Found.ANSWERED
    assert probe_redis(form.format(down, down), SECONDS).found is Found.REFUSED


def test_a_redis_without_a_password_refuses_one(shared_redis_server: RedisServer) -> None:
    """AUTH is sent when a password is given, and its refusal is told."""
    finding = probe_redis(shared_redis_server.url, SECONDS, "secret")
    assert finding.found is Found.WRONG
    assert "refused the password" in finding.detail
    assert "secret" not in finding.detail


def test_user_and_password_are_sent_before_ping() -> None:
    """The words on the wire are the protocol's, with user name and password from the URL."""
    with Peer(lambda client: client.sendall(b"+OK\r\n+PONG\r\n")).serving() as peer:
        finding = probe_redis(f"redis://bob:s%20x@127.0.0.1:{peer.port}/0", SECONDS)
    assert finding.found is Found.ANSWERED
    assert peer.received == (b"*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$3\r\ns x\r\n" + b"*1\r\n$4\r\nPING\r\n")
