"""`make up` still waits for the login: the event processor is held back, and people ask how it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.operator_copy import OperatorCopy, copied_to

# The start-up gate runs and the event processor does not, until the gateway was asked often enough.
ENGINE = """\
case "$*" in
    ps*service=healthcheck*) echo gate ;;
    ps*service=event-processor*) echo processor ;;
    ps*service=ibkr*) echo gateway ;;
    *State.Running*gate) [ ! -e "$0.through" ] && echo true || echo false ;;
    *State.Running*processor) [ -e "$0.through" ] && echo true || echo false ;;
    *State.Running*) echo true ;;
    *"bash /rebalancer/gateway.sh")
        echo x >>"$0.looks"
        [ "$(wc -l <"$0.looks")" -lt 2 ] || touch "$0.through"
        echo 'HEALTH'
        ;;
    *"exec -T event-processor rebalancer mfa") echo "12:00:00  ready" ;;
    *"run --rm --no-deps -T healthcheck gateway") echo '{"words": "ready", "ready": true}' ;;
    *"exec -T"*) exit 1 ;;
esac
case "$*" in version* | "compose version"*) ;; *) exit 0 ;; esac
"""
WAITS = '{"status": "awaiting_login", "words": "waiting for second factor", "reason": "approve it", "ready": false}'


@pytest.fixture
def copy(tmp_path: Path) -> OperatorCopy:
    copy = copied_to(tmp_path)
    (tmp_path / ".env").write_text("IB_USERNAME=edemo\n")
    copy.engine(ENGINE.replace("HEALTH", WAITS))
    return copy


def test_waiting_for_the_second_factor_begins_before_the_processor(copy: OperatorCopy) -> None:
    """First the gateway tells, once for each change; then the event processor."""
    result = copy.run("mfa")
    lines = [line.partition("  ")[2] for line in result.stdout.splitlines()[1:]]
    assert (result.returncode, lines) == (0, ["waiting for second factor: approve it", "ready"])


def test_a_processor_that_is_held_back_is_not_called_down(copy: OperatorCopy) -> None:
    """The page says what it waits for, and not that somebody should start it."""
    result = copy.run("status")
    assert (result.returncode, "processor  waits for the login" in result.stdout, "make up" in result.stdout) == (
        1,
        True,
        False,
    )


def test_a_gateway_image_without_bash_is_looked_at_from_outside(copy: OperatorCopy) -> None:
    """Its own check can only fail; the event processor says how it is."""
    copy.engine(ENGINE.replace("HEALTH", 'OCI runtime exec failed: exec: "bash": executable file not found'))
    (copy.folder / "bin/docker.through").touch()
    assert "gateway    ready" in copy.run("status").stdout
