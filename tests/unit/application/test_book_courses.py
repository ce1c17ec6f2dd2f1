"""How long the course of a run explains a figure of the broker's cash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from event_processor.application.book import Book
from event_processor.domain.execution import RunCash
from tests.support.builders import ACCOUNT, snapshot
from tests.support.making import LoopClock
from tests.support.virtual_time import run_virtual

FIRST = RunCash(left=Decimal(9_000), lowest=Decimal(9_000), highest=Decimal(20_000), traded=Decimal(11_000))
SECOND = RunCash(left=Decimal(500), lowest=Decimal(400), highest=Decimal(9_000), traded=Decimal(8_500))
LATE = "15000"
"""A figure from the course of the first run, and not of the second."""


def _doubted(book: Book) -> None:
    book.doubted(ACCOUNT)


def _confirmed(book: Book) -> None:
    book.confirm(snapshot(cash=str(FIRST.left)).state)


def _nothing(_: Book) -> None:
    """The broker's figure is not heard of meanwhile."""


@pytest.mark.parametrize(
    ("between", "seconds", "believed"),
    [(_nothing, 150, False), (_nothing, 200, True), (_confirmed, 1, True), (_doubted, 1, True)],
    ids=["soon", "later", "once confirmed", "once doubted"],
)
def test_a_figure_from_a_run_before_the_last_is_old_or_news(
    between: Callable[[Book], None], seconds: int, believed: bool
) -> None:
    """It can only be an old one as long as the broker may not have refreshed since that run. After it has, or when
    nobody knows what that run left, what it is above the second run's course is money that came in."""

    async def main() -> Decimal:
        book = Book(LoopClock())
        book.verified(ACCOUNT, FIRST)
        between(book)
        await asyncio.sleep(seconds)
        book.verified(ACCOUNT, SECOND)
        await asyncio.sleep(1)
        return book.corrected(snapshot(cash=LATE).state).cash

    came_in = Decimal(LATE) - SECOND.highest
    assert run_virtual(main()) == SECOND.left + (came_in if believed else 0)


@pytest.mark.parametrize("recalled", [False, True])
def test_money_that_came_in_counts_once(recalled: bool) -> None:
    """The next run found it in its cash, and the figure that told of it is still an old one after that run; also for
    who was not there at the first run and has it from the journal, after its own."""
    late = FIRST.highest + 5_000
    second = RunCash(left=Decimal(6_000), lowest=Decimal(6_000), highest=FIRST.left + 5_000, traded=Decimal(8_000))

    async def main() -> list[Decimal]:
        book, state = Book(LoopClock()), snapshot(cash=str(late)).state
        book.verified(ACCOUNT, FIRST)
        found = book.corrected(state).cash
        await asyncio.sleep(10)
        if recalled:
            book = Book(LoopClock())
            book.verified(ACCOUNT, second)
            book.verified(ACCOUNT, FIRST, seconds_ago=10)
        book.verified(ACCOUNT, second)
        return [found, book.corrected(state).cash]

    assert run_virtual(main()) == [second.found, second.left]
