"""Processes under test: started with their output kept, waited for by what they print, ended by pid.

with RunningProcess([sys.executable, "-m", "gateway_simulator", "--port", "0"], log_file) as simulator:
    port = simulator.wait_for_json(lambda line: line.get("event") == "listening")["port"]
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

T = TypeVar("T")

LINE_SECONDS_MAX = 10.0
STOP_SECONDS_MAX = 10.0
TAIL_LINES = 20


class RunningProcess:
    """A child process; standard output and error, line by line, go to `log_file` and can be waited for."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        log_file: Path,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Start at once; `environment` is added to this process's own."""
        self.arguments = [str(word) for word in arguments]
        self.log_file = log_file
        self._lines: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            self.arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            cwd=folder,
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal number when a signal ended it."""
        return self._process.poll()

    @property
    def lines(self) -> list[str]:
        """What it printed so far."""
        with self._news:
            return list(self._lines)

    def json_lines(self) -> list[dict[str, Any]]:
        """The JSON objects among the lines printed so far."""
        return [found for line in self.lines if (found := _json_object(line)) is not None]

    def wait_for_line(self, text: str, *, since: int = 0, seconds_max: float = LINE_SECONDS_MAX) -> str:
        """The first line from number `since` on that contains `text`.

        `AssertionError`, with the last lines, when none comes in time or the process ends without it.
        """
        return self._wait_for(lambda line: line if text in line else None, f"a line with {text!r}", since, seconds_max)

    def wait_for_json(
        self,
        wanted: Callable[[dict[str, Any]], object],
        *,
        since: int = 0,
        seconds_max: float = LINE_SECONDS_MAX,
    ) -> dict[str, Any]:
        """The first JSON object from line `since` on for which `wanted` holds; errors as `wait_for_line`."""

        def match(line: str) -> dict[str, Any] | None:
            found = _json_object(line)
            return found if found is not None and wanted(found) else None

        return self._wait_for(match, "the wanted JSON line", since, seconds_max)

    def wait(self, seconds_max: float = STOP_SECONDS_MAX) -> int:
        """Its exit code, once it has ended by itself; `AssertionError` when it has not in time."""
        try:
            code = self._process.wait(seconds_max)
        except subprocess.TimeoutExpired:
            raise AssertionError(self._story(f"still running after {seconds_max} s")) from None
        self._reader.join(STOP_SECONDS_MAX)
        return code

    def stop(self) -> int:
        """SIGTERM, then wait; `AssertionError` (after SIGKILL) when it does not end in time."""
        self._process.terminate()
        try:
            return self.wait()
        except AssertionError:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        self._process.kill()
        self.wait()

    def freeze(self) -> None:
        """SIGSTOP: a stalled host."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT after `freeze`."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.exit_code is None:
            self.thaw()
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.kill()
        self._reader.join(STOP_SECONDS_MAX)

    def _read(self, output: IO[str]) -> None:
        with output, self.log_file.open("w") as log:
            for line in output:
                log.write(line)
                log.flush()
                with self._news:
                    self._lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _wait_for(self, match: Callable[[str], T | None], what: str, since: int, seconds_max: float) -> T:
        deadline = time.monotonic() + seconds_max
        position = since
        with self._news:
            while True:
                for line in self._lines[position:]:
                    found = match(line)
                    if found is not None:
                        return found
                position = max(position, len(self._lines))
                if self._ended:
                    raise AssertionError(self._story(f"ended without {what}"))
                if not self._news.wait(deadline - time.monotonic()):
                    raise AssertionError(self._story(f"no sign of {what} in {seconds_max} s"))

    def _story(self, problem: str) -> str:
        with self._news:
            tail = "\n".join(self._lines[-TAIL_LINES:])
        return f"{' '.join(self.arguments)} (exit code {self.exit_code}): {problem}; its last lines:\n{tail}"


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
