"""A filter on audio of the wire: every byte of it stands for the same moment as before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.audio.g711 import encode_alaw, encode_ulaw
from vivavoce.engines.noise.base import NoiseKind
from vivavoce.pipeline.noise import NoiseFilter
from vivavoce.protocol import AudioFormat, PcmaFormat, PcmFormat, PcmuFormat

FORMATS: list[AudioFormat] = [PcmFormat(rate=24000), PcmuFormat(), PcmaFormat()]


class Passing:
    """A filter that passes everything on, and notes how it was opened and what it got."""

    def __init__(self) -> None:
        self.opened: list[tuple[NoiseKind, float, int]] = []
        self.frames: list[bytes] = []
        self.closed = 0

    def open(self, kind: NoiseKind, strength: float, sample_rate: int) -> Passing:
        self.opened.append((kind, strength, sample_rate))
        return self

    def process(self, frame: bytes) -> bytes:
        self.frames.append(frame)
        return frame

    def close(self) -> None:
        self.closed += 1


def wire(fmt: AudioFormat, ms: int) -> bytes:
    samples = (np.arange(fmt.sample_rate * ms // 1000) * 7 % 8000 + 1000).astype("<i2")
    match fmt:
        case PcmuFormat():
            return encode_ulaw(samples.tobytes())
        case PcmaFormat():
            return encode_alaw(samples.tobytes())
    return samples.tobytes()


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: type(fmt).__name__)
def test_whole_frames_go_through_without_delay(fmt: AudioFormat) -> None:
    reducer = Passing()
    noise = NoiseFilter(reducer, fmt, "far_field", 0.5)
    audio = wire(fmt, 40)
    half = len(audio) // 2
    assert noise.process(audio[:half]) + noise.process(audio[half:]) == audio
    assert reducer.opened == [("far_field", 0.5, fmt.sample_rate)]
    assert {len(frame) for frame in reducer.frames} == {fmt.sample_rate // 100 * 2}


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: type(fmt).__name__)
@given(sizes=st.lists(st.integers(0, 700), max_size=12))
def test_as_much_comes_out_as_went_in(fmt: AudioFormat, sizes: list[int]) -> None:
    noise = NoiseFilter(Passing(), fmt, "near_field", 1.0)
    audio = wire(fmt, 1100)
    start, heard = 0, b""
    for size in sizes:
        taken = noise.process(audio[start : start + size])
        assert len(taken) == size
        start, heard = start + size, heard + taken
    whole = len(heard) - len(heard) % fmt.bytes_per_sample
    samples = np.frombuffer(heard[:whole], "<i2" if fmt.bytes_per_sample == 2 else "u1")
    (silence,) = np.frombuffer(noise._silent_sample, samples.dtype)
    kept = samples[samples != silence].tobytes()
    assert audio.startswith(kept)  # nothing is lost or out of its order
    assert whole - len(kept) <= fmt.bytes_of(10)  # and never more than a frame late


@pytest.mark.parametrize(("strength", "used"), [(-1.0, 0.0), (2.0, 1.0)])
def test_a_strength_beyond_its_bounds_is_the_nearer_of_them(strength: float, used: float) -> None:
    reducer = Passing()
    NoiseFilter(reducer, FORMATS[0], "near_field", strength)
    assert reducer.opened[0][1] == used


def test_closing_frees_the_stream() -> None:
    reducer = Passing()
    NoiseFilter(reducer, FORMATS[0], "near_field", 1.0).close()
    assert reducer.closed == 1
