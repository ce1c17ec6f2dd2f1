"""A table of results, shown on a terminal and written as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as RichTable


@dataclass(frozen=True, slots=True)
class Table:
    """`note` says how the figures were taken and what they are held against."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def show(self, console: Console) -> None:
        """Print it."""
        table = RichTable(*self.head, title=self.title, caption=self.note, caption_justify="left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)

    def markdown(self) -> str:
        """A section of a page."""
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"## {self.title}\n\n{self.note}\n\n{table}\n"


def milliseconds(seconds: float) -> str:
    """A time for people; a ledger that rounds its times may be a trifle early."""
    return f"{max(0.0, seconds) * 1000:,.0f} ms"
