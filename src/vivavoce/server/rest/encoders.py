"""Speech as a file: raw, WAV, and where PyAV is installed MP3, Opus, AAC and FLAC; each can be streamed."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

__all__ = ["FORMATS", "RATE", "Encoder", "SpeechFormat", "default_format", "encoder_for"]

RATE = 24000
"""Samples a second of all speech that is sent."""

_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class SpeechFormat:
    """A format of audio files.

    Attributes:
        media_type: for the header `content-type`.
        codec: PyAV's name of the encoder; empty where none is needed.
        container: PyAV's name of the file's form.
    """

    media_type: str
    codec: str = ""
    container: str = ""


FORMATS: Mapping[str, SpeechFormat] = {
    "mp3": SpeechFormat("audio/mpeg", "libmp3lame", "mp3"),
    "opus": SpeechFormat("audio/ogg", "libopus", "ogg"),
    "aac": SpeechFormat("audio/aac", "aac", "adts"),
    "flac": SpeechFormat("audio/flac", "flac", "flac"),
    "wav": SpeechFormat("audio/wav"),
    "pcm": SpeechFormat("audio/pcm"),
}
"""The values of `response_format`."""


class Encoder(Protocol):
    """Turns speech into the bytes of a file, piece by piece."""

    def encode(self, pcm: bytes) -> bytes:
        """Return the bytes that follow from more PCM16 at `RATE`; the first call's begin the file."""
        ...

    def finish(self) -> bytes:
        """Return the end of the file."""
        ...


def default_format() -> str:
    """Return the format of whoever names none: `mp3` as in the hosted API, or `wav` without PyAV."""
    return "mp3" if find_spec("av") else "wav"


def encoder_for(name: str) -> Encoder | None:
    """Return an encoder of a format in `FORMATS`, or `None` when PyAV would be needed and is not there."""
    if name == "pcm":
        return _Raw(b"")
    if name == "wav":
        return _Raw(_wav_header())
    return _File(FORMATS[name]) if find_spec("av") else None


class _Raw:
    """Samples as they are, after a header."""

    def __init__(self, header: bytes) -> None:
        self._header = header

    def encode(self, pcm: bytes) -> bytes:
        begun, self._header = self._header, b""
        return begun + pcm

    def finish(self) -> bytes:
        return b""


class _Sink(io.RawIOBase):
    """What a container writes to: nothing that was written can be gone back to."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.written += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self.written)
        self.written.clear()
        return data


class _File:
    def __init__(self, form: SpeechFormat) -> None:
        import av

        self._sink = _Sink()
        # Ogg would keep a second of speech back before it writes a page.
        options = {"page_duration": "100000"} if form.container == "ogg" else {}
        self._container: OutputContainer = av.open(self._sink, "w", format=form.container, options=options)
        # Opus knows no 24 kHz in its Ogg form; PyAV converts what it is given to the stream's rate.
        rate = 48000 if form.codec == "libopus" else RATE
        stream = self._container.add_stream(form.codec, rate=rate, layout="mono")
        self._stream = cast("AudioStream", stream)
        self._samples = 0

    def encode(self, pcm: bytes) -> bytes:
        import av
        import numpy as np

        if pcm:
            samples = np.frombuffer(pcm, np.dtype("<i2")).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = RATE
            frame.pts = self._samples
            self._samples += samples.shape[1]
            self._container.mux(self._stream.encode(frame))
        return self._sink.take()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._sink.take()


def _wav_header() -> bytes:
    """Return the header of a WAV file whose length is not known yet."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16)
    head = struct.pack("<4sI4s", b"RIFF", _UNKNOWN, b"WAVE")
    return head + form + struct.pack("<4sI", b"data", _UNKNOWN)
