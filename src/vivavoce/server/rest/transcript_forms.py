"""The forms in which a transcription is answered: JSON, text, subtitles."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vivavoce.engines.base import Transcript
    from vivavoce.server.rest.segments import Segment

__all__ = ["MEDIA_TYPES", "Transcription", "written"]

MEDIA_TYPES = {
    "json": "application/json",
    "verbose_json": "application/json",
    "text": "text/plain",
    "srt": "text/plain",
    "vtt": "text/vtt",
}
"""The values of `response_format`."""


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard in a recording.

    Attributes:
        seconds: its length.
        parts: its segments and what was heard in each.
    """

    seconds: float
    parts: Sequence[tuple[Segment, Transcript]]

    @property
    def text(self) -> str:
        """All words."""
        return " ".join(heard.text.strip() for _, heard in self.parts if heard.text.strip())

    @property
    def language(self) -> str:
        """The language that the engine heard first; empty when it heard none."""
        return next((heard.language for _, heard in self.parts if heard.language), "")

    @property
    def usage(self) -> dict[str, Any]:
        """What it costs: the API counts begun seconds."""
        return {"type": "duration", "seconds": math.ceil(self.seconds)}

    @property
    def logprobs(self) -> list[dict[str, Any]]:
        """How sure the engine was of each token."""
        return [
            {"token": token.token, "logprob": token.logprob, "bytes": list(token.bytes)}
            for _, heard in self.parts
            for token in heard.logprobs
        ]


def written(heard: Transcription, form: str, *, logprobs: bool = False) -> str:
    """Return a transcription in one of the forms of `MEDIA_TYPES`.

    Args:
        heard: what was heard.
        form: which form.
        logprobs: whether JSON says how sure the engine was.
    """
    if form == "text":
        return heard.text + "\n"
    if form == "srt":
        return _subtitles(heard, ",", numbered=True)
    if form == "vtt":
        return "WEBVTT\n\n" + _subtitles(heard, ".", numbered=False)
    if form == "verbose_json":
        return json.dumps(_verbose(heard), ensure_ascii=False)
    plain: dict[str, Any] = {"text": heard.text, "usage": heard.usage}
    if logprobs:
        plain["logprobs"] = heard.logprobs
    return json.dumps(plain, ensure_ascii=False)


def _verbose(heard: Transcription) -> dict[str, Any]:
    return {
        "task": "transcribe",
        "language": heard.language,
        "duration": round(heard.seconds, 3),
        "text": heard.text,
        "segments": [_segment(index, *part) for index, part in enumerate(heard.parts)],
        "usage": heard.usage,
    }


def _segment(index: int, segment: Segment, heard: Transcript) -> dict[str, Any]:
    sure = [token.logprob for token in heard.logprobs]
    data = heard.text.encode()
    return {
        "id": index,
        "seek": round(segment.start * 100),  # Whisper's frames of 10 ms
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": heard.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": sum(sure) / len(sure) if sure else 0.0,
        "compression_ratio": len(data) / len(zlib.compress(data)),
        "no_speech_prob": round(segment.no_speech, 3),
    }


def _subtitles(heard: Transcription, mark: str, *, numbered: bool) -> str:
    cues: list[str] = []
    for segment, transcript in heard.parts:
        if text := transcript.text.strip():
            times = f"{_clock(segment.start, mark)} --> {_clock(segment.end, mark)}"
            number = f"{len(cues) + 1}\n" if numbered else ""
            cues.append(f"{number}{times}\n{text}\n\n")
    return "".join(cues)


def _clock(seconds: float, mark: str) -> str:
    whole, ms = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{mark}{ms:03}"
