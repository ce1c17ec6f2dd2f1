"""What is in a backup beside the data of the volumes, and what a restore does with it."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from tests.support.operator_copy import OperatorCopy, copied_to

SETTINGS = "IB_USERNAME=edemo\nIB_PASSWORD=secret\nACCOUNTS_FILE=./own/accounts.yaml\n"
ACCOUNTS = "accounts: {}\n"
# Packs what the program mounts as its own part, runs what is given to unpack, and knows two volumes.
ENGINE = """\
case "$1" in
    volume) echo "$RANDOM" ;;
    run)
        for word in "$@"; do
            case $word in *:/about:ro) tar -czf - -C "${word%:/about:ro}" $(ls "${word%:/about:ro}"); exit ;; esac
        done
        cat >/dev/null
        ;;
esac
case "$*" in version* | info* | "compose version"*) ;; *) exit 0 ;; esac
"""
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="giving files to another user needs root")


@pytest.fixture
def copy(tmp_path: Path) -> OperatorCopy:
    copy = copied_to(tmp_path)
    copy.engine(ENGINE)
    (copy.folder / ".env").write_text(SETTINGS)
    (copy.folder / "own").mkdir()
    (copy.folder / "own/accounts.yaml").write_text(ACCOUNTS)
    return copy


def backup(copy: OperatorCopy) -> Path:
    """Make one; the archive."""
    result = copy.run("backup")
    assert result.returncode == 0, result.stderr
    [file] = (copy.folder / "backups").iterdir()
    return file


def test_the_accounts_file_is_in_the_backup(copy: OperatorCopy) -> None:
    """Beside the settings, whose secrets are emptied; wherever ACCOUNTS_FILE says that it is."""
    with tarfile.open(backup(copy)) as archive:
        parts = {name: archive.extractfile(name) for name in archive.getnames()}
        held = {name: part.read().decode() for name, part in parts.items() if part is not None}
    assert set(held) == {"about", "settings.env", "accounts.yaml"}
    assert held["accounts.yaml"] == ACCOUNTS
    assert "secret" not in held["settings.env"]


def test_an_accounts_file_that_is_missing_is_told(copy: OperatorCopy) -> None:
    """A backup without it would be found out when it is needed."""
    (copy.folder / "own/accounts.yaml").unlink()
    result = copy.run("backup")
    assert (result.returncode, "ACCOUNTS_FILE" in result.stderr) == (1, True)
    assert list((copy.folder / "backups").iterdir()) == []


@AS_ROOT
@pytest.mark.parametrize(
    ("there", "then", "says"),
    [(None, ACCOUNTS, "put back"), (ACCOUNTS, ACCOUNTS, ""), ("other: {}\n", "other: {}\n", "is another")],
    ids=["missing", "same", "changed"],
)
def test_a_restore_brings_the_accounts_file_back(copy: OperatorCopy, there: str | None, then: str, says: str) -> None:
    """Where it is missing, with its folder; what a person has changed since is never replaced, and told."""
    archive, file = backup(copy), copy.folder / "own/accounts.yaml"
    file.unlink()
    file.parent.rmdir()
    if there is not None:
        file.parent.mkdir()
        file.write_text(there)
    result = copy.run("restore", FILE=str(archive), YES="1")
    assert result.returncode == 0, result.stderr
    assert file.read_text() == then
    assert ("accounts.yaml" in result.stderr, says in result.stderr) == (says != "", True)
