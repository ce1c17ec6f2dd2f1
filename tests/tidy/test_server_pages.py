"""The pages for people who run the stack, against the scripts and Compose files they tell of."""

from __future__ import annotations

import re

from tests.tidy.sources import ROOT

OPERATE = (ROOT / "docs/how-to/operate.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "docs/explanation/security.md").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def test_every_check_of_the_doctor_is_explained() -> None:
    """The page has a row for each check that `make doctor` runs, in its order."""
    checks = re.search(r'^CHECKS="(.+)"$', (ROOT / "tools/stack/checks.bash").read_text(encoding="utf-8"), re.MULTILINE)
    assert checks is not None
    section = OPERATE.partition("\n## What `make doctor` says\n")[2].partition("\n## ")[0]
    rows = [name.lower().replace(" ", "_") for name in re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)]
    assert rows[1:] == checks[1].split()


def test_every_container_has_its_threats() -> None:
    """For each service of the stack the security page says what somebody can do who has taken it over."""
    services = re.findall(
        r"^  ([a-z-]+):", COMPOSE.partition("\nservices:\n")[2].partition("\nnetworks:\n")[0], re.MULTILINE
    )
    section = SECURITY.partition("\n### Another container\n")[2].partition("\n### ")[0]
    first = " ".join(re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE))
    assert len(services) >= 6
    assert [service for service in services if f"`{service}`" not in first] == []


def test_every_user_of_redis_is_named() -> None:
    """No user of the access rules is unknown to the security page."""
    rules = (ROOT / "docker/redis/users.acl.template").read_text(encoding="utf-8")
    assert [user for user in re.findall(r"^user (\w+)", rules, re.MULTILINE) if f"`{user}`" not in SECURITY] == []


def test_every_published_port_is_judged() -> None:
    """Each port that the stack publishes is in the table of what may be reached from elsewhere, and no other."""
    page = (ROOT / "docs/how-to/remote-access.md").read_text(encoding="utf-8")
    published = set(re.findall(r"127\.0\.0\.1:\$\{\w+:-(\d+)\}", COMPOSE))
    table = re.findall(r"^\| (\d{4})", page, re.MULTILINE)
    assert published == {"4001", "6080", "8080"}
    assert published <= set(table)
