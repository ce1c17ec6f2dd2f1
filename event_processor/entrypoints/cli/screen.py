"""What the command writes: tables for people, JSON for programs, and errors with their way out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from event_processor.adapters.observers.plain import plain
from event_processor.errors import ProcessorError, StoreUnavailable

WIDTH_IN_FILES = 200
out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_IN_FILES)
err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDTH_IN_FILES)

STYLES = {
    "completed": "green",
    "completed_adjusted": "green",
    "no_change": "green",
    "done": "green",
    "filled": "green",
    "passed": "green",
    "skipped": "yellow",
    "ready": "green",
    "working": "cyan",
    "submitting": "yellow",
    "unknown": "red",
    "needs_review": "bold red",
    "failed": "red",
    "rejected": "red",
    "partial": "yellow",
    "expired": "yellow",
    "superseded": "yellow",
}


def print_json(value: object) -> None:
    """One JSON document on standard out."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")


def say(text: str) -> None:
    """A line for people."""
    out.print(escape(text), soft_wrap=True)


def note(text: str) -> None:
    """Progress, on standard error: it never mixes with what a program reads."""
    err.print(escape(text), style="dim", soft_wrap=True)


def complain(error: ProcessorError, *, redis: str = "") -> None:
    """What happened, why, and what to do."""
    err.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
    if isinstance(error, StoreUnavailable):
        where = f" at {redis}" if redis else ""
        err.print(
            escape(
                f"Is Redis running{where}? Start it (docker compose up -d redis, or redis-server --appendonly yes "
                "--appendfsync always), or set REDIS_URL to where it is."
            ),
            soft_wrap=True,
        )


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose known words are coloured; a column whose name begins with `>` is set to the right."""
    made = Table(title=title or None, title_justify="left", show_edge=False, pad_edge=False)
    for column in columns:
        made.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def age(at: datetime | None, now: datetime) -> str:
    """`3 s`, `5 min`, `2 h`, `4 d` between both; empty without an instant."""
    if at is None:
        return ""
    seconds = max(0, int((now - at).total_seconds()))
    for limit, size, unit in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86_400} d"


def moment(text: object) -> datetime | None:
    """The instant in a JSON value; None when it holds none."""
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) and text else None


def share(value: object) -> str:
    """`0.6` as `60.00 %`; empty without a value."""
    return f"{float(str(value)) * 100:.2f} %" if value not in (None, "") else ""


def get(found: Mapping[str, Any], *names: str) -> str:
    """The first of these that is there, as text."""
    return next((str(found[name]) for name in names if found.get(name) not in (None, "")), "")


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    style = STYLES.get(text)
    return f"[{style}]{escape(text)}[/]" if style else escape(text)
