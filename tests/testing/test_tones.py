from __future__ import annotations

import pytest

from vivavoce.audio.levels import peak, rms_dbfs
from vivavoce.testing.tones import tone, tone_in


def test_a_tone_is_as_long_as_asked_and_loud() -> None:
    assert len(tone(300)) == 300 * 48
    assert len(tone(300, 8000)) == 300 * 16
    assert rms_dbfs(tone(300)) > -20
    assert 1000 < peak(tone(20)) < 32768


@pytest.mark.parametrize(("name", "bytes_per_ms"), [("audio/pcm", 48), ("audio/pcmu", 8), ("audio/pcma", 8)])
def test_a_tone_in_every_format_of_the_wire(name: str, bytes_per_ms: int) -> None:
    assert len(tone_in(name, 100)) == 100 * bytes_per_ms
