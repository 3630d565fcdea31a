"""What a page has recorded: when who was heard, and what was said."""

from __future__ import annotations

import base64
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from vivavoce.audio.levels import voiced_spans
from vivavoce.engines.base import TranscriptionOptions
from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber

EDGE_MS = 250
"""Silence before and after what is transcribed."""

Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Track:
    """One voice: PCM16, mono."""

    pcm: bytes
    rate: int

    def spans(self, threshold_dbfs: float = -40.0, join_ms: int = 500) -> Spans:
        """Where it is heard, as (start, end) in ms. Frames of 10 ms; gaps below `join_ms` do not count."""
        return voiced_spans(self.pcm, self.rate, threshold_dbfs, frame_ms=10, join_ms=join_ms)

    def between(self, start_ms: float, end_ms: float) -> Track:
        """A part of it."""
        begin, end = (max(0, round(ms * self.rate / 1000)) * 2 for ms in (start_ms, end_ms))
        return Track(self.pcm[begin:end], self.rate)

    async def heard(self) -> str:
        """What pocketsphinx hears; of long silences, which cost it as much as words, it is spared most."""
        transcriber = PocketsphinxTranscriber(workers=1)
        voiced = (
            self.between(start - EDGE_MS, end + EDGE_MS) for start, end in self.spans(join_ms=4 * EDGE_MS)
        )
        samples = np.frombuffer(b"".join(part.pcm for part in voiced), "<i2")
        speech = soxr.resample(samples, self.rate, transcriber.sample_rate).astype("<i2").tobytes()
        try:
            stream = transcriber.open(TranscriptionOptions(), lambda _text: None)
            stream.feed(speech + bytes(transcriber.sample_rate))
            return (await stream.finish()).text
        finally:
            await transcriber.aclose()


@dataclass(frozen=True)
class Tape:
    """What a page recorded: two voices on one clock."""

    microphone: Track
    agent: Track

    def write(self, path: Path) -> None:
        """Write it as a WAV file, the microphone left, the agent right."""
        both = np.stack([np.frombuffer(track.pcm, "<i2") for track in (self.microphone, self.agent)], axis=1)
        with wave.open(str(path), "wb") as recording:
            recording.setnchannels(2)
            recording.setsampwidth(2)
            recording.setframerate(self.agent.rate)
            recording.writeframes(both.tobytes())


def tape(base64_pcm: str, rate: int = 48_000) -> Tape:
    """Take the recording of `page/instruments.js` apart."""
    both: NDArray[np.int16] = np.frombuffer(base64.b64decode(base64_pcm), "<i2").reshape(-1, 2)
    left, right = (Track(both[:, channel].tobytes(), rate) for channel in (0, 1))
    return Tape(left, right)
