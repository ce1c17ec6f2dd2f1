"""Peers on loopback for probes to meet."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

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
