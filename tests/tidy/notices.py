"""The table of notifications, made from the code. `python -m tests.tidy.notices` puts it into the docs."""

from __future__ import annotations

from event_processor.adapters.notifiers.message import Urgency
from event_processor.domain.topics import ABOUT, Topic
from tests.support.notices import EXAMPLES, told
from tests.tidy.diagrams import fitted
from tests.tidy.sources import ROOT

PAGE = ROOT / "docs/reference/notifications.md"
URGENCY = {Urgency.NEWS: "news", Urgency.SOON: "soon", Urgency.NOW: "**now**"}


def topics_table() -> str:
    """Each topic and what it is about."""
    return "\n".join(["| Topic | About |", "|---|---|", *(f"| `{topic}` | {ABOUT[topic]} |" for topic in Topic)])


def messages_table() -> str:
    """Each occasion, and what people then read."""
    rows = ["| Topic | When | Urgency | Message | What to do |", "|---|---|---|---|---|"]
    for when, story in EXAMPLES:
        message = told(story)
        text = message.text.replace("\n", " ").replace("|", "\\|")
        cells = [f"`{message.label}`", when, URGENCY[message.urgency], f"**{message.title}**: {text}", message.advice]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


BLOCKS = {"topics": topics_table, "messages": messages_table}


def page_as_it_should_be(page: str) -> str:
    """The page with its tables fresh."""
    for name, make in BLOCKS.items():
        page = fitted(page, name, make())
    return page


def main() -> None:
    PAGE.write_text(page_as_it_should_be(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
