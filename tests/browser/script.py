"""What the person at the microphone says, and when: one recording, which each page hears anew."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterable
from pathlib import Path

QUESTION = "What can you do?"
WISH = "Please tell me a story."
INTERRUPTION = "Stop. What is the weather like today?"

SCRIPT: tuple[str | float, ...] = (1.0, QUESTION, 9.0, WISH, 7.5, INTERRUPTION, 5.0)
"""Seconds of silence, and sentences. Each answer has time to be heard, on a busy machine, too,
but for the story, which is cut off."""

RATE = 24_000


def write_script(
    path: Path, speak: Callable[..., Path], parts: Iterable[str | float] = SCRIPT, voice: str = "rms"
) -> Path:
    """Write the recording: PCM16 mono at 24 kHz.

    Args:
        path: of the WAV file.
        speak: makes a WAV file of a text, as the fixture `speech_clip` does.
        parts: seconds of silence, and sentences.
        voice: whose.
    """
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE)
        for part in parts:
            if isinstance(part, str):
                with wave.open(str(speak(part, voice))) as clip:
                    recording.writeframes(clip.readframes(clip.getnframes()))
            else:
                recording.writeframes(bytes(2 * round(part * RATE)))
    return path
