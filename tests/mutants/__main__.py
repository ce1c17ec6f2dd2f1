"""Apply each deliberate defect and see which run catches it: `python -m tests.mutants [NAME ...]`.

The exit code is 1 when one survives. A name may be the beginning of one.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.mutants.hunt import MUTANTS, Catch, hunt


def main(names: Sequence[str]) -> int:
    """Hunt them all, two at a time, each in a process of its own; print the table."""
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name.startswith(tuple(names))]
    console = Console()
    with multiprocessing.get_context("spawn").Pool(maxtasksperchild=1) as pool:
        hunts = [pool.apply_async(hunt, (mutant.name,)) for mutant in chosen]
        catches: list[Catch | None] = []
        for mutant, waiting in zip(chosen, hunts, strict=True):
            catches.append(waiting.get())
            console.print(f"{mutant.name}: {'caught' if catches[-1] else 'SURVIVES'}", highlight=False)
    table = Table("Defect", "What it does", "Caught by", "Runs", title="Deliberate defects", show_lines=True)
    for mutant, catch in zip(chosen, catches, strict=True):
        table.add_row(mutant.name, mutant.sentence, *((catch.by, str(catch.runs)) if catch else ("nothing", "-")))
    console.print(table)
    survivors = catches.count(None)
    console.print(f"{len(chosen)} defects, {survivors} survive")
    return 1 if survivors or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
