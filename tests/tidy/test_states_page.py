"""`docs/reference/states-and-errors.md` against the code: no state, message or line without advice."""

from __future__ import annotations

import re

import pytest

from event_processor.adapters.ibkr import codes
from event_processor.domain.reports import NoticeKind
from event_processor.domain.session import SessionEvent, SessionState
from gateway_simulator.stand_in import conflict, table
from healthcheck.report import Status
from tests.tidy.sources import ROOT

PAGE = (ROOT / "docs/reference/states-and-errors.md").read_text(encoding="utf-8")
HEAD = re.compile(r"^\| .*\n\|-.*\n", re.MULTILINE)
POSSIBLE = range(100, 100_000)
NOTICES = range(2100, 2200)
KINDS = {
    NoticeKind.WARNING: "lives on",
    NoticeKind.REFUSED: "refused",
    NoticeKind.CANCELLED: "cancelled",
    NoticeKind.CANCEL_REFUSED: "cancel without effect",
    NoticeKind.NOT_TAKEN: "not taken",
}
SESSION_WORDS = {
    SessionEvent.LINK_LOST: "`link_lost`",
    SessionEvent.LINK_RESTORED: "`link_restored`",
    SessionEvent.COMPETING: "`competing`",
}


def rows(heading: str) -> list[list[str]]:
    """The cells of each row of every table under a heading, without the head of the table."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = HEAD.sub("", section).splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]


def by_code(heading: str) -> dict[int, str]:
    """Each code of a table and what is said under *Here*."""
    return {int(code): cells[2] for cells in rows(heading) for code in re.findall(r"\d{3,5}", cells[0])}


def test_every_health_status_has_a_row_with_its_words() -> None:
    """Each status, with the words that people read in brackets."""
    found = {cells[0]: cells[1] for cells in rows("Status")}
    assert set(found) == {f"`{status.value}`" for status in Status}
    assert [status for status in Status if f"({status.words})" not in found[f"`{status.value}`"]] == []


def test_every_session_state_has_a_row_that_leads_to_a_status() -> None:
    """Each state of the session, and a status that exists."""
    found = {cells[0]: cells[1] for cells in rows("Session")}
    assert set(found) == {f"`{state}`" for state in SessionState}
    assert set(found.values()) <= {f"`{status.value}`" for status in Status}


def test_the_table_of_orders_says_what_the_code_does() -> None:
    """Exactly the codes that mean something definite for an order, each with what they mean."""
    meant = {code: codes.order_notice(code, "", working=False) for code in POSSIBLE if code not in NOTICES}
    definite = {code: KINDS[kind] for code, kind in meant.items() if kind is not NoticeKind.AMBIGUOUS}
    found = by_code("Messages about orders")
    assert set(found) == set(definite)
    assert [code for code, words in definite.items() if not found[code].startswith(words)] == []


def test_the_table_of_the_connection_says_what_the_code_does() -> None:
    """Every code that moves the session, and every one that the connection looks for by name."""
    found = by_code("Messages about the connection")
    moving = {code: codes.session_event(code, "") for code in POSSIBLE}
    for code, event in moving.items():
        assert event is None or found[code].startswith(SESSION_WORDS[event])
    named = {codes.MESSAGE_RATE_EXCEEDED, codes.CLIENT_ID_TAKEN, codes.PORT_RESET, *codes.REQUEST_REFUSALS}
    assert named <= set(found)
    assert {NOTICES.start, NOTICES.stop - 1} <= set(found)


def test_the_table_of_market_data_says_what_the_code_does() -> None:
    """Exactly the codes that end a line of data, and those that leave it open."""
    expected = {**dict.fromkeys(codes.DATA_NOTICES, "may still come"), **dict.fromkeys(codes.DATA_REFUSALS, "no data")}
    found = by_code("Messages about market data")
    assert set(found) == set(expected)
    assert [code for code, words in expected.items() if not found[code].startswith(words)] == []


def test_every_answer_to_a_competing_login_is_explained() -> None:
    """What the login automator says when it yields, insists or waits has a row in the table of its lines."""
    lines = {cells[0] for cells in rows("Lines in the gateway's log")}
    said = {text for answers in conflict.ANSWERS.values() for text, _ in answers.values()}
    assert [text for text in sorted(said) if f"`{text}`" not in lines] == []


def test_every_dialog_of_the_stand_in_is_explained() -> None:
    """Each title that people see in the practice window has a row."""
    found = [cells[0] for cells in rows("Dialogs in the gateway's window")]
    titles = {title for _, title in table.WINDOWS.values()}
    assert [title for title in sorted(titles) if not any(f"`{title}`" in cell for cell in found)] == []


@pytest.mark.parametrize("heading", re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
def test_every_row_says_what_to_do(heading: str) -> None:
    """No row ends with an empty cell."""
    assert [cells for cells in rows(heading) if not all(cells)] == []
