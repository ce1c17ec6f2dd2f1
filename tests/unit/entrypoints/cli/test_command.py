from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from typer.testing import CliRunner, Result

from event_processor.domain.record import FINAL, Outcome
from event_processor.entrypoints.cli import app
from event_processor.entrypoints.cli.exits import Exit, exit_for_error, exit_for_outcome
from event_processor.errors import ConfigurationError, EventMalformed, InvariantViolated, StoreUnavailable

COMMANDS = [
    *("run", "demo", "publish", "plan", "status", "mfa", "events", "orders"),
    *("reconcile", "pause", "resume", "drill", "schema"),
]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.delenv("ACCOUNTS_FILE", raising=False)


@pytest.fixture
def real_redis(redis_client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    monkeypatch.setenv("REDIS_URL", redis_url)
    return redis_client


def published(client: redis.Redis) -> list[dict[str, str]]:
    """The fields of every entry of the event stream."""
    found: Any = client.xrange("rebalancer:events")
    return [fields for _, fields in found]


def call(*words: str) -> Result:
    result = CliRunner().invoke(app, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_the_exit_codes(name: str) -> None:
    """--help says what the command does and what a script can rely on."""
    result = call(name, "--help")
    assert result.exit_code == 0
    assert "Exit codes" in result.output


def test_all_commands_are_listed() -> None:
    """The first page names each of them."""
    assert all(name in call("--help").output for name in COMMANDS)


@pytest.mark.parametrize(
    "words", [("status",), ("events",), ("orders",), ("publish", "growth", "SPY=100%"), ("pause",)]
)
def test_without_redis_one_is_told_how_to_start_it(words: tuple[str, ...]) -> None:
    """Exit code 3, the reason and the way out; no traceback."""
    result = call(*words)
    assert result.exit_code == Exit.UNREACHABLE
    assert "Is Redis running at redis://127.0.0.1:1/0?" in result.output
    assert "Traceback" not in result.output


def test_a_wrong_setting_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings' own words, exit code 2."""
    monkeypatch.setenv("IB_PRT", "4001")
    result = call("status")
    assert result.exit_code == Exit.USAGE
    assert "Did you mean IB_PORT?" in result.output


def test_a_wrong_target_never_reaches_the_stream(real_redis: redis.Redis) -> None:
    """Refused before Redis is asked for anything."""
    assert call("publish", "growth", "SPY=0.6").exit_code == Exit.USAGE
    assert real_redis.keys("*") == []


def test_publish_adds_one_entry_with_one_field(real_redis: redis.Redis) -> None:
    """What any producer would add by hand, and the words say how to follow it."""
    result = call("publish", "growth", "SPY=60%", "TLT=35%", "--id", "q3")
    assert (result.exit_code, "rebalancer events show q3" in result.output) == (0, True)
    (fields,) = published(real_redis)
    event = json.loads(fields.pop("event"))
    assert fields == {}
    assert (event["id"], event["data"]["cash"], event["data"]["account"]) == ("q3", {"reserve": 0.05}, "growth")


def test_a_file_is_published_as_it_is(real_redis: redis.Redis) -> None:
    """--file - reads standard in; the same event comes out of the stream."""
    assert call("publish", "growth", "SPY=100%", "--id", "one").exit_code == 0
    (fields,) = published(real_redis)
    result = CliRunner().invoke(app, ["publish", "--file", "-", "--json"], input=fields["event"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["event_id"] == "one"
    assert [entry["event"] for entry in published(real_redis)] == [fields["event"]] * 2


def test_a_dry_run_of_a_file_is_another_event(real_redis: redis.Redis) -> None:
    """Same targets, nothing to be placed, and an id of its own, so that the event itself can still be published."""
    assert call("publish", "growth", "SPY=60%", "TLT=35%", "--id", "one").exit_code == 0
    (fields,) = published(real_redis)
    assert CliRunner().invoke(app, ["publish", "--file", "-", "--dry-run"], input=fields["event"]).exit_code == 0
    real, dry = (json.loads(entry["event"]) for entry in published(real_redis))
    assert dry["data"] == real["data"] | {"dry_run": True}
    assert dry["id"] != real["id"]


def test_a_wait_that_ends_without_an_outcome_says_so(real_redis: redis.Redis) -> None:
    """Exit code 5: nobody answered, and nothing is claimed."""
    result = call("publish", "growth", "SPY=100%", "--wait", "--seconds", "1")
    assert result.exit_code == Exit.TIMEOUT
    assert real_redis.xlen("rebalancer:events") == 1


def test_status_without_a_processor_says_so(real_redis: redis.Redis) -> None:
    """Exit code 3 and how to start one; JSON has null for the processor."""
    result = call("status")
    assert (result.exit_code, "rebalancer run" in result.output) == (Exit.UNREACHABLE, True)
    assert json.loads(call("status", "--json").stdout) == {"processor": None, "others": [], "recent": []}
    assert real_redis.dbsize() == 0


def test_pause_and_resume(real_redis: redis.Redis) -> None:
    """A pause is durable until it is lifted, once."""
    assert call("pause", "DU1234567", "--reason", "tax").exit_code == 0
    assert "tax" in str(real_redis.hgetall("{rebalancer}:pauses"))
    assert "resumed DU1234567" in call("resume", "DU1234567").output
    assert "was not paused" in call("resume", "DU1234567").output


def test_a_name_that_is_no_account_cannot_be_paused(real_redis: redis.Redis) -> None:
    """A misspelt alias must not look like a pause that took."""
    assert call("pause", "growht").exit_code == Exit.USAGE
    assert real_redis.dbsize() == 0


def test_a_dead_letter_goes_back_by_its_id(real_redis: redis.Redis) -> None:
    """The body returns to the stream; an unknown id is a failure in words."""
    dead_id = real_redis.xadd(
        "rebalancer:dead", {"event": "{}", "reason": "not a rebalance event", "entry_id": "1-0", "at": "2026-01-05"}
    )
    assert "not a rebalance event" in call("events").output
    assert call("events", "retry", str(dead_id)).exit_code == 0
    assert published(real_redis) == [{"event": "{}"}]
    assert call("events", "retry", "9-9").exit_code == Exit.FAILED


@pytest.mark.parametrize(
    "words",
    [
        ("--adopt", "rb1"),
        ("DU1234567", "--adopt", "rb1", "--abandon", "rb1"),
        ("DU1234567", "--account", "DU7654321"),
        ("growht", "--accept", "one"),
    ],
)
def test_a_settlement_that_could_be_misread_is_not_asked_for(real_redis: redis.Redis, words: tuple[str, ...]) -> None:
    """No account, two answers at once, two accounts, a misspelt alias: refused before the processor hears of it."""
    assert call("reconcile", *words).exit_code == Exit.USAGE
    assert real_redis.dbsize() == 0


@pytest.mark.parametrize("document", ["event", "outcome", "asyncapi"])
def test_schema_prints_json(document: str) -> None:
    """Each document of the contract."""
    assert isinstance(json.loads(call("schema", document).stdout), dict)


def test_every_final_outcome_has_its_exit_code() -> None:
    """Reached is 0, review is 4, everything else is 1."""
    codes = {outcome: exit_for_outcome(outcome) for outcome in FINAL}
    assert codes[Outcome.COMPLETED] is codes[Outcome.NO_CHANGE] is codes[Outcome.COMPLETED_ADJUSTED] is Exit.OK
    assert codes[Outcome.NEEDS_REVIEW] is Exit.REVIEW
    assert sum(code is Exit.FAILED for code in codes.values()) == len(FINAL) - 4


def test_every_kind_of_error_has_its_exit_code() -> None:
    """Usage, reach and failure are told apart."""
    errors = (ConfigurationError(), EventMalformed(), StoreUnavailable(), InvariantViolated())
    assert [exit_for_error(error) for error in errors] == [Exit.USAGE, Exit.USAGE, Exit.UNREACHABLE, Exit.FAILED]
