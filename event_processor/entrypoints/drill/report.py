"""The report of a drill: for programs as JSON, for people as text, with everything that was seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from event_processor.entrypoints.drill.card import Result, Verdict

TEXT_SUFFIX = ".md"


def document(about: Mapping[str, str], results: Sequence[Result]) -> dict[str, Any]:
    """The whole report in plain values."""
    return {
        **about,
        "passed": sum(result.verdict is Verdict.PASSED for result in results),
        "failed": sum(result.verdict is Verdict.FAILED for result in results),
        "skipped": sum(result.verdict is Verdict.SKIPPED for result in results),
        "cards": [_card(result) for result in results],
    }


def text(about: Mapping[str, str], results: Sequence[Result]) -> str:
    """The whole report in Markdown."""
    lines = ["# Drill report", "", *(f"- {name.replace('_', ' ')}: {value}" for name, value in about.items())]
    for result in results:
        lines += ["", *_section(result)]
    return "\n".join(lines) + "\n"


def write(file: Path, about: Mapping[str, str], results: Sequence[Result]) -> tuple[Path, Path]:
    """Write both forms, the JSON to `file`; where they are. Raises OSError."""
    readable = file.with_suffix(TEXT_SUFFIX) if file.suffix != TEXT_SUFFIX else file
    machine = file if file.suffix != TEXT_SUFFIX else file.with_suffix(".json")
    machine.write_text(json.dumps(document(about, results), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    readable.write_text(text(about, results), encoding="utf-8")
    return machine, readable


def _card(result: Result) -> dict[str, Any]:
    card = result.card
    return {
        "card": card.number,
        "title": card.title,
        "confirms": card.confirms,
        "steps": list(card.steps),
        "verdict": str(result.verdict),
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "checks": [
            {"name": one.name, "criterion": one.criterion, "ok": one.ok, "seen": one.seen} for one in result.checks
        ],
        "seen": dict(result.seen),
    }


def _section(result: Result) -> Iterator[str]:
    card = result.card
    yield f"## {card.number} {card.title}: {result.verdict}"
    yield ""
    yield f"It confirms that {card.confirms}. Played in {result.seconds:.1f} s: {'; '.join(card.steps)}."
    if result.reason:
        yield ""
        yield result.reason
    if result.checks or result.seen:
        yield ""
    for check in result.checks:
        yield f"- {'ok' if check.ok else 'NO'}: {check.criterion} (seen: {check.seen})"
    for what, value in result.seen.items():
        yield f"- {what}: {value}"
