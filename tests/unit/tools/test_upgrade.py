"""New images under a running stack: not while orders work, and with the login of the week."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.operator_copy import ROOT, OperatorCopy, copied_to

# A stack that runs, with one order in STATE; the gateway would be made anew, and pauses when it is told to.
ENGINE = """\
echo "$*" >>"$0.log"
case "$*" in
    ps*) echo 1234 ;;
    *State.Running*) if grep -q "exec -T ibkr bash -s -- PAUSE" "$0.log"; then echo false; else echo true; fi ;;
    *Health.Status*) echo healthy ;;
    *Config.Env*) printf 'PATH=/bin\\nTWS_USERID=edemo\\nTRADING_MODE=paper\\nTZ=UTC\\n' ;;
    *"config --images") echo rebalancer-processor:latest ;;
    *"config --services") echo event-processor ;;
    *"image inspect"*) echo "rebalancer-processor:latest built" ;;
    *Config.Image*) echo "rebalancer-processor:latest runs" ;;
    *"events --open"*) JOURNAL ;;
    *"up --dry-run"*) echo " DRY-RUN MODE -  Container rebalancer-ibkr-1  Recreate" ;;
esac
case "$*" in version* | "compose version"*) ;; *) exit 0 ;; esac
"""
WORKS = 'echo \'{"events": [{"orders": [{"state": "working"}]}]}\''
IDLE = "echo '{\"events\": []}'"


@pytest.fixture
def copy(tmp_path: Path) -> OperatorCopy:
    copy = copied_to(tmp_path)
    (tmp_path / ".env").write_text("IB_USERNAME=edemo\n")
    (tmp_path / "docker/gateway").mkdir()
    shutil.copy(ROOT / "docker/gateway/log-out.sh", tmp_path / "docker/gateway")
    (tmp_path / "tools/stack/up").write_text('#!/bin/bash\necho "up, handed over: ${LOGIN_HANDED_OVER:-no}"\n')
    return copy


def upgraded(copy: OperatorCopy, journal: str, **variables: str) -> tuple[int, str, list[str]]:
    """Exit code, what was said, and what was done to the stack."""
    copy.engine(ENGINE.replace("JOURNAL", journal))
    result = copy.run("upgrade", YES="1", PULL="no", **variables)
    done = [line for line in copy.text("bin/docker.log").splitlines() if " build" in line or "PAUSE" in line]
    return result.returncode, result.stdout + result.stderr, [line.split()[-1] for line in done]


@pytest.mark.parametrize("journal", [WORKS, "exit 3"])
def test_nothing_is_stopped_while_orders_may_work(copy: OperatorCopy, journal: str) -> None:
    """A journal that cannot be read is no proof that none does; YES answers no such question."""
    code, said, done = upgraded(copy, journal)
    assert (code, "Nothing was stopped" in said, "FORCE=1" in said, done) == (1, True, True, ["build"])


@pytest.mark.parametrize(("journal", "force"), [(IDLE, ""), (WORKS, "1")])
def test_the_gateway_hands_its_login_over(copy: OperatorCopy, journal: str, force: str) -> None:
    """It pauses before it is made anew, and nobody is asked to log in."""
    code, said, done = upgraded(copy, journal, FORCE=force)
    assert (code, "up, handed over: 1" in said, done) == (0, True, ["build", "PAUSE"])


def test_another_login_is_not_handed_over(copy: OperatorCopy) -> None:
    """A gateway for real money does not take over the login of the paper account."""
    code, said, done = upgraded(copy, IDLE, TRADING_MODE="live")
    assert (code, "another user name or mode" in said, done) == (0, True, ["build"])


def test_the_way_back_leads_to_what_runs(copy: OperatorCopy) -> None:
    """Images that were built by an upgrade that stopped nothing are not what was there before."""
    upgraded(copy, WORKS)
    tagged = [line for line in copy.text("bin/docker.log").splitlines() if "tag " in line and "processor" in line]
    assert tagged[-1] == "tag runs rebalancer-processor:previous"


def test_a_gateway_that_stays_as_it_is_goes_on(copy: OperatorCopy) -> None:
    """New code alone touches no login."""
    copy.engine(ENGINE.replace("JOURNAL", IDLE).replace("Recreate", "Running"))
    result = copy.run("upgrade", YES="1", PULL="no")
    assert (result.returncode, "PAUSE" in copy.text("bin/docker.log")) == (0, False)
    assert "the gateway has not changed; it goes on" in result.stdout
