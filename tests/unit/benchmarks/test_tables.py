from __future__ import annotations

import io

from rich.console import Console

from benchmarks.__main__ import page
from benchmarks.rebalancing import Took, median
from benchmarks.tables import Table, milliseconds

TABLE = Table("Orders", "How it was taken.", ("Symbols", "Last fill"), [("5", milliseconds(1.2345))])


def test_a_table_is_the_same_on_screen_and_on_the_page() -> None:
    """Title, note, head and every cell are in both."""
    console = Console(file=io.StringIO(), width=100)
    TABLE.show(console)
    assert isinstance(console.file, io.StringIO)
    for shown in (console.file.getvalue(), TABLE.markdown()):
        for words in (TABLE.title, TABLE.note, *TABLE.head, "1,234 ms"):
            assert words in shown


def test_markdown_is_a_table() -> None:
    """Head, rule and rows have as many columns."""
    lines = [line for line in TABLE.markdown().splitlines() if line.startswith("|")]
    assert [line.count("|") for line in lines] == [3, 3, 3]


def test_the_page_says_where_it_was_measured() -> None:
    """Machine, versions and date come before the tables."""
    text = page([TABLE])
    for words in ("make bench", "cores", "Python 3.", "Redis ", "ib_async 2.", "20", "## Orders"):
        assert words in text
    assert "{" not in text


def test_runs_are_summed_up_by_their_medians() -> None:
    """One slow run changes nothing."""
    runs = [Took(1.0, 2.0, 5, 6), Took(0.1, 0.3, 5, 6), Took(0.2, 0.2, 5, 8)]
    assert median(runs) == Took(0.2, 0.3, 5, 6)
