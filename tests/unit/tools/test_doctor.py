from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support.operator_copy import OperatorCopy, copied_to

GIVEN = "IB_USERNAME=edemo\nIB_PASSWORD=one\nVNC_PASSWORD=Xk7mPq2w\n"
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="giving files to another user needs root")


@pytest.fixture
def copy(tmp_path: Path) -> OperatorCopy:
    copy = copied_to(tmp_path)
    copy.engine('case "$*" in *chown*) exit 0 ;; esac')
    result = copy.run("secrets", given=GIVEN)
    assert result.returncode == 0, result.stderr
    return copy


def findings(copy: OperatorCopy, **variables: str) -> dict[str, dict[str, Any]]:
    """What each check found, by its name; and the exit code is the verdict."""
    ports = {name: str(free_port()) for name in ("VNC_WEB_PORT", "API_PORT", "STATUS_PORT")}
    result = copy.run("doctor", "--json", **(ports | variables))
    document = json.loads(result.stdout)
    assert document["ok"] == (result.returncode == 0) == all(one["state"] != "bad" for one in document["checks"])
    return {one["name"]: one for one in document["checks"]}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@AS_ROOT
def test_a_machine_in_order_passes(copy: OperatorCopy) -> None:
    """Nothing is bad after `make secrets`, and the table says so with its exit code."""
    assert [name for name, one in findings(copy).items() if one["state"] == "bad"] == []


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ("exit 1", "engine"),
        ('[ "$1 $2" != "version --format" ] || { echo 24.0.9; exit; }', "engine"),
        ('[ "$1" != compose ] || exit 1', "compose"),
        ('[ "$*" != "compose version --short" ] || { echo v2.20.0; exit; }', "compose"),
        ('case "$*" in *"config --quiet") echo "no such service" >&2; exit 15 ;; esac', "configuration"),
        ('[ "$*" != "info --format {{.SystemTime}}" ] || { echo 2001-01-01T00:00:00Z; exit; }', "clock"),
        (
            '[ "$1" != ps ] || { echo 1234; exit; }; [ "$1" != logs ] || { echo "AOF-loading-client: NOPERM"; exit; }',
            "journal",
        ),
    ],
)
def test_each_trouble_of_the_machine_is_found(copy: OperatorCopy, answers: str, name: str) -> None:
    """Named by its check, with something to do about it."""
    copy.engine(answers)
    found = findings(copy)[name]
    assert (found["state"], bool(found["advice"])) == ("bad", True)


def test_newer_versions_are_new_enough(copy: OperatorCopy) -> None:
    """2.100 is newer than 2.24, and 29 than 25."""
    copy.engine(
        'case "$*" in "version --format"*) echo 29.0; exit ;; "compose version --short") echo 2.100.1; exit ;; esac'
    )
    found = findings(copy)
    assert (found["engine"]["state"], found["compose"]["state"]) == ("ok", "ok")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("TRADING_MODE=foo", "TRADING_MODE is 'foo'"),
        ("SESSION_POLICY=foo", "SESSION_POLICY is 'foo'"),
        ("IB_PASSWORD=abc$def", "has a $"),
        ("IB_PASSWORD='abc$def'", ""),
        ("SESSION_POLICY=insist # for now", ""),
    ],
)
def test_a_setting_that_cannot_be_is_found(copy: OperatorCopy, line: str, says: str) -> None:
    """Before anything starts, and in words; a password is not shown."""
    with (copy.folder / ".env").open("a") as settings:
        settings.write(f"{line}\n")
    found = findings(copy)["settings"]
    assert (found["state"], says in found["seen"], "abc" in json.dumps(found)) == ("bad" if says else "ok", True, False)


def test_programs_that_containers_cannot_read_are_found(copy: OperatorCopy) -> None:
    """As in a copy that was made under umask 077."""
    (copy.folder / "docker/redis/users.acl.template").chmod(0o600)
    found = findings(copy)["files"]
    assert (found["state"], "users.acl.template" in found["seen"], "chmod" in found["advice"]) == ("bad", True, True)


@AS_ROOT
@pytest.mark.parametrize(
    ("mode", "owner", "state"),
    [(None, 0, "bad"), (0o600, 0, "bad"), (0o600, 1000, "ok"), (0o644, 0, "ok")],
    ids=["missing", "closed", "theirs", "open"],
)
def test_an_accounts_file_must_be_readable_inside(copy: OperatorCopy, mode: int | None, owner: int, state: str) -> None:
    """The processor's own message could only name its path within the container."""
    file = copy.folder / "own.yaml"
    if mode is not None:
        file.touch()
        file.chmod(mode)
        os.chown(file, owner, owner)
    found = findings(copy, ACCOUNTS_FILE="./own.yaml")["files"]
    assert (found["state"], "own.yaml" in found["seen"]) == (state, state == "bad")


@pytest.mark.parametrize(
    ("line", "says"), [("IB_USERNAM=x", "IB_USERNAME"), ("NONSENSE_ALTOGETHER=1", "NONSENSE_ALTOGETHER")]
)
def test_a_misspelt_setting_is_found(copy: OperatorCopy, line: str, says: str) -> None:
    """With the name that was probably meant, when there is one."""
    with (copy.folder / ".env").open("a") as settings:
        settings.write(f"{line}\n")
    found = findings(copy)["names"]
    assert (found["state"], says in found["seen"]) == ("bad", True)


def test_a_port_in_use_is_found(copy: OperatorCopy) -> None:
    """The message names the port and the setting that moves it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        found = findings(copy, VNC_WEB_PORT=port)["ports"]
    assert (found["state"], f"{port} (VNC_WEB_PORT)" in found["seen"]) == ("bad", True)


def test_open_secrets_are_found(copy: OperatorCopy) -> None:
    """A password that others may read is named, not shown."""
    (copy.folder / "secrets/ib_password").chmod(0o644)
    found = findings(copy)["secrets"]
    assert (found["state"], "ib_password" in found["seen"]) == ("bad", True)


def test_missing_secrets_are_found(copy: OperatorCopy) -> None:
    """So are secrets that are not there."""
    (copy.folder / "secrets/redis_users.acl").unlink()
    found = findings(copy)["secrets"]
    assert (found["state"], found["seen"], found["advice"]) == ("bad", "missing: redis_users.acl", "make secrets")


def test_a_weak_vnc_password_is_found(copy: OperatorCopy) -> None:
    """Also when it stands in a file, and it is not shown."""
    (copy.folder / "secrets/vnc_password").write_text("changeme")
    found = findings(copy)["VNC password"]
    assert (found["state"], "changeme" in json.dumps(found)) == ("bad", False)


def test_the_table_marks_what_is_wrong(copy: OperatorCopy) -> None:
    """A cross with its advice below, and exit code 1."""
    copy.engine("exit 1")
    result = copy.run("doctor")
    lines = result.stdout.splitlines()
    row = next(number for number, line in enumerate(lines) if line.startswith("✗ engine"))
    assert (result.returncode, "do: " in lines[row + 1]) == (1, True)


@pytest.mark.parametrize(
    ("last", "variables", "says"),
    [
        ("", {}, "real stack  PAPER"),
        ("real", {"TRADING_MODE": "live"}, "real stack  LIVE"),
        ("practice", {}, "practice stack "),
        ("practice", {"STACK": "real"}, "real stack  PAPER"),
    ],
)
@pytest.mark.parametrize("command", ["doctor", "status"])
def test_the_first_line_says_which_stack(
    copy: OperatorCopy, command: str, last: str, variables: dict[str, str], says: str
) -> None:
    """The one that was started last, also when it is down, unless STACK names one."""
    if last:
        (copy.folder / ".stack/which").write_text(last)
    assert copy.run(command, **variables).stdout.startswith(says)


def test_a_word_it_does_not_know_is_refused(copy: OperatorCopy) -> None:
    """With where to read on."""
    result = copy.run("doctor", "--jsn")
    assert (result.returncode, "--help" in result.stderr) == (1, True)
