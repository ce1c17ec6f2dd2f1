r"""Bytes on the socket: framing, text fields, and the handshake before any message.

A frame is a 4-byte big-endian length and that many bytes; a message is text fields, each ended by NUL. The
client opens with `API\0` and one frame `v100..187`, optionally followed by a space and connect options; the
gateway answers with one frame: server version and connection time (`ibapi/comm.py`, `ibapi/client.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LOWEST_VERSION = 157
"""ib_async refuses older servers; older layouts are not written."""
HIGHEST_VERSION = 178
"""The newest server version ib_async 2.1.0 speaks; protobuf begins at 201."""
MAX_FRAME = 0xFFFFFF
"""IBKR's own limit on one message (`ibapi/const.py`, MAX_MSG_LEN)."""
PREAMBLE = b"API\0"

_LENGTH_BYTES = 4
_OFFER = re.compile(rb"v(\d{1,6})(?:\.\.(\d{1,6}))?(?: ([ -~]*))?")


class WireError(Exception):
    """The bytes are not the TWS protocol; nothing after them can be trusted, so the connection must close."""


class VersionRefused(Exception):
    """The client's versions and ours do not meet."""


class FrameReader:
    """Cuts a client's byte stream into frames: first the version offer, then one payload per message."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._greeted = False
        self._max_frame = max_frame

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes, in any split, and return the payloads they complete.

        Raises WireError on a wrong preamble or on a length of zero or above the limit.
        """
        self._buffer += data
        frames: list[bytes] = []
        if self._greeted or self._take_preamble():
            while (payload := self._take_frame()) is not None:
                frames.append(payload)
        return frames

    def _take_preamble(self) -> bool:
        seen = bytes(self._buffer[: len(PREAMBLE)])
        if not PREAMBLE.startswith(seen):
            raise WireError(f"a client begins with {PREAMBLE!r}, this one with {seen!r}")
        self._greeted = seen == PREAMBLE
        if self._greeted:
            del self._buffer[: len(PREAMBLE)]
        return self._greeted

    def _take_frame(self) -> bytes | None:
        if len(self._buffer) < _LENGTH_BYTES:
            return None
        length = int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
        if not 0 < length <= self._max_frame:
            raise WireError(f"a frame of {length} bytes; 1 to {self._max_frame} are allowed")
        end = _LENGTH_BYTES + length
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[_LENGTH_BYTES:end])
        del self._buffer[:end]
        return payload


@dataclass(frozen=True, slots=True)
class VersionOffer:
    """The server versions a client can speak, both ends included."""

    lowest: int
    highest: int
    options: str = ""


def parse_offer(payload: bytes) -> VersionOffer:
    """Read the first frame, for example `v100..187`. Raises WireError when it is anything else."""
    match = _OFFER.fullmatch(payload)
    if match is None:
        raise WireError(f"not a version offer: {payload[:40]!r}")
    lowest, highest, options = match.groups()
    offer = VersionOffer(int(lowest), int(highest or lowest), (options or b"").decode("ascii"))
    if offer.lowest > offer.highest:
        raise WireError(f"not a version range: {payload[:40]!r}")
    return offer


def negotiate(offer: VersionOffer, highest: int = HIGHEST_VERSION) -> int:
    """The highest version both sides speak. Raises VersionRefused when there is none."""
    version = min(offer.highest, highest)
    if version < max(offer.lowest, LOWEST_VERSION):
        raise VersionRefused(
            f"the client speaks server versions {offer.lowest} to {offer.highest}, "
            f"this gateway {LOWEST_VERSION} to {highest}"
        )
    return version


def hello(server_version: int, connection_time: str) -> bytes:
    """The gateway's answer to the offer. Send it alone: IBKR's client drops what follows in the same read."""
    return frame([str(server_version), connection_time])


def frame(fields: Iterable[str]) -> bytes:
    """One message as bytes. Text outside ASCII is escaped, as servers from version 153 on do.

    Raises ValueError for a field that contains NUL, which would shift every field after it.
    """
    payload = bytearray()
    for field in fields:
        if "\0" in field:
            raise ValueError(f"a field cannot contain NUL: {field!r}")
        payload += field.encode("ascii", "backslashreplace") + b"\0"
    return len(payload).to_bytes(_LENGTH_BYTES, "big") + bytes(payload)
