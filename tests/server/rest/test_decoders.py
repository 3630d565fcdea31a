"""Uploaded files as samples."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest

from vivavoce.audio.wav import encode_wav
from vivavoce.errors import AudioFormatError
from vivavoce.server.rest import decoders
from vivavoce.server.rest.decoders import decode_audio
from vivavoce.server.rest.encoders import RATE, encoder_for

TONE = (np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE) * 8000).astype("<i2").tobytes()


def made(form: str) -> bytes:
    encoder = encoder_for(form)
    assert encoder is not None
    return encoder.encode(TONE) + encoder.finish()


def pitch(pcm: bytes, rate: int) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (8000, 1), (48000, 2)])
def test_a_wav_file_is_read_without_more(rate: int, channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "find_spec", lambda _name: None)
    tone = (np.sin(2 * np.pi * 440 * np.arange(rate) / rate) * 8000).astype("<i2")
    data = encode_wav(np.repeat(tone, channels).tobytes(), rate, channels)
    pcm = decode_audio(data, 16000)
    assert len(pcm) == pytest.approx(32000, abs=200)
    assert pitch(pcm, 16000) == pytest.approx(440, abs=3)


def test_our_own_wav_without_a_length_is_read() -> None:
    assert len(decode_audio(made("wav"), RATE)) == len(TONE)


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac"])
def test_other_forms_are_read_with_pyav(form: str) -> None:
    pytest.importorskip("av")
    pcm = decode_audio(made(form), 16000)
    assert len(pcm) == pytest.approx(32000, rel=0.15)
    assert pitch(pcm, 16000) == pytest.approx(440, abs=8)


def test_a_wav_file_that_is_not_pcm16_is_read_with_pyav() -> None:
    pytest.importorskip("av")
    body = bytes([0x80]) * 8000  # 8-bit silence
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    data = form + struct.pack("<4sI", b"data", len(body)) + body
    wav = struct.pack("<4sI4s", b"RIFF", 4 + len(data), b"WAVE") + data
    assert len(decode_audio(wav, 16000)) == pytest.approx(32000, abs=400)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"no audio at all" * 100, "cannot be read as audio"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "cannot be read as audio"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "cannot be read as audio"),
    ],
)
def test_what_is_no_audio_is_refused_and_nothing_else_is_opened(data: bytes, words: str) -> None:
    pytest.importorskip("av")
    with pytest.raises(AudioFormatError, match=words):
        decode_audio(data, 16000)


def test_a_film_without_sound_is_refused() -> None:
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width = stream.height = 16
        frame = av.VideoFrame(16, 16, "yuv420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(AudioFormatError, match="holds no audio"):
        decode_audio(file.getvalue(), 16000)


def test_without_pyav_other_files_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "find_spec", lambda _name: None)
    with pytest.raises(AudioFormatError, match=r"vivavoce\[codecs\]"):
        decode_audio(b"ID3 something", 16000)


@pytest.mark.parametrize("form", ["wav", "flac"])
def test_a_recording_that_never_ends_is_refused(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    monkeypatch.setattr(decoders, "MAX_AUDIO_S", 0.5)
    data = encode_wav(TONE, RATE) if form == "wav" else made(form)
    with pytest.raises(AudioFormatError, match="longer than"):
        decode_audio(data, 16000)
