from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from tests.support.operator_copy import OperatorCopy, copied_to

GIVEN = 'IB_USERNAME=edemo\nIB_PASSWORD=o\'ne $two "three" #4\nVNC_PASSWORD=Xk7mPq2w\n'
USERS = ("processor", "producer", "viewer")


@pytest.fixture
def copy(tmp_path: Path) -> OperatorCopy:
    return copied_to(tmp_path)


def lines_of(copy: OperatorCopy) -> list[str]:
    return [line for line in copy.text(".env").splitlines() if line and not line.startswith("#")]


def test_passwords_become_files_that_only_the_containers_read(copy: OperatorCopy) -> None:
    """Each is written as given to a file of mode 0600, .env names the file, and the folder is closed to others."""
    result = copy.run("secrets", given=GIVEN)
    assert result.returncode == 0, result.stderr
    assert copy.text("secrets/ib_password") == 'o\'ne $two "three" #4'
    assert copy.text("secrets/vnc_password") == "Xk7mPq2w"
    assert {"IB_USERNAME=edemo", "IB_PASSWORD_FILE=./secrets/ib_password", "REDIS_SECRETS=./secrets"} < {
        *lines_of(copy)
    }
    files = [file for file in (copy.folder / "secrets").iterdir() if file.is_file()]
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}
    assert set(modes.values()) == {0o600, 0o640}
    assert [name for name, mode in modes.items() if mode == 0o640] == ["redis_users.acl"]
    assert stat.S_IMODE((copy.folder / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((copy.folder / ".env").stat().st_mode) == 0o600
    if os.getuid() == 0:
        assert {file.stat().st_uid for file in files} == {1000}


def test_nothing_secret_is_said(copy: OperatorCopy) -> None:
    """Neither a password nor its hash appears on the screen."""
    result = copy.run("secrets", given=GIVEN)
    said = result.stdout + result.stderr
    hidden = [copy.text(f"secrets/redis_{user}_password") for user in USERS] + ["Xk7mPq2w", "three", "$two"]
    assert [text for text in hidden if text in said] == []


def test_redis_gets_a_user_for_each_hash(copy: OperatorCopy) -> None:
    """The list of users holds the SHA-256 of each password, never the password, and no placeholder is left."""
    copy.run("secrets", given=GIVEN)
    users = copy.text("secrets/redis_users.acl")
    passwords = [copy.text(f"secrets/redis_{user}_password") for user in USERS]
    assert [len(password) for password in passwords] == [64, 64, 64]
    assert all(f"#{hashlib.sha256(password.encode()).hexdigest()} " in users for password in passwords)
    assert [password for password in passwords if password in users] == []
    assert "_HASH@" not in users


def test_asking_again_changes_nothing(copy: OperatorCopy) -> None:
    """What is there is kept, to the last byte of .env and the last second of the files."""
    copy.run("secrets", given=GIVEN)
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (copy.folder / "secrets").iterdir()}
    settings = copy.text(".env")
    assert copy.run("secrets", given="IB_PASSWORD=other\nVNC_PASSWORD=Other4567\n").returncode == 0
    assert {
        file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (copy.folder / "secrets").iterdir()
    } == before
    assert copy.text(".env") == settings


@pytest.mark.parametrize(
    ("what", "changes"),
    [("ib", {"ib_password"}), ("vnc", {"vnc_password"}), ("redis", {f"redis_{user}_password" for user in USERS})],
)
def test_rotating_changes_that_one_only(copy: OperatorCopy, what: str, changes: set[str]) -> None:
    """The others stay as they are, and the list of Redis' users follows; told with what it takes to take effect."""
    copy.run("secrets", given=GIVEN)
    before = {file.name: file.read_text() for file in (copy.folder / "secrets").iterdir()}
    result = copy.run("secrets", given="IB_PASSWORD=next\nVNC_PASSWORD=Next4567\n", ROTATE=what)
    assert result.returncode == 0, result.stderr
    assert ("make down" in result.stderr) == (what != "redis")
    after = {file.name: file.read_text() for file in (copy.folder / "secrets").iterdir()}
    expected = changes | ({"redis_users.acl"} if what == "redis" else set())
    assert {name for name in after if after[name] != before[name]} == expected


def test_plain_passwords_move_out_of_the_settings(copy: OperatorCopy) -> None:
    """People's own .env goes on working: the passwords move to files, the rest keeps its place and comments."""
    (copy.folder / ".env").write_text("# mine\nIB_USERNAME=edemo\nIB_PASSWORD='se cret'\nVNC_PASSWORD=Xk7mPq2w\nX=1\n")
    assert copy.run("secrets").returncode == 0
    assert copy.text("secrets/ib_password") == "se cret"
    assert copy.text(".env").splitlines()[:5] == ["# mine", "IB_USERNAME=edemo", "IB_PASSWORD=", "VNC_PASSWORD=", "X=1"]


@pytest.mark.parametrize("password", ["Xk7mPq2", "passw0rd", "Password123", "changeme", "12345678", "aaaaaaaab"])
def test_a_weak_vnc_password_is_refused(copy: OperatorCopy, password: str) -> None:
    """Short, default, or weak in the eight characters that VNC looks at; it is not repeated, and no file is made."""
    result = copy.run("secrets", given=f"IB_USERNAME=edemo\nIB_PASSWORD=one\nVNC_PASSWORD={password}\n")
    assert (result.returncode, "do:" in result.stderr) == (1, True)
    assert password not in result.stderr.replace("VNC password", "")
    assert not (copy.folder / "secrets/vnc_password").exists()


def test_a_missing_vnc_password_is_made_up(copy: OperatorCopy) -> None:
    """Eight characters, other ones each time, and not shown."""
    made = set()
    for _ in range(3):
        result = copy.run("secrets", given="IB_USERNAME=edemo\nIB_PASSWORD=one\n", ROTATE="vnc")
        made.add(copy.text("secrets/vnc_password"))
        assert copy.text("secrets/vnc_password") not in result.stderr
    assert (len(made), {len(one) for one in made}) == (3, {8})


@pytest.mark.parametrize("given", ["", "IB_USERNAME=edemo\n", "IB_PASSWORD=one\n", "hello\n", "IB_USERNAME=a b\n"])
def test_what_is_missing_or_not_understood_is_said(copy: OperatorCopy, given: str) -> None:
    """Without a terminal nothing is asked: it ends, says what is missing and what to do."""
    result = copy.run("secrets", given=given)
    assert (result.returncode, "error: " in result.stderr) == (1, True)


def test_the_practice_stack_has_settings_and_secrets_of_its_own(copy: OperatorCopy) -> None:
    """It asks nothing, and neither .env nor the real secrets come into being."""
    assert copy.run("secrets", "--practice").returncode == 0
    assert "COMPOSE_PROJECT_NAME=rebalancer-practice" in copy.text(".stack/practice.env").splitlines()
    assert copy.text("secrets/practice/ib_password") == "practice"
    assert not (copy.folder / ".env").exists()
    assert [file.name for file in (copy.folder / "secrets").iterdir()] == ["practice"]
