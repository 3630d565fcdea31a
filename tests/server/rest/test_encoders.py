"""Speech as a file."""

from __future__ import annotations

import io

import numpy as np
import pytest

from vivavoce.server.rest import encoders
from vivavoce.server.rest.encoders import FORMATS, RATE, default_format, encoder_for

TONE = (np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE) * 8000).astype("<i2").tobytes()


def encoded(form: str) -> list[bytes]:
    encoder = encoder_for(form)
    assert encoder is not None
    pieces = [encoder.encode(TONE[at : at + 4800]) for at in range(0, len(TONE), 4800)]
    return [*pieces, encoder.encode(b""), encoder.finish()]


def test_pcm_is_the_samples_themselves() -> None:
    assert b"".join(encoded("pcm")) == TONE


def test_wav_has_a_header_without_a_length_and_then_the_samples() -> None:
    first, *_ = pieces = encoded("wav")
    data = b"".join(pieces)
    assert first.startswith(b"RIFF\xff\xff\xff\xffWAVEfmt ")
    assert data[44:] == TONE
    assert data[36:44] == b"data\xff\xff\xff\xff"


@pytest.mark.parametrize("form", sorted(set(FORMATS) - {"pcm"}))
def test_other_programs_read_what_is_made(form: str) -> None:
    av = pytest.importorskip("av")
    pieces = encoded(form)
    assert sum(map(bool, pieces)) > 2, "it is streamed"
    with av.open(io.BytesIO(b"".join(pieces))) as container:
        frames = [frame.to_ndarray().astype(float) for frame in container.decode(audio=0)]
        assert container.streams.audio[0].codec_context.layout.nb_channels == 1
        seconds = sum(frame.shape[1] for frame in frames) / container.streams.audio[0].rate
    assert seconds == pytest.approx(1.0, abs=0.15)
    assert max(np.abs(frame).max() for frame in frames) > 0


def test_without_pyav_there_are_samples_and_wav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "find_spec", lambda _name: None)
    assert default_format() == "wav"
    assert {form for form in FORMATS if encoder_for(form)} == {"wav", "pcm"}
