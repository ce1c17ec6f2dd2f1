"""The shared words for health: a status, the checks behind it, and their JSON.

{"status": "contended", "words": "somebody else is logged in", "ready": false, "reason": "...", "advice": "...",
 "checks": [{"name": "session", "ok": false, "reason": "..."}]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """One word for the whole; only READY means that trading is possible now."""

    READY = "ready"
    STARTING = "starting"
    AWAITING_LOGIN = "awaiting_login"
    CONTENDED = "contended"
    LINK_LOST = "link_lost"
    RESTARTING = "restarting"
    READ_ONLY = "read_only"
    PAUSED = "paused"
    STORE_LOST = "store_lost"
    HALTED = "halted"
    DOWN = "down"

    @property
    def words(self) -> str:
        """The same for a person."""
        return _WORDS.get(self, self.value)


_WORDS = {
    Status.AWAITING_LOGIN: "waiting for second factor",
    Status.CONTENDED: "somebody else is logged in",
    Status.LINK_LOST: "link to IBKR lost",
    Status.READ_ONLY: "gateway refuses orders",
    Status.STORE_LOST: "link to Redis lost",
}
"""Where the code itself is no plain English."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the object in a report's `checks`."""
        return {"name": self.name, "ok": self.ok, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Report:
    """The answer: what is the matter (`reason`) and what a person can do (`advice`), both in plain words."""

    status: Status
    reason: str = ""
    advice: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it could do its work right now."""
        return self.status is Status.READY

    def as_json(self) -> dict[str, Any]:
        """As shown at the top of this module."""
        return {
            "status": self.status.value,
            "words": self.status.words,
            "ready": self.ready,
            "reason": self.reason,
            "advice": self.advice,
            "checks": [check.as_json() for check in self.checks],
        }

    def line(self) -> str:
        """The report as one line of JSON."""
        return json.dumps(self.as_json(), ensure_ascii=False)


def read_report(found: Mapping[str, Any]) -> Report:
    """The report in a decoded JSON object; raises `ValueError` when it is not one."""
    try:
        checks = tuple(
            Check(str(check["name"]), bool(check["ok"]), str(check.get("reason", "")))
            for check in found.get("checks", ())
        )
        return Report(Status(found["status"]), str(found["reason"]), str(found["advice"]), checks)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a health report: {error!r}") from error
