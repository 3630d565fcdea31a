from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol import AudioFormat, PcmaFormat, PcmFormat, PcmuFormat, to_builtins

FORMATS: list[AudioFormat] = [PcmFormat(), PcmuFormat(), PcmaFormat()]


@pytest.mark.parametrize(
    ("audio_format", "wire", "sample_rate", "bytes_per_sample"),
    [
        (PcmFormat(), {"type": "audio/pcm", "rate": 24000}, 24000, 2),
        (PcmuFormat(), {"type": "audio/pcmu"}, 8000, 1),
        (PcmaFormat(), {"type": "audio/pcma"}, 8000, 1),
    ],
)
def test_each_format_knows_its_wire_form_and_its_arithmetic(
    audio_format: AudioFormat, wire: dict[str, Any], sample_rate: int, bytes_per_sample: int
) -> None:
    assert to_builtins(audio_format) == wire
    assert audio_format.sample_rate == sample_rate
    assert audio_format.bytes_per_sample == bytes_per_sample
    assert audio_format.bytes_per_ms == sample_rate * bytes_per_sample / 1000


@pytest.mark.parametrize("audio_format", FORMATS)
@given(st.integers(0, 10**9))
def test_sizes_and_lengths_are_the_same_thing(audio_format: AudioFormat, samples: int) -> None:
    size = samples * audio_format.bytes_per_sample
    assert audio_format.bytes_of(audio_format.ms_of(size)) == size
    assert audio_format.ms_of(audio_format.bytes_of(samples)) == samples


@pytest.mark.parametrize("audio_format", FORMATS)
@given(st.floats(0, 10**7))
def test_a_size_is_of_whole_samples(audio_format: AudioFormat, ms: float) -> None:
    size = audio_format.bytes_of(ms)
    assert size % audio_format.bytes_per_sample == 0
    assert abs(audio_format.ms_of(size) - ms) <= 500 / audio_format.sample_rate + 1e-6
