from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from event_processor.adapters.clock import SystemClock
from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.journal import RedisJournal
from event_processor.adapters.redis.views import RedisViews
from event_processor.entrypoints.cli import app
from event_processor.entrypoints.cli.exits import Exit
from event_processor.entrypoints.cli.mfa import tables

WINDOW = "http://localhost:6080"


@pytest.fixture(autouse=True)
def _environment(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)


def say(redis_url: str, name: str, state: str, prompts: int = 0) -> None:
    """What a processor of this name says of itself."""
    document = {
        "consumer": name,
        "gateway_window": WINDOW,
        "session": {"state": state, "advice": f"advice for {state}"},
        "login": {
            "deadline": "2026-01-11T06:00:00+00:00",
            "next_restart": None,
            "waiting_since": SystemClock().now().isoformat() if prompts else None,
            "prompts": prompts,
        },
    }

    async def write() -> None:
        async with RedisLink(redis_url) as link:
            await RedisJournal(link).announce(name, ())
            await RedisViews(link).write_status(name, document, 30)

    asyncio.run(write())


def mfa(*words: str) -> Result:
    return CliRunner().invoke(app, ["mfa", "--timeout", "1", *words])


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_it_ends_well_when_every_gateway_is_logged_in(redis_url: str) -> None:
    """One line for each processor, and 0."""
    say(redis_url, "one", "ready")
    say(redis_url, "two", "ready")
    result = mfa("--json")
    assert result.exit_code == Exit.OK
    assert [(line["processor"], line["state"]) for line in lines(result)] == [("one", "ready"), ("two", "ready")]


def test_it_shows_what_is_waited_for_and_gives_up_in_time(redis_url: str) -> None:
    """The state with advice, since when, the prompts so far, the gateway's window and the deadline; then 5."""
    say(redis_url, "one", "ready")
    say(redis_url, "two", "awaiting_login", prompts=3)
    result = mfa()
    assert result.exit_code == Exit.TIMEOUT
    [told] = [line for line in result.stdout.splitlines() if "awaiting_login" in line]
    assert "advice for awaiting_login" in told
    assert "waiting for 0 s, since" in told
    assert "prompts about 3 so far" in told
    assert f"gateway window {WINDOW}" in told
    assert "login lasts until Sun 2026-01-11" in told
    assert len(result.stdout.splitlines()) == 2, "a line only when something changes"


def test_a_processor_that_is_silent_is_waited_for() -> None:
    """It may be starting; nothing else could say when the login is there."""
    result = mfa("--json")
    assert result.exit_code == Exit.TIMEOUT
    [told] = lines(result)
    assert told["state"] == "no_news"
    assert "not running" in told["advice"]


def test_without_redis_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code 3, as with every command."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert CliRunner().invoke(app, ["mfa", "--timeout", "20"]).exit_code == Exit.UNREACHABLE


def test_on_a_terminal_the_same_is_a_table(redis_url: str) -> None:
    """What the lines say, one below the other."""
    say(redis_url, "one", "awaiting_login", prompts=2)
    [state] = lines(mfa("--json"))
    console = Console(width=120, record=True)
    console.print(tables([state], SystemClock().now()))
    shown = console.export_text()
    assert all(word in shown for word in ("awaiting_login", "about 2 so far", WINDOW, "Sun 2026-01-11"))
