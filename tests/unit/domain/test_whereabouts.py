"""Whose an account is, by what the processors say of their logins."""

from __future__ import annotations

import pytest

from event_processor.domain.ids import AccountId
from event_processor.domain.whereabouts import Login, Place, holder_of, whereabouts

OURS, THEIRS = AccountId("DU1"), AccountId("DU2")
ALIVE = 15.0
MINE = Login("one", (OURS,), 0.0)


@pytest.mark.parametrize(
    ("mine", "others", "place"),
    [
        (Login("one", (THEIRS,), 0.0), [Login("two", (THEIRS,), 0.0)], Place.HERE),
        (MINE, [Login("two", (THEIRS,), 1.0)], Place.ELSEWHERE),
        (MINE, [Login("two", (THEIRS,), 99.0)], Place.DESERTED),
        (MINE, [Login("old", (THEIRS,), 99.0), Login("two", (THEIRS,), 1.0)], Place.ELSEWHERE),
        (MINE, [Login("two", (), 1.0)], Place.UNCLEAR),
        (MINE, [Login("two", (), 99.0)], Place.NOWHERE),
        (MINE, [Login("two", (AccountId("DU3"),), 1.0)], Place.NOWHERE),
        (MINE, [], Place.NOWHERE),
        (Login("one", (), 0.0), [], Place.HERE),
        (Login("one", (), 0.0), [Login("two", (THEIRS,), 1.0)], Place.ELSEWHERE),
        (Login("one", (), 0.0), [Login("two", (AccountId("DU3"),), 1.0)], Place.HERE),
    ],
)
def test_where_an_account_is(mine: Login, others: list[Login], place: Place) -> None:
    """Ours first, then the living, then those that were; nobody's only when all that live are known."""
    assert whereabouts(THEIRS, mine, others, ALIVE).place is place


def test_the_words_name_who_has_it_and_who_has_not() -> None:
    """A person reads who to start, or which accounts there are."""
    gone = whereabouts(THEIRS, MINE, [Login("two", (THEIRS,), 99.0)], ALIVE)
    assert gone.reason == "account DU2 is in the login of two, which is not running"
    assert gone.missing
    alone = whereabouts(THEIRS, MINE, [], ALIVE)
    assert alone.reason == "account DU2 does not belong to this login (it has DU1)"
    nowhere = whereabouts(THEIRS, MINE, [Login("two", (AccountId("DU3"),), 1.0)], ALIVE)
    assert nowhere.reason == "account DU2 belongs to no login (one has DU1; two has DU3)"
    assert not nowhere.missing


def test_a_request_goes_to_a_living_processor() -> None:
    """The dead answer nothing."""
    logins = [Login("dead", (THEIRS,), 99.0), Login("one", (OURS, THEIRS), 1.0)]
    assert holder_of(THEIRS, logins, ALIVE) == "one"
    assert holder_of(THEIRS, logins[:1], ALIVE) == ""
