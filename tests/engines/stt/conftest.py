"""Spoken clips at the transcriber's rate."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soxr

from vivavoce.audio.g711 import decode_ulaw, encode_ulaw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def spoken_pcm(speech_clip: Callable[..., Path]) -> Callable[..., bytes]:
    """Speak a text: ``spoken_pcm(text, voice)`` returns PCM16 at 16 kHz, with the silence of a live line
    before and after it.
    """

    def speak(text: str, voice: str = "slt", before_ms: int = 300) -> bytes:
        with wave.open(str(speech_clip(text, voice))) as clip:
            samples = np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
        heard: bytes = soxr.resample(samples, 24_000, 16_000).astype("<i2").tobytes()
        return bytes(before_ms * 32) + heard + bytes(16_000)

    return speak


@pytest.fixture(scope="session")
def over_telephone() -> Callable[[bytes], bytes]:
    """What remains of PCM16 at 16 kHz after a telephone line: 8 kHz, G.711 mu-law."""

    def call(pcm: bytes) -> bytes:
        narrow = soxr.resample(np.frombuffer(pcm, "<i2"), 16_000, 8_000).astype("<i2")
        heard = np.frombuffer(decode_ulaw(encode_ulaw(narrow.tobytes())), "<i2")
        wide: bytes = soxr.resample(heard, 8_000, 16_000).astype("<i2").tobytes()
        return wide

    return call
