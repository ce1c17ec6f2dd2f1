"""Kinds of settings that Python has no type for: a daily window of time, a log level, an address of Redis."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

_WINDOW = re.compile(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s+(\S+)")

_FORMS = (
    "must look like redis://host:6379/0, redis+cluster://host:6379,host:6379 or "
    "redis+sentinel://host:26379,host:26379/name; with rediss at its beginning for TLS"
)
_AT_THE_END = {
    "": (re.compile(r"\d*"), "the number of the database, such as /0"),
    "cluster": (re.compile(r"0?"), "the last host: a cluster has no databases"),
    "sentinel": (re.compile(r"[^/]+"), "the name the Sentinels give the primary, such as /mymaster"),
}
"""What may come after the hosts, by the word after the plus sign."""


@dataclass(frozen=True, slots=True)
class DailyWindow:
    """A stretch of each day, in its own time zone, without its end; it may run over midnight."""

    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str) -> DailyWindow:
        """Read `23:45-00:45 America/New_York`; raises `ValueError` saying what is wrong."""
        match = _WINDOW.fullmatch(text.strip())
        if match is None:
            raise ValueError("must look like 23:45-00:45 America/New_York")
        try:
            start, end = (datetime.strptime(word, "%H:%M").time() for word in match.groups()[:2])  # noqa: DTZ007
        except ValueError:
            raise ValueError("must have hours from 00:00 to 23:59") from None
        if start == end:
            raise ValueError("must not begin and end at the same minute")
        try:
            return cls(start, end, ZoneInfo(match[3]))
        except (KeyError, ValueError, OSError):
            raise ValueError(f"names no time zone of the IANA list: {match[3]}") from None

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.zone.key}"


def _window(given: object) -> object:
    return DailyWindow.parse(given) if isinstance(given, str) else given


WindowSetting = Annotated[DailyWindow, BeforeValidator(_window)]


def check_redis_url(url: str) -> str:
    """The URL; raises `ValueError` when redis-py could not use it, without repeating its password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("is not a URL") from None
    scheme, _, several = parts.scheme.partition("+")
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if scheme not in {"redis", "rediss"} or several not in _AT_THE_END or (len(hosts) > 1 and not several):
        raise ValueError(_FORMS)
    _check_hosts(hosts)
    rule, what = _AT_THE_END[several]
    if not rule.fullmatch(parts.path.strip("/")):
        raise ValueError(f"must end with {what}")
    return url


def _check_hosts(hosts: list[str]) -> None:
    for host in hosts:
        try:
            one = urlsplit(f"//{host}")
            _ = one.port
        except ValueError:
            raise ValueError("must have a port from 1 to 65535 after each host") from None
        if not one.hostname:
            raise ValueError(_FORMS)


def redis_url_without_password(url: str) -> str:
    """The URL as it may be shown to anybody."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))
