from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.notifiers.tally import Tally
from event_processor.adapters.observers.metrics import Metrics
from event_processor.adapters.observers.timeline import Timeline
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.views import RedisViews
from event_processor.entrypoints.cli import app
from event_processor.entrypoints.cli.exits import MEANINGS

REFERENCE = Path(__file__).resolve().parents[2] / "docs/reference"


def test_the_metrics_page_names_exactly_the_metrics_there_are() -> None:
    """Each series of the processor, and none that is gone."""
    registry = CollectorRegistry()
    clock = SystemClock()
    Metrics(clock, registry)
    Tally(registry)
    Timeline(RedisViews(RedisLink("redis://127.0.0.1:1/0")), clock, registry)
    kinds = {"counter": "_total", "info": "_info"}
    there = {family.name + kinds.get(family.type, "") for family in registry.collect()}
    page = (REFERENCE / "metrics.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(rebalancer_\w+)` \|", page, re.MULTILINE)) == there


def test_the_command_page_names_exactly_the_commands_there_are() -> None:
    """Each command of the app, and none that is gone."""
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `rebalancer (\w+)", page, re.MULTILINE))
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert named == commands | {str(group.name) for group in app.registered_groups}


def test_the_command_page_tells_every_exit_code() -> None:
    """Code and meaning as the program has them."""
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    assert all(f"| {code.value} | {text} |" in page for code, text in MEANINGS.items())
