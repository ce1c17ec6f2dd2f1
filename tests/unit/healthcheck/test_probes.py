from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest
import redis

from event_processor.adapters.redis.connection import RedisLink
from event_processor.entrypoints.demo.redis_server import RedisServer
from event_processor.settings import Settings
from healthcheck.probes import Found, probe_gateway, probe_http, probe_redis
from tests.unit.healthcheck.conftest import Peer

SECONDS = 0.3
HELLO = b"178\x0020261121 12:00:00 UTC\x00"


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


def test_a_name_without_address_is_down() -> None:
    """As that of a container which has stopped."""
    finding = probe_gateway("gateway.invalid", 4001, SECONDS)
    assert (finding.found, finding.detail) == (
        Found.REFUSED,
        "gateway.invalid:4001: no address is known for gateway.invalid",
    )


def test_a_look_up_that_hangs_costs_the_limit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's look-up may take many seconds and cannot be ended."""
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (end.wait(5), [])[1])
    started = time.monotonic()
    assert probe_gateway("gateway.invalid", 4001, SECONDS).found is Found.REFUSED
    assert time.monotonic() - started < SECONDS + 0.5
    end.set()


def test_a_name_with_several_addresses_is_tried_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first may be of the other kind of network; somebody listens at the last."""
    answers = [(0, 0, 0, "", ("127.0.0.2", 0)), (0, 0, 0, "", ("127.0.0.1", 0))]
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **b: answers if host == "gateway.invalid" else look_up(host, *a, **b)
    )
    frame = len(HELLO).to_bytes(4, "big") + HELLO
    with Peer(lambda client: client.sendall(frame)).serving() as peer:
        assert probe_gateway("gateway.invalid", peer.port, SECONDS).found is Found.ANSWERED


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
    assert probe_redis(form.format(up, down), SECONDS).found is Found.ANSWERED
    assert probe_redis(form.format(down, down), SECONDS).found is Found.REFUSED


def test_several_hosts_share_the_time_of_one() -> None:
    """A stack of silent nodes costs the limit once, not once for each."""
    silent = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    hosts = ",".join(f"127.0.0.1:{one.getsockname()[1]}" for one in silent)
    began = time.monotonic()
    finding = probe_redis(f"redis+cluster://{hosts}", SECONDS)
    took = time.monotonic() - began
    for one in silent:
        one.close()
    assert finding.found is Found.SILENT
    assert took < SECONDS * 2


@pytest.mark.parametrize(("scheme", "port"), [("redis", 6379), ("redis+cluster", 6379), ("redis+sentinel", 26379)])
def test_a_host_without_a_port_is_looked_for_at_its_usual_one(scheme: str, port: int) -> None:
    """Sentinels have one of their own."""
    assert f"127.0.0.1:{port}" in probe_redis(f"{scheme}://127.0.0.1", SECONDS).detail


def test_a_redis_without_a_password_refuses_one(shared_redis_server: RedisServer) -> None:
    """AUTH is sent when a password is given, and its refusal is told."""
    finding = probe_redis(shared_redis_server.url, SECONDS, "secret")
    assert finding.found is Found.WRONG
    assert "refused the password" in finding.detail
    assert "secret" not in finding.detail


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("bob:s%20x", b"*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$3\r\ns x\r\n"),
        ("b%40b:s%40x", b"*3\r\n$4\r\nAUTH\r\n$3\r\nb@b\r\n$3\r\ns@x\r\n"),
        (":s@x", b"*2\r\n$4\r\nAUTH\r\n$3\r\ns@x\r\n"),
        (":sch%C3%B6n", "*2\r\n$4\r\nAUTH\r\n$6\r\nsch\u00f6n\r\n".encode()),
    ],
)
def test_user_and_password_are_sent_before_ping(login: str, words: bytes) -> None:
    """The words on the wire are the protocol's, counted in bytes, with user name and password from the URL, which
    count more than a password from elsewhere."""
    with Peer(lambda client: client.sendall(b"+OK\r\n+PONG\r\n")).serving() as peer:
        finding = probe_redis(f"redis://{login}@127.0.0.1:{peer.port}/0", SECONDS, "other")
    assert finding.found is Found.ANSWERED
    assert peer.received == words + b"*1\r\n$4\r\nPING\r\n"


async def test_a_user_in_the_url_and_a_password_from_a_file(own_redis_server: RedisServer) -> None:
    """A real server with access rules: name and password from two places log in, for the probe and the processor."""
    with redis.Redis.from_url(own_redis_server.url) as client:
        client.execute_command("ACL", "SETUSER", "processor", "on", ">s p@c/e", "+@all", "~*")
        client.execute_command("ACL", "SETUSER", "default", "off")
    url = own_redis_server.url.replace("redis://", "redis://processor@")
    assert probe_redis(url, SECONDS, "s p@c/e").found is Found.ANSWERED
    assert "WRONGPASS" in probe_redis(url, SECONDS, "other").detail
    assert "NOAUTH" in probe_redis(url, SECONDS).detail
    settings = Settings.load({"REDIS_URL": url, "REDIS_PASSWORD": "s p@c/e"})
    assert settings.redis_password is not None
    async with RedisLink(
        settings.redis_url.get_secret_value(), password=settings.redis_password.get_secret_value()
    ) as link:
        assert await link.command("answer", "ACL", "WHOAMI") == "processor"
