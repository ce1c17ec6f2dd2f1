"""Look at one thing over the network, within a hard limit, and leave nothing open.

A probe never raises for what it finds: it answers with a `Finding`. Each gets the seconds it may take
as a whole, over all its reads.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from urllib.parse import unquote, urlsplit

from healthcheck.clock import now

_HANDSHAKE = b"API\0" + struct.pack(">I", 9) + b"v157..178"
_ANSWER_BYTES_MAX = 65_536
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")


class Found(StrEnum):
    """What the other side did."""

    ANSWERED = "answered"
    REFUSED = "refused"
    SILENT = "silent"
    CLOSED = "closed"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe saw; `detail` is for people, `body` what an HTTP server sent."""

    found: Found
    detail: str = ""
    body: str = ""


def probe_gateway(host: str, port: int, seconds: float) -> Finding:
    """Whether a TWS API server answers the version handshake.

    Stops before startApi, so no client id is used and a trader's session is not disturbed. A relay in
    front of a gateway that nobody is logged in to accepts and stays silent, or closes at once.
    """
    try:
        with _Conversation(host, port, seconds) as talk:
            talk.send(_HANDSHAKE)
            (length,) = struct.unpack(">I", talk.read(4))
            if not 0 < length <= _ANSWER_BYTES_MAX:
                return Finding(Found.WRONG, f"{host}:{port} is not a TWS API server")
            version = talk.read(length).split(b"\0")[0]
    except (OSError, EOFError) as error:
        return _failure(host, port, error)
    if not version.isdigit():
        return Finding(Found.WRONG, f"{host}:{port} is not a TWS API server")
    return Finding(Found.ANSWERED, f"{host}:{port} speaks TWS API server version {version.decode()}")


def probe_http(url: str, seconds: float) -> Finding:
    """GET `url`, `http://` only; any HTTP status is an answer."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
    except ValueError:
        return Finding(Found.WRONG, f"{url} is no address")
    try:
        with _Conversation(host, port, seconds) as talk:
            talk.send(f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            head, _, body = talk.read_all().partition(b"\r\n\r\n")
    except (OSError, EOFError) as error:
        return _failure(host, port, error)
    status = _STATUS_LINE.match(head)
    if status is None:
        return Finding(Found.WRONG, f"{url} does not speak HTTP")
    return Finding(Found.ANSWERED, f"{url} answered {int(status[1])}", body.decode("utf-8", "replace"))


def probe_redis(url: str, seconds: float, password: str = "") -> Finding:
    """PING, after AUTH when the URL or `password` carries one; without TLS. Of several hosts, nodes of a cluster or
    Sentinels, one that answers is enough; Sentinels are asked without a password.
    """
    finding = Finding(Found.WRONG, "the address of Redis cannot be read")
    try:
        parts = urlsplit(url)
        sentinels = parts.scheme.endswith("+sentinel")
        ones = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
        hosts = [(one.hostname or "127.0.0.1", one.port or (26379 if sentinels else 6379)) for one in ones]
    except ValueError:  # whose own words hold a part of the password
        return finding
    secret = "" if sentinels else unquote(parts.password or "") or password
    login = [word for word in (unquote(parts.username or ""), secret) if word] if secret else []
    for host, port in hosts:
        finding = _ping(host, port, seconds / len(hosts), login)
        if finding.found is Found.ANSWERED:
            break
    return finding


def _ping(host: str, port: int, seconds: float, login: Sequence[str]) -> Finding:
    try:
        with _Conversation(host, port, seconds) as talk:
            if login:
                talk.send(_command("AUTH", *login))
                if not (answer := talk.read_line()).startswith(b"+OK"):
                    return Finding(Found.WRONG, f"Redis refused the password: {_words(answer)}")
            talk.send(_command("PING"))
            answer = talk.read_line()
    except (OSError, EOFError) as error:
        return _failure(host, port, error)
    if answer.startswith(b"+PONG"):
        return Finding(Found.ANSWERED, f"Redis at {host}:{port} answers")
    return Finding(Found.WRONG, f"Redis at {host}:{port} says: {_words(answer)}")


class _Conversation:
    """One connection under one deadline."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._deadline = now() + seconds
        addresses = _resolve(host, seconds)
        for number, address in enumerate(addresses, 1):
            try:
                self._socket = socket.create_connection((address, port), timeout=self._left())
                break
            except OSError:
                if number == len(addresses):
                    raise

    def send(self, data: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(data)

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            found += self._receive(size - len(found))
        return found

    def read_line(self) -> bytes:
        found = b""
        while not found.endswith(b"\n") and len(found) < _ANSWER_BYTES_MAX:
            found += self._receive(1)
        return found

    def read_all(self) -> bytes:
        found = self._receive(_ANSWER_BYTES_MAX)
        with contextlib.suppress(EOFError):
            while len(found) < _ANSWER_BYTES_MAX:
                found += self._receive(_ANSWER_BYTES_MAX)
        return found

    def _receive(self, size: int) -> bytes:
        self._socket.settimeout(self._left())
        data = self._socket.recv(size)
        if not data:
            raise EOFError
        return data

    def _left(self) -> float:
        left = self._deadline - now()
        if left <= 0:
            raise TimeoutError
        return left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _resolve(host: str, seconds: float) -> list[str]:
    """The addresses of a host; `OSError` when it has none or they are not known in time, on which the system's own
    look-up sets no limit.
    """
    found: list[str] = []

    def look_up() -> None:
        with contextlib.suppress(OSError):
            found.extend(str(address[0]) for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise OSError(f"no address is known for {host}")
    return found


def _failure(host: str, port: int, error: Exception) -> Finding:
    if isinstance(error, TimeoutError):
        return Finding(Found.SILENT, f"{host}:{port} accepts or drops connections and does not answer")
    if isinstance(error, (EOFError, ConnectionResetError, BrokenPipeError)):
        return Finding(Found.CLOSED, f"{host}:{port} closed the connection at once")
    return Finding(Found.REFUSED, f"{host}:{port}: {getattr(error, 'strerror', None) or error}")


def _command(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


def _words(answer: bytes) -> str:
    return answer.decode("utf-8", "replace").strip().lstrip("-+")
