from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.support.processes import RunningProcess


def python(script: str, log_file: Path) -> RunningProcess:
    return RunningProcess([sys.executable, "-c", script], log_file)


def test_lines_are_found_and_kept(tmp_path: Path) -> None:
    """A line is found once printed, from either stream, and the whole output is in the log file."""
    script = "import sys; print('one'); print('two', file=sys.stderr); print('three'); sys.stdin.read()"
    with python(script, tmp_path / "log") as process:
        assert process.wait_for_line("thr") == "three"
        assert process.wait_for_line("two") == "two"
        assert process.wait() == 0
    assert (tmp_path / "log").read_text().splitlines() == process.lines == ["one", "two", "three"]


def test_json_lines_are_found_by_content_and_position(tmp_path: Path) -> None:
    """Only JSON objects count, and `since` skips what was printed before."""
    script = """print('[1]\\nnoise\\n{"a": 1}\\n{"a": 2}')"""
    with python(script, tmp_path / "log") as process:
        assert process.wait_for_json(lambda line: "a" in line) == {"a": 1}
        assert process.wait_for_json(lambda line: "a" in line, since=3) == {"a": 2}
        assert process.json_lines() == [{"a": 1}, {"a": 2}]


def test_a_process_that_ends_first_is_reported_with_its_last_words(tmp_path: Path) -> None:
    """Waiting for a line stops as soon as the process is gone, and shows why it went."""
    with (
        python("raise SystemExit('no such scenario')", tmp_path / "log") as process,
        pytest.raises(AssertionError, match="no such scenario"),
    ):
        process.wait_for_line("listening")


def test_a_line_that_never_comes_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    """A silent process fails the wait at its limit."""
    with (
        python("import signal; signal.pause()", tmp_path / "log") as process,
        pytest.raises(AssertionError, match=r"in 0\.1 s"),
    ):
        process.wait_for_line("listening", seconds_max=0.1)


def test_stop_is_polite_and_kill_is_not(tmp_path: Path) -> None:
    """A handler of SIGTERM gets its turn on stop, and none on kill."""
    script = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print('ready')
while True:
    signal.pause()
"""
    with python(script, tmp_path / "polite") as process:
        process.wait_for_line("ready")
        assert process.stop() == 7
    with python(script, tmp_path / "firm") as process:
        process.wait_for_line("ready")
        process.kill()
        assert process.exit_code == -signal.SIGKILL
