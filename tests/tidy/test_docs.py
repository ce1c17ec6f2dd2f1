from __future__ import annotations

import ast

import pytest
import typer
from typer.core import TyperGroup

from event_processor import errors
from event_processor.domain.event import parse_event
from event_processor.entrypoints.cli import app
from gateway_simulator import scenario
from gateway_simulator.actions import catalogue, parameter_names
from healthcheck.report import Status
from tests.tidy.diagrams import BLOCKS, fitted
from tests.tidy.documents import (
    CARD,
    Page,
    broken_links,
    commands,
    events,
    make_targets,
    marks_without_card,
    missing_paths,
    pages,
    reason_codes,
)
from tests.tidy.sources import ROOT, Source, product_sources

PAGES = pages()
BY_PATH = {page.path: page for page in PAGES}
CARDS_PAGE = "docs/drill-cards.md"
CARDS = set(CARD.findall(BY_PATH[CARDS_PAGE].text))
MAKE = {line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ": " in line and "##" in line}
ERRORS = [
    found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, errors.ProcessorError)
]


def options_of(words: list[str]) -> set[str] | None:
    """What may follow the command that these words call; None when there is no such command."""
    found = typer.main.get_command(app)
    while isinstance(found, TyperGroup) and words and words[0] in found.commands:
        found, words = found.commands[words[0]], words[1:]
    if isinstance(found, TyperGroup) and not (found.invoke_without_command and not words):
        return None
    return {"--help", *(option for each in found.params for option in each.opts)}


def wrong_calls(page: Page) -> list[str]:
    """Calls of `rebalancer` with a command or an option that does not exist."""
    wrong = []
    for words in commands(page):
        if words[0].startswith("-") or words[0].isupper():
            continue  # an option of the whole, or a word that stands for any command
        options = options_of([word for word in words if not word.startswith("--")])
        if options is None:
            wrong.append(f"{page.path}: there is no command rebalancer {' '.join(words[:2])}")
            continue
        used = [word.partition("=")[0] for word in words if word.startswith("--")]
        wrong += [f"{page.path}: rebalancer {words[0]} has no {word}" for word in used if word not in options]
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_links_and_paths_lead_somewhere(page: Page) -> None:
    """Relative links reach a file and a heading that exist, and files named in the text are there."""
    assert broken_links(page, PAGES) + missing_paths(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_commands_in_the_docs_exist(page: Page) -> None:
    """Every make target, every `rebalancer` command and every option of it that a page shows can be called."""
    unknown = set().union(*map(make_targets, page.code)) - MAKE
    assert (sorted(unknown), wrong_calls(page)) == ([], [])


@pytest.mark.parametrize("page", [page for page in PAGES if any(events(page))], ids=lambda page: page.path)
def test_events_in_the_docs_are_events(page: Page) -> None:
    """Every example event is accepted by the contract itself."""
    for text in events(page):
        assert parse_event(text).data.account


def test_python_in_the_docs_is_python() -> None:
    """Python examples parse, and there are some."""
    found = [content for page in PAGES for language, content in page.blocks if language == "python"]
    assert [type(ast.parse(content)) for content in found] == [ast.Module] * len(found) != []


def test_every_error_is_in_the_reference() -> None:
    """Each class of errors.py has a row with its own code and disposition."""
    text = BY_PATH["docs/reference/errors.md"].text
    rows = [f"| `{found.__name__}` | `{found.reason_code}` | {found.disposition.name} |" for found in ERRORS]
    assert [row for row in rows if row not in text] == []
    assert [name for name in errors.Disposition.__members__ if f"| {name} |" not in text] == []


def test_every_reason_code_is_in_the_reference() -> None:
    """No code leaves the processor that the page does not explain."""
    inside = [source for source in product_sources() if source.path.startswith("event_processor/")]
    codes = set().union(*(reason_codes(source) for source in inside if "/entrypoints/" not in source.path))
    text = BY_PATH["docs/reference/errors.md"].text
    assert {"malformed", "filled", "held", "not_armed"} <= codes
    assert sorted(code for code in codes if f"`{code}`" not in text) == []


def test_every_unverified_statement_has_a_drill_card() -> None:
    """Marks in docs and code name a card, and every card that is named exists."""
    texts = {page.path: page.text for page in PAGES if page.path != CARDS_PAGE}
    texts |= {source.path: source.text for source in product_sources()}
    assert [line for path, text in texts.items() for line in marks_without_card(path, text, CARDS)] == []


def test_drill_cards_are_numbered_without_a_gap() -> None:
    """D-01 to the last, each with one row."""
    rows = [line[2:6] for line in BY_PATH[CARDS_PAGE].text.splitlines() if line.startswith("| D-")]
    assert sorted(rows) == [f"D-{number:02d}" for number in range(1, len(rows) + 1)]


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_diagrams_are_in_step_with_the_tables(name: str) -> None:
    """`python -m tests.tidy.diagrams` has been run since the last change of the code."""
    path, make = BLOCKS[name]
    assert BY_PATH[path].text == fitted(BY_PATH[path].text, name, make())


def test_the_simulator_page_is_complete() -> None:
    """Every scenario and every control command is listed as the program itself describes it."""
    text = BY_PATH["docs/reference/simulator.md"].text
    scenarios = [f"| `{name}` | {scenario.load(name).description} |" for name in scenario.names()]
    assert [row for row in scenarios if row not in text] == []
    assert [name for name in catalogue() if f"\n| `{name}` |" not in text] == []
    assert [word for name in catalogue() for word in parameter_names(name) if f"`{word}`" not in text] == []


def test_the_health_page_has_every_status() -> None:
    """Each status of the shared vocabulary has a row."""
    text = BY_PATH["docs/reference/health.md"].text
    assert [status.value for status in Status if f"\n| `{status.value}` |" not in text] == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a](gone.md)", "leads nowhere"),
        ("[a](glossary.md#no-such-word)", "names no heading"),
        ("[a](../../README.md)", "leads nowhere"),
    ],
)
def test_broken_links_are_caught(text: str, problem: str) -> None:
    """A link to a missing file, a missing heading, or out of the project is found."""
    (found,) = broken_links(Page("docs/a.md", text), [Page("docs/glossary.md", "# Glossary")])
    assert problem in found


@pytest.mark.parametrize("call", ["rebalancer fly", "rebalancer events fly", "rebalancer status --yaml"])
def test_wrong_calls_are_caught(call: str) -> None:
    """A command, a subcommand and an option that do not exist are each found once."""
    assert len(wrong_calls(Page("a.md", f"```\n{call}\n```"))) == 1


def test_wrong_targets_paths_and_marks_are_caught() -> None:
    """So are a make target, a file and a mark without its card."""
    page = Page("a.md", "Run `make fly`, see `tests/nowhere.py`. This is *unverified live*; and see D-99.")
    assert make_targets(page.code[0]) == {"fly"}
    assert missing_paths(page) == ["a.md: there is no tests/nowhere.py"]
    assert len(marks_without_card("a.md", page.text.replace("D-99", "nothing"), {"D-01"})) == 1
    assert marks_without_card("a.md", page.text, {"D-01"}) == ["a.md: there is no card D-99"]


def test_reason_codes_are_found_wherever_they_are_given() -> None:
    """Keyword, class attribute, conclusion and wait, also when one of two is chosen."""
    text = "class E(P):\n    reason_code = 'a'\nE(reason_code='b' if x else 'c')\nConclusion(K, 'd', '')\nWait('e', '')"
    assert reason_codes(Source("a.py", text)) == {"a", "b", "c", "d", "e"}
