"""State tables as mermaid diagrams, made from the code. `python -m tests.tidy.diagrams` puts them into the docs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from event_processor.domain.intent import MOVES, IntentState
from event_processor.domain.session import ADVICE, TABLE, SessionState
from tests.tidy.sources import ROOT

Arrow = tuple[str, str, str]


def session_diagram() -> str:
    """`domain.session.TABLE`: arrows with what leads along them; what leads nowhere else is left out."""
    ways: dict[tuple[str, str], list[str]] = defaultdict(list)
    for state, moves in TABLE.items():
        for event, target in moves.items():
            if target is not state:
                ways[state, target].append(event)
    arrows = [(before, after, ", ".join(events)) for (before, after), events in ways.items()]
    return _diagram(SessionState.DOWN, arrows)


def intent_diagram() -> str:
    """`domain.intent.MOVES`, from the record to the end."""
    arrows = [(state, target, "") for state, targets in MOVES.items() for target in sorted(targets)]
    return _diagram(IntentState.RECORDED, arrows, ends=[IntentState.DONE])


def advice_table() -> str:
    """`domain.session.ADVICE` as a table."""
    rows = [f"| `{state}` | {ADVICE[state]} |" for state in SessionState]
    return "\n".join(["| State | What you read |", "|---|---|", *rows])


def _diagram(start: str, arrows: Iterable[Arrow], ends: Iterable[str] = ()) -> str:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {start}"]
    for before, after, label in arrows:
        lines.append(f"    {before} --> {after}" + (f": {label}" if label else ""))
    lines += [f"    {end} --> [*]" for end in ends]
    return "\n".join([*lines, "```"])


BLOCKS: dict[str, tuple[str, Callable[[], str]]] = {
    "session": ("docs/explanation/session.md", session_diagram),
    "advice": ("docs/explanation/session.md", advice_table),
    "intent": ("docs/explanation/architecture.md", intent_diagram),
}
"""Name of a block -> the page it stands on, and what makes it."""


def fitted(page: str, name: str, block: str) -> str:
    """The page with the block between its marks; raises ValueError when the marks are not there."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the page has no {begin} … {end}")
    return f"{before}{begin}\n\n{block}\n\n{end}{after}"


def main() -> None:
    for name, (path, make) in BLOCKS.items():
        file: Path = ROOT / path
        file.write_text(fitted(file.read_text(encoding="utf-8"), name, make()), encoding="utf-8")


if __name__ == "__main__":
    main()
