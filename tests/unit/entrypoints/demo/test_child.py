from __future__ import annotations

import sys
from pathlib import Path

import pytest

from event_processor.entrypoints.demo.child import Child, DemoFailed


def child(tmp_path: Path, code: str) -> Child:
    return Child("the test", [sys.executable, "-c", code], tmp_path / "child.log", {"IB_PORT": "4711"})


def test_a_child_is_waited_for_by_its_first_words_and_then_ended(tmp_path: Path) -> None:
    """The JSON line with the event is found among others; stop returns when the process is gone."""
    code = "import json, os, time; print('hello'); print(json.dumps({'event': 'up', 'port': os.environ['IB_PORT']}))"
    running = child(tmp_path, f"{code}; time.sleep(30)")
    try:
        assert running.wait_for("up") == {"event": "up", "port": "4711"}
        running.check()
    finally:
        running.stop()
    assert running.exit_code == -15


def test_a_child_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    """Neither waiting nor checking hangs on a dead process."""
    running = child(tmp_path, "import sys; sys.exit('no such scenario')")
    with pytest.raises(DemoFailed, match="no such scenario"):
        running.wait_for("up")
    with pytest.raises(DemoFailed, match="exit code 1"):
        running.check()
    running.stop()


def test_a_child_that_ignores_requests_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo always ends."""
    monkeypatch.setattr("event_processor.entrypoints.demo.child.STOP_SECONDS_MAX", 0.3)
    code = (
        'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(\'{"event": "up"}\'); time.sleep(30)'
    )
    running = child(tmp_path, code)
    running.wait_for("up")
    running.stop()
    assert running.exit_code == -9
