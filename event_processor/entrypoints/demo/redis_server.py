"""A real Redis server as a process of its own, for the demo and the tests.

It listens on loopback on a free port and keeps everything the processor asks of a durable store:
append-only file, synced on every write, `noeviction`. Used as a context manager it also removes its folder.

    with RedisServer() as server:
        publish(server.url)
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from event_processor.entrypoints.demo.redis_binary import find_redis_server
from event_processor.errors import StoreUnavailable

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
PORT_TRIES = 5
PING_TRIES = 500
PING_PAUSE_SECONDS = 0.02
PING_SECONDS_MAX = 1.0
STOP_SECONDS_MAX = 5.0


class RedisServer:
    """One server process; `start` after `stop` or `kill` brings it back on the same port and data.

    `directory` keeps the data and the log; without one a temporary folder is made, and removed on leaving
    the context. Neither port nor folder change in the life of the object. `options` are added to its
    configuration, or replace what is there.
    """

    def __init__(self, directory: Path | None = None, options: Mapping[str, str] | None = None) -> None:
        self._owns_directory = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="rebalancer-redis-"))
        self.port = 0
        self._options = dict(options or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for `REDIS_URL`, database 0."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The process id, or None while it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log_file(self) -> Path:
        """What the server wrote about itself."""
        return self.directory / "redis.log"

    def start(self) -> None:
        """Start and wait until it answers; raises `ConfigurationError` without a server program, and
        `StoreUnavailable` with the end of its log when it does not come up in time.
        """
        if self.pid is not None:
            return
        program = find_redis_server()
        for _ in range(PORT_TRIES):
            port = self.port or _free_port()
            self._process = subprocess.Popen(
                [program, *_options(port, self.directory, self.log_file, self._options)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            if _answers(self._process, port):
                self.port = port
                return
            self.kill()
        message = f"{program} did not come up: {_last_lines(self.log_file)}"
        raise StoreUnavailable(message)

    def stop(self) -> None:
        """End it politely, then firmly; returns when the process is gone."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, as a power cut would; returns when the process is gone."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(STOP_SECONDS_MAX)
        self._process = None

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers, until `thaw`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT after `freeze`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._remove_directory()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._remove_directory()

    def _remove_directory(self) -> None:
        if self._owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)


def _options(port: int, directory: Path, log_file: Path, more: Mapping[str, str]) -> list[str]:
    options = {
        "port": str(port),
        "bind": HOST,
        "dir": str(directory),
        "logfile": str(log_file),
        "daemonize": "no",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
        **more,
    }
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether this very process answers on the port, and not another one that took it first."""
    with redis.Redis(
        host=HOST,
        port=port,
        socket_timeout=PING_SECONDS_MAX,
        socket_connect_timeout=PING_SECONDS_MAX,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        for _ in range(PING_TRIES):
            with contextlib.suppress(redis.RedisError):
                return int(client.info("server")["process_id"]) == process.pid and bool(client.ping())
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PING_PAUSE_SECONDS)
                return False
    return False


def _last_lines(log_file: Path) -> str:
    if not log_file.is_file():
        return "it wrote no log"
    return " / ".join(log_file.read_text(errors="replace").splitlines()[-3:])
