from __future__ import annotations

import json
from pathlib import Path

import pytest

from event_processor.entrypoints.demo.redis_server import RedisServer
from healthcheck.__main__ import main


def test_the_exit_code_is_the_answer(shared_redis_server: RedisServer, capsys: pytest.CaptureFixture[str]) -> None:
    """A real Redis is ready: 0 and one line of JSON."""
    assert main(["redis"], {"REDIS_URL": shared_redis_server.url}) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["status"] == "ready"


def test_a_stack_without_gateway_is_not_ready(
    shared_redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Flags win over the environment; the line holds all three checks."""
    environ = {"REDIS_URL": shared_redis_server.url, "IB_PORT": "4001", "STATUS_PORT": "1"}
    assert main(["stack", "--gateway-port", "1"], environ) == 1
    told = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in told["checks"]] == ["redis", "gateway", "processor"]
    assert told["advice"]


def test_a_password_file_that_is_missing_is_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a sentence, not a verdict on Redis."""
    with pytest.raises(SystemExit) as stopped:
        main(["redis"], {"REDIS_PASSWORD_FILE": str(tmp_path / "no")})
    assert stopped.value.code == 2
    assert "REDIS_PASSWORD_FILE" in capsys.readouterr().err
