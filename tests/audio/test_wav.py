from __future__ import annotations

import io
import struct
import wave
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.audio.wav import Wav, encode_wav, interleave, read_wav, write_wav
from vivavoce.errors import AudioFormatError

if TYPE_CHECKING:
    from pathlib import Path

PCM = bytes(range(200))


def other_wav(*, channels: int = 1, width: int = 2, rate: int = 16000, data: bytes = bytes(24)) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return buffer.getvalue()


@pytest.mark.parametrize("rate", [8000, 11025, 24000, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_written_is_read_back(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, PCM, rate, channels)
    assert read_wav(path) == read_wav(str(path)) == read_wav(path.read_bytes()) == Wav(PCM, rate, channels)


def test_the_file_is_what_the_standard_library_writes() -> None:
    assert encode_wav(PCM, 16000, 2) == other_wav(channels=2, data=PCM)


def test_duration_counts_all_channels_once() -> None:
    assert Wav(bytes(32000), 16000).duration_ms == 1000
    assert Wav(bytes(32000), 16000, 2).duration_ms == 500


def test_channels_are_kept_apart_and_mixed() -> None:
    left, right = struct.pack("<3h", 10, -20, 32767), struct.pack("<2h", 30, -40)
    stereo = Wav(interleave(left, right), 8000, 2)
    assert stereo.channel(0) == left
    assert stereo.channel(1) == right + b"\0\0"
    assert stereo.mono() == struct.pack("<3h", 20, -30, 16383)


def test_mono_is_its_own_channel_and_mix() -> None:
    audio = Wav(PCM, 16000)
    assert audio.mono() == audio.channel(0) == PCM


@pytest.mark.parametrize("index", [-1, 1])
def test_a_channel_must_exist(index: int) -> None:
    with pytest.raises(AudioFormatError, match=f"channel {index} asked for, but the audio has 1"):
        Wav(PCM, 16000).channel(index)


def test_interleave_refuses_half_samples() -> None:
    with pytest.raises(AudioFormatError, match="got 2 and 3 bytes"):
        interleave(b"ab", b"abc")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioFormatError, match=r"gone\.wav: cannot be read: No such file"):
        read_wav(tmp_path / "gone.wav")


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(b"ID3 not a wav file, it is something else")
    with pytest.raises(AudioFormatError, match=r"bad\.wav: not a PCM WAV file: .*RIFF"):
        read_wav(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes of WAV: not a PCM WAV file: it is damaged"),
        (other_wav(width=1), "8-bit samples; only 16-bit PCM"),
        (other_wav(width=3), "24-bit samples; only 16-bit PCM"),
        (other_wav(channels=3), "3 channels; only mono and stereo"),
        (other_wav().replace(struct.pack("<I", 16000), bytes(4), 1), "sample rate 0; it must be positive"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, message: str) -> None:
    with pytest.raises(AudioFormatError, match=message):
        read_wav(data)


@given(
    size=st.integers(0, 80),
    flips=st.lists(st.tuples(st.integers(0, 67), st.integers(0, 255)), max_size=3),
)
def test_damaged_files_raise_nothing_else(size: int, flips: list[tuple[int, int]]) -> None:
    data = bytearray(other_wav(channels=2))
    for position, value in flips:
        data[position] = value
    try:
        audio = read_wav(bytes(data[:size]))
    except AudioFormatError:
        return
    assert len(audio.pcm) % (2 * audio.channels) == 0
    assert audio.rate > 0


def test_a_file_cut_off_gives_the_audio_it_has() -> None:
    assert read_wav(encode_wav(PCM, 16000, 2)[:-3]).pcm == PCM[:-4]


@pytest.mark.parametrize(
    ("pcm", "rate", "channels", "message"),
    [
        (PCM, 0, 1, "sample rate must be positive, got 0"),
        (PCM, 16000, 3, "channels must be 1 or 2, got 3"),
        (PCM[:2], 16000, 2, "2 bytes are no whole number"),
        (PCM[:3], 16000, 1, "3 bytes are no whole number"),
    ],
)
def test_impossible_audio_is_not_written(pcm: bytes, rate: int, channels: int, message: str) -> None:
    with pytest.raises(AudioFormatError, match=message):
        encode_wav(pcm, rate, channels)
