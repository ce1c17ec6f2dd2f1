"""A copy of what an operator has on a bare server, with a container engine that only pretends."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 30
# What every question about an engine is answered with; a test puts its own answers before these.
ENGINE = """\
case "$*" in
    "version --format"*) echo 28.5.2 ;;
    "compose version --short") echo 2.40.3 ;;
    "info --format {{.SystemTime}}") date -u +%Y-%m-%dT%H:%M:%SZ ;;
    "info --format {{.DockerRootDir}}") echo / ;;
    "info --format {{.MemTotal}}") echo 8000000000 ;;
esac
"""


@dataclass(frozen=True)
class OperatorCopy:
    """The folder, and the pretended engine that leads its PATH."""

    folder: Path

    def engine(self, answers: str) -> None:
        """Let `docker` be this shell script; its last word is the usual answer."""
        path = self.folder / "bin/docker"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{answers}\n{ENGINE}")
        path.chmod(0o755)

    def run(self, *words: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of tools/stack with `given` on standard input; never a terminal, never a real engine."""
        inherited = {"PATH": f"{self.folder / 'bin'}:{os.defpath}:/usr/sbin:/sbin", "HOME": str(self.folder)}
        return subprocess.run(
            [str(self.folder / "tools/stack" / words[0]), *words[1:]],
            input=given,
            env=inherited | {"DOCTOR_TIME_HOST": ""} | variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def text(self, path: str) -> str:
        """A file of the copy."""
        return (self.folder / path).read_text()


def copied_to(folder: Path) -> OperatorCopy:
    """Copy what an operator's commands need into the folder."""
    shutil.copytree(ROOT / "tools/stack", folder / "tools/stack")
    shutil.copytree(ROOT / "docker/redis", folder / "docker/redis")
    for name in (".env.example", "docker-compose.yml", "Makefile"):
        shutil.copy(ROOT / name, folder)
    copy = OperatorCopy(folder)
    copy.engine("")
    return copy
