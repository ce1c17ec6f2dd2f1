"""What a person reads: names of services, and commands that work outside the containers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.operator_copy import ROOT, copied_to


def test_a_service_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    """No log of anything is followed."""
    copy = copied_to(tmp_path)
    copy.engine('echo "$*" >>"$0.log"; case "$*" in *"config --services") printf "redis\\nibkr\\n"; exit 0 ;; esac')
    result = copy.run("logs", SERVICE="redis foo")
    assert (result.returncode, "no service 'foo'" in result.stderr, "ibkr redis" in result.stderr) == (1, True, True)
    assert "logs" not in copy.text("bin/docker.log")


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("Run `rebalancer resume` when trading may go on.", "Run `make resume` when trading may go on."),
        ("paused all since noon: tired; rebalancer resume all", "paused all since noon: tired; make resume"),
        ("resume with: rebalancer resume growth", "resume with: make resume ACCOUNT=growth"),
        ("`rebalancer status` and `rebalancer reconcile`", "`make status` and `tools/stack/cli reconcile`"),
        ("rebalancer-practice is no command", "rebalancer-practice is no command"),
    ],
)
def test_the_product_s_commands_become_those_that_work_here(inside: str, outside: str) -> None:
    """On a server there is no `rebalancer`, only `make`."""
    command = ["bash", "-c", "source tools/stack/words.bash; by_make"]
    done = subprocess.run(
        command, cwd=ROOT, input=inside + "\n", capture_output=True, text=True, timeout=10, check=True
    )
    assert done.stdout == outside + "\n"
