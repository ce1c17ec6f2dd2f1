"""Whether somebody is logged in decides how a gateway is ended or restarted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.operator_copy import OperatorCopy, copied_to

# A running gateway that says STATUS of itself, until it is killed; every command is written down.
ENGINE = """\
echo "$*" >>"$0.log"
case "$*" in
    ps*) echo 1234 ;;
    *State.Running*) if grep -q "compose.* kill ibkr" "$0.log"; then echo false; else echo true; fi ;;
    *Health.Status*) echo starting ;;
    *"bash /rebalancer/gateway.sh") echo '{"status": "STATUS"}' ;;
    *"exec -T ibkr bash"*) exit 1 ;; # it has stepped back for another login and hears no signal
esac
case "$*" in version* | "compose version"*) ;; *) exit 0 ;; esac
"""


@pytest.mark.parametrize(("status", "kills"), [("contended", True), ("awaiting_login", False)])
@pytest.mark.parametrize(("command", "then"), [("restart-gateway", "restart"), ("down", "down")])
def test_a_gateway_that_pauses_is_ended_at_once(
    tmp_path: Path, status: str, kills: bool, command: str, then: str
) -> None:
    """Its pause is forgotten, then it is killed instead of being asked to end, which would take two minutes; one that
    may be logged in is never killed."""
    copy: OperatorCopy = copied_to(tmp_path)
    (tmp_path / ".env").write_text("IB_USERNAME=edemo\n")
    copy.engine(ENGINE.replace('"STATUS"', f'"{status}"'))
    result = copy.run(command)
    assert result.returncode == 0, result.stderr
    done = [line for line in copy.text("bin/docker.log").splitlines() if line.startswith("compose")]
    steps = [word for line in done for word in ("rm -f", "kill", then) if f" {word}" in line]
    assert steps == ["rm -f", *(["kill"] if kills else []), then]


def test_a_login_is_kept_in_the_first_minute_too(tmp_path: Path) -> None:
    """A gateway that answers and still counts as starting is restarted softly: nobody has to approve again."""
    copy: OperatorCopy = copied_to(tmp_path)
    (tmp_path / ".env").write_text("IB_USERNAME=edemo\n")
    (tmp_path / "docker/gateway").mkdir()
    (tmp_path / "docker/gateway/log-out.sh").touch()
    copy.engine(
        ENGINE.replace(
            '"STATUS"',
            '"starting", "ready": false, "checks": [{"name": "gateway", "ok": true, "reason": "it answers"}]',
        )
        .replace('bash"*) exit 1 ;;', 'bash"*) exit 0 ;;')
        .replace("    ps*)", '    logs*) echo "IBC: Login has completed" ;;\n    ps*)')
    )
    result = copy.run("restart-gateway")
    assert (result.returncode, "without a second factor" in result.stdout) == (0, True), result.stderr
