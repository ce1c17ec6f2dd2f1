from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from event_processor.entrypoints.demo import redis_binary
from event_processor.errors import ConfigurationError


def program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\necho Redis server v=7.9.9\n")
    file.chmod(0o755)
    return file


def without_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)


def test_a_server_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed redis-server wins over valkey-server and over any wheel."""
    program(tmp_path, "valkey-server")
    expected = program(tmp_path, "redis-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_binary.find_redis_server() == expected


def test_valkey_serves_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With only valkey-server on the PATH, that is what gets started."""
    expected = program(tmp_path, "valkey-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_binary.find_redis_server() == expected


def test_without_any_server_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No server is an error of one sentence, and exit code 1 for the set-up script."""
    monkeypatch.setenv("PATH", str(tmp_path))
    without_wheel(monkeypatch)
    with pytest.raises(ConfigurationError, match=r"No Redis server on this machine: .*install"):
        redis_binary.find_redis_server()
    assert redis_binary.main() == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("tool", "platform", "advice"),
    [
        ("apt-get", "linux", "sudo apt-get install redis-server"),
        ("dnf", "linux", "sudo dnf install valkey"),
        ("apt-get", "darwin", "brew install redis"),
    ],
)
def test_the_advice_fits_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str, platform: str, advice: str
) -> None:
    """What to install is said in the words of the system's own package tool."""
    program(tmp_path, tool)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_binary.installation_advice(platform) == advice


def test_a_server_that_does_not_run_is_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A found program that cannot even print its version fails the check in words, not with a trace."""
    broken = program(tmp_path, "redis-server")
    broken.write_text("#!/bin/sh\nexit 3\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_binary.main() == 1
    assert "exit status 3" in capsys.readouterr().err
