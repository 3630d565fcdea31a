"""The speech that the load generator says: a real utterance, without a pause in which a turn could end."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import wave
from contextlib import aclosing
from pathlib import Path

import numpy as np
import soxr

import vivavoce
from vivavoce.audio.levels import voiced_spans

RATE = 24000
FRAME_MS = 20
FRAME_BYTES = RATE // 1000 * FRAME_MS * 2
LONGEST_MS = 1500
_TEXT = "Please tell me what the weather will be"


def speech() -> tuple[bytes, str]:
    """Return one utterance of at most 1.5 seconds (mono PCM16 at 24 kHz, whole 20 ms frames), and its source.

    A clip of the package's demo if there is one, else flite's voice, else the embedded synthesiser's.
    """
    clip = Path(vivavoce.__file__).parent / "cli" / "demo" / "clips" / "weather.wav"
    if clip.exists():
        return _trimmed(_read(clip)), f"clip {clip.name}"
    if flite := shutil.which("flite"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "speech.wav"
            subprocess.run([flite, "-voice", "slt", "-t", _TEXT, "-o", str(path)], check=True)
            return _trimmed(_read(path)), "flite, voice slt"
    return _trimmed(asyncio.run(_espeak())), "espeak-ng"


def _read(path: Path) -> bytes:
    with wave.open(str(path)) as clip:
        samples = np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
        return _to_rate(samples.reshape(-1, clip.getnchannels())[:, 0], clip.getframerate())


async def _espeak() -> bytes:
    from vivavoce.engines.base import SpeechOptions
    from vivavoce.engines.tts.espeak import EspeakSynthesizer

    engine = EspeakSynthesizer()
    async with aclosing(engine.synthesize(_TEXT, SpeechOptions())) as chunks:
        pcm = b"".join([chunk.pcm async for chunk in chunks])
    await engine.aclose()
    return _to_rate(np.frombuffer(pcm, "<i2"), engine.sample_rate)


def _to_rate(samples: np.ndarray[tuple[int], np.dtype[np.int16]], rate: int) -> bytes:
    converted: bytes = soxr.resample(samples, rate, RATE).astype("<i2").tobytes()
    return converted


def _trimmed(pcm: bytes) -> bytes:
    """Cut to the first stretch of speech, so that its last frame is a voiced one."""
    start, end = voiced_spans(pcm, RATE, join_ms=300)[0]
    end = min(end, start + LONGEST_MS)
    whole = (end - start) // FRAME_MS * FRAME_MS
    return pcm[start * RATE // 1000 * 2 :][: whole * RATE // 1000 * 2]
