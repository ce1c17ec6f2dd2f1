"""Replay seeds with a timeline: `python -m tests.simulation.replay SEED [SEED ...]`; a range is `FIRST-LAST`.

One seed is shown in full, several in one line each; the exit code is 1 when any went wrong.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from tests.simulation.seeded import run


def write(text: object) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{text}\n")


def main(arguments: Sequence[str]) -> int:
    """Replay, print, and say whether all went well."""
    seeds = [seed for argument in arguments for seed in _seeds(argument)]
    if not seeds:
        write(__doc__)
        return 2
    return _show(seeds[0]) if len(seeds) == 1 else _show_many(seeds)


def _seeds(argument: str) -> range:
    first, _, last = argument.partition("-")
    return range(int(first), int(last or first) + 1)


def _show(seed: int) -> int:
    story, ending = run(seed)
    write(story)
    write(ending)
    write(f"outcomes: {', '.join(map(str, ending.outcomes))}")
    return 1 if ending.problems else 0


def _show_many(seeds: Sequence[int]) -> int:
    outcomes: Counter[str] = Counter()
    failed = 0
    for seed in seeds:
        _, ending = run(seed)
        outcomes.update(map(str, ending.outcomes))
        if ending.problems:
            failed += 1
            write(f"seed {seed}: {'; '.join(ending.problems)}")
    write(f"{len(seeds)} seeds, {failed} failed; outcomes: {dict(outcomes.most_common())}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
