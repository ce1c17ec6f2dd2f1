"""One process of the demo: its output goes to a file, its first JSON lines can be waited for, it always ends."""

from __future__ import annotations

import json
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from event_processor.errors import ProcessorError
from event_processor.settings import environment_for

STOP_SECONDS_MAX = 6.0
LOOKS = 200
LOOK_SECONDS = 0.05
TAIL_LINES = 15


class DemoFailed(ProcessorError):
    """A part of the demo could not do its work."""

    reason_code = "demo"


class Child:
    """A running process; `stop` ends it politely, then firmly."""

    def __init__(self, name: str, words: Sequence[str], log: Path, settings: Mapping[str, str]) -> None:
        """Start at once. `settings` are the only ones of ours in its environment."""
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment_for({**settings, "PYTHONUNBUFFERED": "1"}),
                cwd=log.parent,
                start_new_session=True,
            )

    def wait_for(self, event: str) -> dict[str, Any]:
        """The first JSON line it prints with this `event`; raises `DemoFailed` when it ends or stays silent."""
        for _ in range(LOOKS):
            for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
                found = _json_object(line)
                if found is not None and found.get("event") == event:
                    return found
            try:
                self._process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            break
        raise DemoFailed(f"{self.name} did not come up; its last words:\n{self.tail()}")

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """Raise `DemoFailed` when it has ended."""
        if self.exit_code is not None:
            raise DemoFailed(f"{self.name} ended with exit code {self.exit_code}; its last words:\n{self.tail()}")

    def tail(self) -> str:
        """Its last lines."""
        with self.log.open(encoding="utf-8", errors="replace") as lines:
            return "".join(deque(lines, TAIL_LINES)).rstrip()

    def stop(self) -> None:
        """End it; returns when the process is gone."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS_MAX)


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
