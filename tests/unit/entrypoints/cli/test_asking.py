"""Whom a request goes to, and how the answers of several processors become one."""

from __future__ import annotations

import pytest

from event_processor.domain.ids import AccountId
from event_processor.domain.whereabouts import Login
from event_processor.entrypoints.cli.asking import ANY, one_of_each, together

FIRST, SECOND = AccountId("DU1"), AccountId("DU2")


@pytest.mark.parametrize(
    ("logins", "asked"),
    [
        ([], [ANY]),
        ([Login("one", (FIRST,), 0.0), Login("two", (FIRST,), 0.0)], [ANY]),
        ([Login("one", (FIRST,), 0.0), Login("two", (SECOND,), 99.0)], [ANY]),
        ([Login("one", (FIRST,), 0.0), Login("two", (SECOND,), 0.0)], ["one", "two"]),
        ([Login("a", (FIRST,), 0.0), Login("b", (), 0.0), Login("c", (FIRST, SECOND), 0.0)], ["a", "c"]),
    ],
)
def test_one_processor_of_each_login_is_asked(logins: list[Login], asked: list[str]) -> None:
    """Nobody twice for the same accounts, nobody who is gone or has none; one login is asked as ever."""
    assert one_of_each(logins, 15.0) == asked


def test_answers_become_one() -> None:
    """Every line and account is there; a processor that is silent makes it no success, and is named."""
    answer = {"ok": True, "message": "fine", "taken_at": "b", "lines": [1], "accounts": [{"account": "DU1"}]}
    assert together({ANY: answer}) == answer
    assert together({ANY: None}) is None
    assert together({"one": None, "two": None}) is None
    both = together({"one": answer, "two": {**answer, "taken_at": "a", "lines": [2]}})
    assert both is not None
    assert (both["ok"], both["taken_at"], both["lines"], len(both["accounts"])) == (True, "a", [1, 2], 2)
    half = together({"one": answer, "two": None})
    assert half is not None
    assert (half["ok"], half["message"]) == (False, "one: fine\ntwo: no answer in 30 s")
