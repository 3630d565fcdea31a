from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.audio.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from vivavoce.errors import AudioFormatError

if TYPE_CHECKING:
    from types import ModuleType

Codec = Callable[[bytes], bytes]

EVERY_SAMPLE = np.arange(-32768, 32768).astype("<i2").tobytes()
EVERY_CODE = bytes(range(256))
LAWS = pytest.mark.parametrize(
    ("encode", "decode"), [(encode_ulaw, decode_ulaw), (encode_alaw, decode_alaw)], ids=["ulaw", "alaw"]
)


def samples(pcm: bytes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.frombuffer(pcm, "<i2").astype(np.int64)


def load_audioop() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module("audioop")


@pytest.mark.parametrize(
    ("name", "ours", "data"),
    [
        ("lin2ulaw", encode_ulaw, EVERY_SAMPLE),
        ("ulaw2lin", decode_ulaw, EVERY_CODE),
        ("lin2alaw", encode_alaw, EVERY_SAMPLE),
        ("alaw2lin", decode_alaw, EVERY_CODE),
    ],
)
def test_every_value_is_as_in_the_former_standard_library(name: str, ours: Codec, data: bytes) -> None:
    try:
        audioop = load_audioop()
    except ModuleNotFoundError:
        pytest.skip("this Python has no audioop (removed in 3.13)")
    assert ours(data) == getattr(audioop, name)(data, 2)


@pytest.mark.parametrize(
    ("encode", "sample", "code"),
    [
        (encode_ulaw, 0, 0xFF),
        (encode_ulaw, 32767, 0x80),
        (encode_ulaw, -32768, 0x00),
        (encode_ulaw, 4, 0xFE),
        (encode_ulaw, -4, 0x7E),
        (encode_alaw, 0, 0xD5),
        (encode_alaw, 32767, 0xAA),
        (encode_alaw, -32768, 0x2A),
        (encode_alaw, -1, 0x55),
    ],
)
def test_codes_of_the_recommendation(encode: Codec, sample: int, code: int) -> None:
    assert encode(sample.to_bytes(2, "little", signed=True)) == bytes([code])


@pytest.mark.parametrize(
    ("decode", "code", "sample"),
    [
        (decode_ulaw, 0xFF, 0),
        (decode_ulaw, 0x7F, 0),
        (decode_ulaw, 0x80, 32124),
        (decode_ulaw, 0x00, -32124),
        (decode_alaw, 0xD5, 8),
        (decode_alaw, 0x55, -8),
        (decode_alaw, 0xAA, 32256),
        (decode_alaw, 0x2A, -32256),
    ],
)
def test_samples_of_the_recommendation(decode: Codec, code: int, sample: int) -> None:
    assert decode(bytes([code])) == sample.to_bytes(2, "little", signed=True)


@LAWS
def test_encoding_is_monotonic_and_close(encode: Codec, decode: Codec) -> None:
    before, after = samples(EVERY_SAMPLE), samples(decode(encode(EVERY_SAMPLE)))
    assert (np.diff(after) >= 0).all()
    # Half a quantisation step of the segment, 1/32 of the value, plus the bits lost before the table.
    assert (
        np.abs(after - before) <= np.maximum(np.abs(before) / 32 + 8, 16) + 644 * (np.abs(before) > 32124)
    ).all()


@LAWS
@given(codes=st.binary(max_size=400))
def test_decoded_audio_survives_a_second_round(encode: Codec, decode: Codec, codes: bytes) -> None:
    pcm = decode(codes)
    assert len(pcm) == 2 * len(codes)
    assert decode(encode(pcm)) == pcm


@LAWS
def test_no_audio_gives_no_audio(encode: Codec, decode: Codec) -> None:
    assert encode(b"") == b""
    assert decode(b"") == b""


@LAWS
def test_half_a_sample_is_refused(encode: Codec, decode: Codec) -> None:
    with pytest.raises(AudioFormatError, match="odd length: 3 bytes"):
        encode(b"\0\0\0")
