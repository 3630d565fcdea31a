"""WAV files that are still arriving."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.audio.wav import encode_wav
from vivavoce.engines.tts.wav_stream import WavStream
from vivavoce.errors import EngineError

PCM = bytes(range(200))
FILE = encode_wav(PCM, 24_000)


def with_size(size: int) -> bytes:
    """The file with another size of its data, as streaming servers write it."""
    place = FILE.index(b"data") + 4
    return FILE[:place] + struct.pack("<I", size) + FILE[place + 4 :]


@given(st.lists(st.integers(0, len(FILE))), st.sampled_from([0, len(PCM), 0xFFFFFFFF]))
def test_samples_come_however_the_file_is_cut(cuts: list[int], size: int) -> None:
    stream, places, file = WavStream(24_000), sorted({0, *cuts, len(FILE)}), with_size(size)
    assert b"".join(stream.feed(file[a:b]) for a, b in pairwise(places)) == PCM


def test_what_follows_the_audio_is_left_out() -> None:
    assert WavStream(24_000).feed(FILE + b"LIST\4\0\0\0abcd") == PCM


def test_other_chunks_in_front_are_skipped() -> None:
    file = FILE[:12] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + FILE[12:]
    assert WavStream(24_000).feed(file) == PCM


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"ID3" + bytes(20), "no WAV file; try format = 'pcm'"),
        (encode_wav(PCM, 22_050), "audio of 22050 Hz, not of 24000; set sample_rate = 22050"),
        (encode_wav(PCM, 24_000, 2), "2 channels, 16 bits; mono PCM"),
        (FILE[:12] + FILE[FILE.index(b"data") :], "does not say its format"),
        (FILE[:12] + b"fmt \2\0\0\0\1\0" + FILE[36:], "broken head"),
        (FILE[:12] + b"junk\xff\xff\xff\xff" + bytes(70_000), "head does not end"),
    ],
)
def test_what_cannot_be_played_is_refused(file: bytes, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        WavStream(24_000).feed(file)
