"""Kinds of settings that Python has no type for: hours and windows of a day, a time zone, an address of Redis."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from typing import Annotated
from urllib.parse import parse_qs, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from event_processor.domain.weekly import DailyWindow, ResetWindows, read_clock

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


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name.strip())
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone of the IANA list, such as Europe/Berlin") from None


def _reads(parse: Callable[[str], object]) -> BeforeValidator:
    return BeforeValidator(lambda given: parse(given) if isinstance(given, str) else given)


WindowSetting = Annotated[DailyWindow, _reads(DailyWindow.parse)]
ResetsSetting = Annotated[ResetWindows, _reads(ResetWindows.parse)]
ClockSetting = Annotated[time, _reads(read_clock)]
ZoneSetting = Annotated[ZoneInfo, _reads(_zone)]


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
    if hidden := sorted({"password", "username"} & parse_qs(parts.query, keep_blank_values=True).keys()):
        raise ValueError(f"must not end with {' and '.join(hidden)}: they belong before the host, as user:password@")
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
