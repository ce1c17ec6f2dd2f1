"""What may be shown of a receiver's URL, and how its secrets are kept out of what libraries say."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

HOSTED = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "gotify", "gotifys"})
"""Schemes whose host is a host; elsewhere a token or a secret topic may stand in its place."""

PIECE_LENGTH_MIN = 4
MASK = "***"


def shown(url: str) -> str:
    """`mailtos://smtp.example`, `tgram://***`: the kind of receiver, and its host where that is no secret."""
    scheme = url.partition("://")[0].lower()
    return f"{scheme}://{_host(url) or MASK}"


def mask_for(url: str) -> Callable[[str], str]:
    """Replaces every part of the URL but its kind and its host by `***`, in any text."""
    rest = url.partition("://")[2]
    pieces = {piece for piece in re.split(r"[/:@?&=,;#]+", rest) if len(piece) >= PIECE_LENGTH_MIN}
    hidden = {rest, *pieces, *map(unquote, pieces)} - {_host(url)}
    found = re.compile("|".join(re.escape(piece) for piece in sorted(hidden, key=len, reverse=True)), re.IGNORECASE)
    return lambda text: found.sub(MASK, text)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host if parts.scheme.lower() in HOSTED else ""
