"""Frames, the handshake and their limits."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_simulator import wire
from gateway_simulator.wire import FrameReader, VersionOffer, VersionRefused, WireError

PAYLOADS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


def framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


@given(PAYLOADS, st.lists(st.integers(0, 300), max_size=12))
def test_any_split_gives_the_same_frames(payloads: list[bytes], cuts: list[int]) -> None:
    """However the network cuts the bytes, the same payloads come out in the same order."""
    stream = wire.PREAMBLE + b"".join(framed(payload) for payload in payloads)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader()
    taken = [payload for start, end in pairwise(places) for payload in reader.feed(stream[start:end])]
    assert taken == payloads


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20), min_size=1))
def test_a_message_survives_its_frame(fields: list[str]) -> None:
    """Fields come back as written, text outside ASCII as escapes."""
    reader = FrameReader()
    (payload,) = reader.feed(wire.PREAMBLE + wire.frame(fields))
    assert payload.isascii()
    assert payload.decode().split("\0")[:-1] == [field.encode("ascii", "backslashreplace").decode() for field in fields]


def test_a_field_cannot_end_early() -> None:
    """A NUL inside a field would shift every field after it, so it is refused."""
    with pytest.raises(ValueError, match="cannot contain NUL"):
        wire.frame(["4", "two\0fields"])


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"APJ", b"api\0"])
def test_another_protocol_is_refused_at_once(garbage: bytes) -> None:
    """Whoever does not open with API is cut off without waiting for more."""
    with pytest.raises(WireError, match="a client begins with"):
        FrameReader().feed(garbage)


@pytest.mark.parametrize("length", [0, 65, 0xFFFFFFFF])
def test_a_frame_of_impossible_length_is_refused(length: int) -> None:
    """Only the length is needed to refuse a frame: nothing is stored for it."""
    reader = FrameReader(max_frame=64)
    with pytest.raises(WireError, match=f"a frame of {length} bytes; 1 to 64 are allowed"):
        reader.feed(wire.PREAMBLE + length.to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("payload", "offer"),
    [
        (b"v157..178", VersionOffer(157, 178)),
        (b"v100..225 +PACEAPI", VersionOffer(100, 225, "+PACEAPI")),
        (b"v176", VersionOffer(176, 176)),
    ],
)
def test_version_offers_are_read(payload: bytes, offer: VersionOffer) -> None:
    """A range, a range with options and a single version are all offers."""
    assert wire.parse_offer(payload) == offer


@pytest.mark.parametrize("payload", [b"157..178", b"v178..157", b"v1..", b"71\x002\x00", b"v157..178\xff", b"v"])
def test_anything_else_is_no_offer(payload: bytes) -> None:
    """A first frame that is not an offer ends the connection."""
    with pytest.raises(WireError, match="not a version"):
        wire.parse_offer(payload)


@pytest.mark.parametrize(
    ("lowest", "highest", "ours", "agreed"),
    [(157, 178, 178, 178), (100, 225, 178, 178), (157, 178, 176, 176), (100, 157, 178, 157)],
)
def test_the_highest_common_version_is_agreed(lowest: int, highest: int, ours: int, agreed: int) -> None:
    """Neither side is asked to speak a version it does not know."""
    assert wire.negotiate(VersionOffer(lowest, highest), ours) == agreed


@pytest.mark.parametrize(("lowest", "highest"), [(100, 156), (179, 225)])
def test_versions_that_do_not_meet_are_refused(lowest: int, highest: int) -> None:
    """A client too old or too new is told both ranges."""
    with pytest.raises(VersionRefused, match=f"{lowest} to {highest}, this gateway 157 to 178"):
        wire.negotiate(VersionOffer(lowest, highest))


def test_the_hello_is_one_frame_of_two_fields() -> None:
    """Both clients wait for exactly a version and a time."""
    assert wire.hello(178, "20260105 14:30:00 EST") == framed(b"178\x0020260105 14:30:00 EST\x00")
