"""Spoken clips at the transcriber's rate."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soxr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def spoken_pcm(speech_clip: Callable[..., Path]) -> Callable[..., bytes]:
    """Speak a text: ``spoken_pcm(text, voice)`` returns PCM16 at 16 kHz, with the silence of a live line
    before and after it.
    """

    def speak(text: str, voice: str = "slt") -> bytes:
        with wave.open(str(speech_clip(text, voice))) as clip:
            samples = np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
        heard: bytes = soxr.resample(samples, 24_000, 16_000).astype("<i2").tobytes()
        return bytes(9_600) + heard + bytes(16_000)

    return speak
