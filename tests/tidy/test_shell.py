"""All shell code, as shellcheck sees it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.tidy.sources import ROOT

FOLDERS = (".ci", "docker", "healthcheck", "tools")
HEAD = re.compile(r"#!.*\b(?:ba)?sh\n|# shellcheck shell=|(?:#.*\n)+# shellcheck shell=")


def scripts() -> list[Path]:
    """What a shell runs, and what is sourced by that."""
    files = (file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.is_file())
    return sorted(file for file in files if HEAD.match(file.read_bytes()[:2000].decode(errors="replace")))


def test_no_script_has_a_known_mistake() -> None:
    """Quoting, masked exit codes, words that another shell reads otherwise."""
    found = scripts()
    assert len(found) > 30
    command = [str(Path(sys.executable).with_name("shellcheck")), "--external-sources", *map(str, found)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
