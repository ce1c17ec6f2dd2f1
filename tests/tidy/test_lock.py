from __future__ import annotations

import tomllib
from importlib.metadata import distributions
from typing import Any

import pytest

from tests.tidy.lock import PIN, canonical, entries, extras_left_out, lock_violations, missing_from_lock
from tests.tidy.sources import ROOT

LOCKS = ["requirements.txt", "requirements-dev.txt"]
HASHED = "a-b==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n    # via c\n"


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_is_pinned_hashed_and_names_no_place(name: str) -> None:
    """Every entry has an exact version and hashes, and no line tells where this machine gets packages."""
    text = (ROOT / name).read_text()
    assert entries(text)
    assert lock_violations(name, text) == []


def test_the_lock_holds_everything_the_project_asks_for() -> None:
    """A requirement that was added without `make lock` is found."""
    runtime = project()["project"]["dependencies"]
    development = project()["dependency-groups"]["dev"]
    assert missing_from_lock(runtime, (ROOT / "requirements.txt").read_text()) == []
    assert missing_from_lock(runtime + development, (ROOT / "requirements-dev.txt").read_text()) == []


def test_both_locks_agree() -> None:
    """What people run is what was tested: each runtime pin is also the development pin."""
    runtime, development = (set(entries((ROOT / name).read_text())) for name in LOCKS)
    assert runtime - development == set()


def test_the_lock_names_the_extras_that_packages_want_of_each_other() -> None:
    """Otherwise a new release of one of them stops the set-up of everybody whose pip is old."""
    text = (ROOT / "requirements-dev.txt").read_text()
    locked = {canonical(match["name"]) for entry in entries(text) if (match := PIN.match(entry))}
    wanted = [one for each in distributions() if canonical(each.name) in locked for one in each.requires or ()]
    assert extras_left_out(wanted, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "a-b>=1.0",
        "a-b==1.0",
        f"--index-url x\n{HASHED}",
        f"--extra-index-url=x\n{HASHED}",
        f"--find-links wheels\n{HASHED}",
        f"# made in /home/me/project\n{HASHED}",
        "a-b @ https://packages.example/a-b.whl",
    ],
)
def test_loose_locks_are_caught(text: str) -> None:
    """Open versions, missing hashes, indexes, paths and addresses are all found."""
    assert lock_violations("lock", text)


def test_a_good_lock_passes() -> None:
    """A pinned and hashed entry, with its comments, has nothing wrong, and is one entry."""
    assert lock_violations("lock", HASHED) == []
    assert len(entries(HASHED)) == 1


def test_missing_names_are_found_whatever_their_spelling() -> None:
    """Names are compared as package indexes compare them."""
    assert missing_from_lock(["A_b>=1", "c.d", "e; python_version < '4'"], HASHED) == ["c-d", "e"]


def test_extras_that_are_left_out_are_found() -> None:
    """But not those that only another extra wants."""
    wanted = ["a-b>=0.9", "A_B[x]>=0.9", "a-b[y]; extra == 'z'"]
    assert extras_left_out(wanted, HASHED) == ["A_B[x]"]
    assert extras_left_out(wanted, HASHED.replace("a-b==", "a-b[x]==")) == []
