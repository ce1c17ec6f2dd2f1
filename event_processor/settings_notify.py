"""Settings of notifications: several URLs in one secret, a choice of topics, the address of a dead-man switch."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from event_processor.domain.topics import Topic

URLS_MAX = 20
TOKEN_LENGTH_MIN = 8

_BETWEEN = re.compile(r"\s+|,\s*(?=[A-Za-z][\w+.-]*://)")
"""White space, or a comma before the next URL: commas are also part of some URLs."""

_URL = re.compile(r"[A-Za-z][\w+.-]*://\S+")


def split_urls(text: str) -> tuple[str, ...]:
    """The URLs of a text that holds several, each once."""
    return tuple(dict.fromkeys(url.rstrip(",") for url in _BETWEEN.split(text.strip()) if url.rstrip(",")))


def check_urls(text: str) -> str:
    """The text; raises `ValueError` naming what is no URL by its place, never by its content."""
    urls = split_urls(text)
    if len(urls) > URLS_MAX:
        raise ValueError(f"must be {URLS_MAX} URLs at most")
    for number, url in enumerate(urls, 1):
        if not _URL.fullmatch(url):
            raise ValueError(f"must be URLs such as ntfys://ntfy.example/topic; number {number} is none")
    return text


def check_ping_url(url: str) -> str:
    """The URL; raises `ValueError` unless it can be fetched, without repeating it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"\s", url):
        raise ValueError("must be one URL that begins with https:// or http://")
    return url


def secrets_in(url: str) -> tuple[str, ...]:
    """The URL and the parts of it that give access by themselves: its password and whatever looks like a token."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return (url,)
    pieces = set(re.split(r"[/:@?&=,;#]+", url))
    host = parts.hostname or ""
    tokens = {
        piece
        for piece in pieces
        if len(piece) >= TOKEN_LENGTH_MIN and re.search(r"\d", piece) and not ("." in host and piece.lower() == host)
    }
    found = {url, parts.password or "", *tokens}
    return tuple(sorted({*found, *map(unquote, found)} - {""}, key=len, reverse=True))


def _topics(given: object) -> object:
    if not isinstance(given, str):
        return given
    words = [word for word in re.split(r"[\s,]+", given.lower()) if word]
    wrong = sorted(set(words) - set(Topic))
    if wrong:
        raise ValueError(f"must be some of {', '.join(Topic)}; there is no topic {', '.join(wrong)}")
    return frozenset(Topic(word) for word in words)


def _checked(check: Callable[[str], str]) -> AfterValidator:
    def checked(given: SecretStr) -> SecretStr:
        check(given.get_secret_value())
        return given

    return AfterValidator(checked)


UrlsSetting = Annotated[SecretStr, _checked(check_urls)]
PingSetting = Annotated[SecretStr, _checked(check_ping_url)]
TopicsSetting = Annotated[frozenset[Topic], BeforeValidator(_topics)]
