"""What the docs promise, as data: their links, commands, examples, marks and codes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from tests.tidy.sources import ROOT, Source

CARD = re.compile(r"\bD-\d\d\b")
MARK = re.compile(r"unverified\s+live", re.IGNORECASE)
MARK_REACH = 60
"""How far behind a mark, in characters, its card must stand."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"(?<![\w/.-])(?:event_processor|gateway_simulator|healthcheck|tests|docs|tools)/[\w./-]*")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_EVENT_ARGUMENT = re.compile(r"'(\{.*?\})'$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:^|[\s(/;|])rebalancer +(?!:)([^\n|;)#]+)", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """One page: its path from the root of the project, and its text."""

    path: str
    text: str

    @cached_property
    def blocks(self) -> list[tuple[str, str]]:
        """Fenced blocks: language and content."""
        return _FENCE.findall(self.text)

    @cached_property
    def code(self) -> list[str]:
        """Everything set as code, but for diagrams."""
        spans = _SPAN.findall(_FENCE.sub("", self.text))
        return [*spans, *(content for language, content in self.blocks if language != "mermaid")]

    @cached_property
    def anchors(self) -> set[str]:
        """The fragments that links may name."""
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in _HEADING.findall(self.text)}


def pages() -> list[Page]:
    """README, CONTRIBUTING, CHANGELOG and everything under docs/."""
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [Page(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in sorted(files)]


def broken_links(page: Page, others: Iterable[Page]) -> list[str]:
    """Relative links to a file or heading that is not there."""
    known = {other.path: other for other in others}
    found = []
    for link in _LINK.findall(_FENCE.sub("", page.text)):
        target, _, fragment = link.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        path = _resolved(page.path, target) if target else page.path
        if not (ROOT / path).exists() and path not in known:
            found.append(f"{page.path}: {link} leads nowhere")
        elif fragment and path in known and fragment not in known[path].anchors:
            found.append(f"{page.path}: {link} names no heading")
    return found


def missing_paths(page: Page) -> list[str]:
    """Files and folders of the project that the page names and that are not there."""
    named = {path.rstrip(".") for code in page.code for path in _PATH.findall(code)}
    return [f"{page.path}: there is no {path}" for path in sorted(named) if not (ROOT / path).exists()]


def make_targets(code: str) -> set[str]:
    """The targets of every `make x` in the text."""
    return set(re.findall(r"(?:^|[\s(])make ([a-z][a-z-]*)\b(?!=)", code, re.MULTILINE))


def commands(page: Page) -> Iterator[list[str]]:
    """The words after `rebalancer` wherever the page shows a call of it."""
    for code in page.code:
        for words in _COMMAND.findall(code.replace("python -m event_processor", "rebalancer").replace("\\\n", " ")):
            yield words.split()


def events(page: Page) -> Iterator[str]:
    """Every rebalance event the page shows: JSON blocks, and arguments of shell commands."""
    for language, content in page.blocks:
        found = [content] if language == "json" else _EVENT_ARGUMENT.findall(content)
        yield from (text for text in found if "rebalance.requested.v1" in text)


def marks_without_card(path: str, text: str, cards: set[str]) -> list[str]:
    """`unverified live` without a card close behind it, and cards that do not exist."""
    found = [f"{path}: there is no card {card}" for card in sorted(set(CARD.findall(text)) - cards)]
    for mark in MARK.finditer(text):
        if not CARD.search(text[mark.end() : mark.end() + MARK_REACH]):
            line = text.count("\n", 0, mark.start()) + 1
            found.append(f"{path}:{line}: the mark names no drill card")
    return found


def reason_codes(source: Source) -> set[str]:
    """Every reason code a file can give: class attributes, keywords, conclusions and waits."""
    found: set[str] = set()
    for node in ast.walk(source.tree):
        match node:
            case (
                ast.keyword(arg="reason_code", value=value) | ast.Assign(targets=[ast.Name("reason_code")], value=value)
            ):
                found |= _texts(value)
            case (
                ast.Call(func=ast.Name("Conclusion"), args=[_, value, *_])
                | ast.Call(func=ast.Name("Wait"), args=[value, *_])
            ):
                found |= _texts(value)
            case _:
                continue
    return found - {""}


def _texts(node: ast.expr) -> set[str]:
    """The texts a plain or conditional expression can be."""
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _resolved(page: str, target: str) -> str:
    parts: list[str] = list(PurePosixPath(page).parent.parts)
    for part in PurePosixPath(target).parts:
        if part == "..":
            parts = parts[:-1] if parts else ["(outside)"]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
