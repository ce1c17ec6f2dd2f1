"""Run seeds on all cores: `python -m tests.simulation.simulate COUNT [FIRST]`.

Each seed that goes wrong is shown with the command that replays it; the exit code is 1 when any did.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation.seeded import run

BATCH = 20
TELL_SECONDS = 5.0
REPLAY = "python -m tests.simulation.replay"


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some seeds: how many there were, outcomes by name, problems by seed."""

    seeds: int
    outcomes: dict[str, int]
    wrong: dict[int, list[str]]


def play(seeds: range) -> Batch:
    """Run these seeds, one after the other."""
    outcomes: Counter[str] = Counter()
    wrong = {}
    for seed in seeds:
        _, ending = run(seed)
        outcomes.update(map(str, ending.outcomes))
        if ending.problems:
            wrong[seed] = ending.problems
    return Batch(len(seeds), dict(outcomes), wrong)


class Progress:
    """Tells now and then how far things are."""

    def __init__(self, total: int) -> None:
        self._total, self._began = total, time.monotonic()
        self._told = self._began
        self._done = self._failed = 0
        self._outcomes: Counter[str] = Counter()

    def add(self, batch: Batch) -> None:
        """One more batch is done."""
        self._done += batch.seeds
        self._failed += len(batch.wrong)
        self._outcomes.update(batch.outcomes)
        for seed, problems in batch.wrong.items():
            write(f"seed {seed}: {'; '.join(problems)}\n  replay with: {REPLAY} {seed}")
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._told = time.monotonic()
            left = (self._told - self._began) * (self._total - self._done) / self._done
            write(f"{self._done} of {self._total} seeds, {self._failed} failed, about {left:.0f} s to go")

    def close(self) -> int:
        """Say how it went; how many seeds failed."""
        seconds = time.monotonic() - self._began
        outcomes = ", ".join(f"{count} {name}" for name, count in self._outcomes.most_common())
        write(f"{self._done} seeds in {seconds:.0f} s, {self._failed} failed; events: {outcomes}")
        return self._failed


def write(text: str) -> None:
    """At once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run them all, and say whether all went well."""
    if not 1 <= len(arguments) <= 2:
        write(str(__doc__))
        return 2
    count, first = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1
    end = first + count
    batches = [range(start, min(start + BATCH, end)) for start in range(first, end, BATCH)]
    progress = Progress(count)
    with multiprocessing.get_context("spawn").Pool() as pool:
        for batch in pool.imap_unordered(play, batches):
            progress.add(batch)
    return 1 if progress.close() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
