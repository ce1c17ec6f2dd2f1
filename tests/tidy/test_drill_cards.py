from __future__ import annotations

import re

from event_processor.entrypoints.drill.catalogue import BY_NUMBER, CARDS
from tests.tidy.sources import ROOT

PAGE = (ROOT / "docs/drill-cards.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (D-\d\d) \|.*\| ([^|]*) \|$", re.MULTILINE)


def test_the_page_says_which_cards_the_command_plays() -> None:
    """The last column of each row is how `rebalancer drill` plays that card, and empty where it cannot."""
    told = {number: manner.strip() for number, manner in ROW.findall(PAGE)}
    assert {number: manner for number, manner in told.items() if manner != "by hand"} == {
        card.number: str(card.manner) for card in CARDS
    }


def test_cards_are_in_the_order_of_their_numbers_each_once() -> None:
    """A report reads in the order of the page's numbers."""
    numbers = [card.number for card in CARDS]
    assert numbers == sorted(set(numbers)) == sorted(BY_NUMBER)
