from typing import Any

import pytest

from vivavoce.protocol import AudioFormat, PcmaFormat, PcmFormat, PcmuFormat, to_builtins


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
