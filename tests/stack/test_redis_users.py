"""Redis as the stack starts it, in the very image: who may do what, and what survives a kill."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import ExecWaitStrategy

from event_processor.adapters.redis.connection import RedisLink
from event_processor.adapters.redis.journal_durability import durability_findings
from event_processor.settings_stack import stack_variables
from tests.tidy.sources import ROOT

RULES = ROOT / "docker/redis/users.acl.template"
IMAGE = {variable.name: variable.value for variable in stack_variables()}["REDIS_IMAGE"]
USERS = ("processor", "producer", "viewer")
OPTIONS = {"BLOCK", "COUNT", "EVENT", "EX", "GROUP", "GT", "IDLE", "JUSTID", "LIMIT", "MAXLEN", "MINID", "MKSTREAM"}
OPTIONS |= {"NOGROUP", "NOREPLICAS", "MISCONF", "NX", "PX", "REF", "RETRYCOUNT", "STREAMS", "XX"}
"""Words in capitals that are no commands."""
WRITE = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('XADD', KEYS[2], '*', 'note', ARGV[1])"
READY = ExecWaitStrategy(["sh", "-c", "REDISCLI_AUTH=none redis-cli --user probe ping | grep -qx PONG"])
testcontainers_config.ryuk_disabled = True  # the fixture takes its container away; no image from elsewhere is needed


class Server(DockerContainer):
    """Redis as docker-compose.yml starts it; the password of each user is its name."""

    def __init__(self, rules: Path) -> None:
        super().__init__(
            IMAGE,
            command="redis-server /etc/redis/redis.conf",
            volumes=[
                (str(rules), "/run/secrets/redis_users.acl", "ro"),
                (str(ROOT / "docker/redis/redis.conf"), "/etc/redis/redis.conf", "ro"),
            ],
            user="999:1000",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            _wait_strategy=READY,
        )

    def url(self, user: str) -> str:
        address = self.get_docker_client().bridge_ip(self.get_container_id())
        return f"redis://{user}:{user}@{address}:6379/0"

    def ask(self, user: str, *words: str) -> object:
        with redis.Redis.from_url(self.url(user), decode_responses=True) as client:
            return client.execute_command(*words)

    def kill_and_start(self) -> None:
        self.get_wrapped_container().restart(timeout=0)
        READY.wait_until_ready(self)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    rules = RULES.read_text()
    for user in USERS:
        rules = rules.replace(f"@{user.upper()}_HASH@", hashlib.sha256(user.encode()).hexdigest())
    file = tmp_path_factory.mktemp("redis") / "users.acl"
    file.write_text(rules)
    file.chmod(0o644)
    with Server(file) as found:
        yield found


def commands_of_the_product() -> set[str]:
    """Every command the adapters send or their scripts call, as access rules spell it."""
    found: set[str] = set()
    for file in (
        *(ROOT / "event_processor/adapters/redis").glob("*.py"),
        ROOT / "event_processor/entrypoints/streams.py",
    ):
        text = file.read_text()
        found |= set(re.findall(r"redis\.p?call\('([A-Z]+)'", text))
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.fullmatch("[A-Z]{2,}( [A-Z]+)?", node.value)
            ):
                found.add(node.value)
    return {word.lower().replace(" ", "|") for word in found - OPTIONS}


def test_the_processor_may_use_every_command_of_the_product() -> None:
    """A command somebody adds to an adapter must be added to the access rules."""
    (line,) = (line for line in RULES.read_text().splitlines() if line.startswith("user processor "))
    allowed = set(re.findall(r"\+(\S+)", line))
    missing = {word for word in commands_of_the_product() if not {word, f"{word}|create"} & allowed}
    assert {"xadd", "eval", "hgetall", "config|get"} <= commands_of_the_product()
    assert missing == set()


@pytest.mark.parametrize(
    "words",
    ["FLUSHALL", "CONFIG SET maxmemory 1", "ACL LIST", "SHUTDOWN", "KEYS *", "SET other 1", "SAVE"],
)
def test_the_processor_may_not_do_harm(server: Server, words: str) -> None:
    """Not even a processor taken over can empty the store, or change how it keeps its data."""
    with pytest.raises(redis.exceptions.NoPermissionError):
        server.ask("processor", *words.split())


def test_the_producer_adds_events_and_reads_outcomes(server: Server) -> None:
    """That is all `rebalancer publish` and a program of your own need."""
    assert server.ask("producer", "XADD", "rebalancer:events", "*", "event", "{}")
    assert server.ask("producer", "XREAD", "COUNT", "1", "STREAMS", "rebalancer:outcomes", "0") in ([], None)
    assert server.ask("producer", "XREVRANGE", "rebalancer:outcomes", "+", "-", "COUNT", "1") == []


@pytest.mark.parametrize(
    "words",
    [
        "XRANGE rebalancer:events - +",
        "XREAD STREAMS rebalancer:events 0",
        "XADD rebalancer:outcomes * event {}",
        "XADD {rebalancer}:outbox * event {}",
        "XTRIM rebalancer:events MAXLEN 0",
        "XDEL rebalancer:events 0-1",
        "XGROUP DESTROY rebalancer:events processor",
        "DEL rebalancer:events",
        "HGETALL {rebalancer}:pauses",
        "EVAL return(1) 0",
        "SCAN 0",
        "INFO",
        "FLUSHALL",
        "CONFIG GET maxmemory",
    ],
)
def test_the_producer_may_do_nothing_else(server: Server, words: str) -> None:
    """It reads no events of others, deletes nothing and sees nothing of the journal."""
    with pytest.raises(redis.exceptions.NoPermissionError):
        server.ask("producer", *words.split())


def test_one_entry_cannot_fill_the_store(server: Server) -> None:
    """Redis hangs up on a producer that sends megabytes, and everybody else goes on."""
    with pytest.raises(redis.exceptions.ConnectionError):
        server.ask("producer", "XADD", "rebalancer:events", "*", "event", "x" * (5 << 20))
    assert server.ask("producer", "XADD", "rebalancer:events", "*", "event", "{}")


def test_the_viewer_reads_and_cannot_write(server: Server) -> None:
    """Everything of the product, and no way to change it."""
    assert server.ask("viewer", "XLEN", "rebalancer:events") is not None
    assert server.ask("viewer", "HGETALL", "{rebalancer}:pauses") == {}
    for words in ("XADD rebalancer:events * event {}", "DEL rebalancer:events", "SET {rebalancer}:x 1", "FLUSHALL"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            server.ask("viewer", *words.split())


@pytest.mark.parametrize("user", ["default", "processor", "nobody"])
def test_nobody_gets_in_without_the_password(server: Server, user: str) -> None:
    """The default user cannot log in at all, and an anonymous connection can do nothing."""
    address = server.url("x").split("@")[1]
    with (
        redis.Redis.from_url(f"redis://{user}:wrong@{address}") as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.ping()
    with redis.Redis.from_url(f"redis://{address}") as client, pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()


def test_what_was_confirmed_is_there_after_a_kill(server: Server) -> None:
    """Also what scripts wrote, which Redis reads back from its file with the rights of the default user."""
    keys = ["{rebalancer}:known:one", "{rebalancer}:outbox"]
    note = server.ask("processor", "EVAL", WRITE, "2", *keys, "kept")
    entry = server.ask("producer", "XADD", "rebalancer:events", "*", "event", "kept")
    server.kill_and_start()
    assert server.ask("viewer", "GET", keys[0]) == "kept"
    assert server.ask("viewer", "XREVRANGE", keys[1], "+", "-", "COUNT", "1") == [(note, {"note": "kept"})]
    assert server.ask("viewer", "XREVRANGE", "rebalancer:events", "+", "-", "COUNT", "1") == [
        (entry, {"event": "kept"})
    ]
    assert not any(b"CRITICAL" in said for said in server.get_logs())


async def test_the_product_finds_nothing_unsafe(server: Server) -> None:
    """Its own check of the store, through its own user."""
    async with RedisLink(server.url("processor")) as link:
        assert await durability_findings(link) == []
