"""An asyncio loop on virtual time: an hour of waiting takes no time, and the same run each time.

Whenever nothing is ready to run, the clock jumps to the next timer. Only what lives inside the loop can be
waited for: sockets and threads would answer in real time, so waiting for nothing but them is a deadlock.

    assert run_virtual(next_retry(), limit_seconds=3600) == "connected"
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

LIMIT_SECONDS = 24 * 3600.0
CLOCK_RESOLUTION_SECONDS = 1e-6
ROUNDS_MAX = 20_000
"""How often the loop may go round without time passing."""


class VirtualDeadlockError(RuntimeError):
    """Every task waits and no timer is set: nothing can ever happen again."""


class VirtualSpinError(RuntimeError):
    """Something keeps running while no time passes: in real time it would burn a processor."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector loop whose `time()` moves only by jumping to the next timer; it starts at 0.

    Past `limit_seconds` the run is stopped with `TimeoutError`; what then cleans up has as long again.
    """

    def __init__(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._now_seconds = 0.0
        self._rounds = 0
        self._limit_seconds = self._stop_at_seconds = limit_seconds
        super().__init__(_JumpingSelector(self._jump))
        # Timers this close are due: it keeps float rounding from asking for ever smaller jumps.
        self._clock_resolution = CLOCK_RESOLUTION_SECONDS

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now_seconds

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: object) -> asyncio.Future[T]:
        """Refused: a thread runs in real time."""
        raise RuntimeError(f"no threads on virtual time: {func}")

    def _jump(self, seconds: float | None) -> None:
        if seconds is None:
            raise VirtualDeadlockError(self._who_waits("nothing can ever happen again"))
        self._rounds = 0 if seconds > 0 else self._rounds + 1
        if self._rounds > ROUNDS_MAX:
            self._rounds = 0
            raise VirtualSpinError(self._who_waits(f"{ROUNDS_MAX} rounds and no time passed"))
        self._now_seconds += max(0.0, seconds)
        if self._now_seconds > self._stop_at_seconds:
            self._stop_at_seconds = self._now_seconds + self._limit_seconds
            raise TimeoutError(self._who_waits(f"no end within {self._limit_seconds:g} virtual seconds"))

    def _who_waits(self, problem: str) -> str:
        tasks = asyncio.all_tasks(self)
        waiting = sorted(f"{task.get_name()} in {task.get_coro()}" for task in tasks)
        return f"{problem} (at second {self._now_seconds:g}); waiting: {'; '.join(waiting)}"


class _JumpingSelector(selectors.DefaultSelector):
    """Tells how long the loop would sleep, and looks at the sockets without sleeping."""

    def __init__(self, jump: Callable[[float | None], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            self._jump(timeout)
        return ready


def run_virtual(main: Coroutine[Any, Any, T], *, limit_seconds: float = LIMIT_SECONDS) -> T:
    """Run to the end on virtual time; tasks still running then are cancelled, as `asyncio.run` does.

    `TimeoutError` past `limit_seconds` of it, `VirtualDeadlockError` when nothing is left to wait for; both
    name the tasks that wait.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(limit_seconds)) as runner:
        return runner.run(main)
