"""What the lock files must be: complete, pinned, hashed, and silent about where packages come from."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.requirements import Requirement

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^\]]+)\])?==(?P<version>\S+)")
PLACE = re.compile(r"://|--(?:extra-)?index-url|--find-links|--trusted-host|(?:^|[\s=])/\w")


def lock_violations(name: str, text: str) -> list[str]:
    """Lines of a lock that name a place, and entries without an exact version or without a hash."""
    found = [
        f"{name}:{number}: names a place: {line}"
        for number, line in enumerate(text.splitlines(), 1)
        if PLACE.search(line)
    ]
    for entry in entries(text):
        if not PIN.match(entry):
            found.append(f"{name}: not pinned: {entry}")
        elif "--hash=sha256:" not in entry:
            found.append(f"{name}: no hash: {entry}")
    return found


def missing_from_lock(requirements: list[str], text: str) -> list[str]:
    """Names that the project asks for and the lock does not hold."""
    locked = {canonical(match["name"]) for entry in entries(text) if (match := PIN.match(entry))}
    asked = {canonical(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]) for requirement in requirements}
    return sorted(asked - locked)


def extras_left_out(requirements: Iterable[str], text: str) -> list[str]:
    """Extras that packages want of each other here and the lock does not name. Where it does not, pip before 23.3
    takes the newest version of such a package for wanted, and stops because that one is not pinned."""
    locked = {
        canonical(match["name"]): set((match["extras"] or "").split(","))
        for entry in entries(text)
        if (match := PIN.match(entry))
    }
    wanted = [one for one in map(Requirement, requirements) if not one.marker or one.marker.evaluate({"extra": ""})]
    return sorted(
        f"{one.name}[{extra}]" for one in wanted for extra in one.extras if extra not in locked[canonical(one.name)]
    )


def entries(text: str) -> list[str]:
    """One string per locked package, comments left out, continued lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def canonical(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()
