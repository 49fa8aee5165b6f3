"""Frames: what is sent arrives, and nothing else passes as a frame."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.shell import FrameError
from actors.shell.frame import HEADER, decode, encode, length_of

CONTENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FEW = settings(max_examples=40)


@FEW
@given(word=st.text(), content=CONTENTS)
def test_what_is_encoded_is_decoded(word: str, content: object) -> None:
    frame = encode(word, content)

    assert length_of(frame[:4], 2**32) == len(frame) - 4
    assert (decode(frame[4:]).word, decode(frame[4:]).content) == (word, content)


@FEW
@given(st.binary())
def test_any_bytes_are_a_frame_or_a_frame_error(body: bytes) -> None:
    try:
        frame = decode(body)
    except FrameError as error:
        assert error.code in {"malformed", "version"}  # noqa: PT017 -- that there is no other error is what is shown
    else:
        assert isinstance(frame.word, str)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgpack.packb(None),
        msgpack.packb([1, "actors"]),
        msgpack.packb(["1", "actors", {}]),
        msgpack.packb([1, 2, {}]),
        msgpack.packb([1, "actors", {}]) + b"\x00",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 10_000,
        b"\xd7\xff" + b"\xff" * 8,
    ],
    ids=["empty", "no code", "nil", "short", "version", "word", "more", "promises", "deep", "time"],
)
def test_what_is_no_frame_is_malformed(body: bytes) -> None:
    with pytest.raises(FrameError) as refused:
        decode(body)

    assert refused.value.code == "malformed"


def test_another_version_is_refused_by_its_number() -> None:
    with pytest.raises(FrameError, match="version 2 of the protocol was spoken; this is version 1") as refused:
        decode(msgpack.packb([2, "actors", {}, "more"][:3]))

    assert refused.value.code == "version"


def test_a_frame_that_is_too_long_is_refused_before_it_comes() -> None:
    with pytest.raises(FrameError, match="a frame of 1001 bytes was announced; allowed are 1000") as refused:
        length_of(HEADER.pack(1001), 1000)

    assert refused.value.code == "oversized"


def test_what_has_no_place_in_a_frame_is_shown_by_its_class() -> None:
    assert decode(encode("end", [object(), 1])[4:]).content == ["<object>", 1]
