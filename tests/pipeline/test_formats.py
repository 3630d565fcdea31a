"""Between the wire's formats and the engines' rates."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.audio.levels import peak, rms_dbfs
from vivavoce.pipeline.formats import Decoder, Encoder
from vivavoce.protocol import AudioFormat, PcmaFormat, PcmFormat, PcmuFormat

FORMATS = [PcmFormat(), PcmuFormat(), PcmaFormat()]


def tone(rate: int, seconds: float = 1.0, amplitude: int = 8000) -> bytes:
    time = np.arange(int(rate * seconds)) / rate
    return (np.sin(2 * np.pi * 300 * time) * amplitude).astype("<i2").tobytes()


def in_pieces(coder: Decoder | Encoder, audio: bytes, size: int) -> bytes:
    pieces = [coder.process(audio[start : start + size]) for start in range(0, len(audio), size)]
    return b"".join(pieces) + coder.flush()


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.type)
@pytest.mark.parametrize("rate", [16000, 22050, 24000, 8000])
def test_a_round_trip_keeps_length_level_and_wave(fmt: AudioFormat, rate: int) -> None:
    pcm = tone(rate)
    wire = in_pieces(Encoder(rate, fmt), pcm, 1000)
    assert len(wire) / fmt.bytes_per_sample == pytest.approx(fmt.sample_rate, abs=2)
    back = in_pieces(Decoder(fmt, rate), wire, 333 * fmt.bytes_per_sample)
    assert len(back) / 2 == pytest.approx(rate, abs=4)
    samples = min(len(back), len(pcm)) // 2
    error = np.frombuffer(back, "<i2", samples).astype(float) - np.frombuffer(pcm, "<i2", samples)
    middle = error[samples // 10 : -samples // 10]
    assert np.sqrt(np.mean(middle**2)) < 300  # of 5657, the tone's own
    assert rms_dbfs(back) == pytest.approx(rms_dbfs(pcm), abs=0.5)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.type)
def test_silence_stays_silent(fmt: AudioFormat) -> None:
    wire = in_pieces(Encoder(24000, fmt), bytes(48000), 960)
    assert peak(in_pieces(Decoder(fmt, 16000), wire, 960)) <= 8


@pytest.mark.parametrize("size", [1, 7, 320, 100_000])
def test_how_the_stream_is_cut_changes_nothing(size: int) -> None:
    pcm = tone(24000, 0.2)
    assert in_pieces(Decoder(PcmFormat(), 16000), pcm, size) == in_pieces(
        Decoder(PcmFormat(), 16000), pcm, len(pcm)
    )
    assert in_pieces(Encoder(24000, PcmuFormat()), pcm, size) == in_pieces(
        Encoder(24000, PcmuFormat()), pcm, len(pcm)
    )


def test_a_flush_begins_a_new_stream() -> None:
    encoder = Encoder(22050, PcmFormat())
    first = in_pieces(encoder, tone(22050, 0.1), 500)
    assert in_pieces(encoder, tone(22050, 0.1), 500) == first
