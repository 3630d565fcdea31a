"""What the thread of a recorder does: sorts, mixes and writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vivavoce.audio.g711 import decode_alaw, decode_ulaw
from vivavoce.audio.resample import Resampler
from vivavoce.observe.recording import event_form, event_line, header_line
from vivavoce.observe.tracks import TwoTracks
from vivavoce.observe.wav_file import GrowingWav
from vivavoce.protocol import (
    AudioFormat,
    InputAudioBufferAppend,
    PcmaFormat,
    PcmFormat,
    PcmuFormat,
    RealtimeSession,
    SessionCreated,
    SessionUpdated,
    UnsetType,
    present,
)

STEP_S = 0.5
"""Audio is written when there is this much of it, in seconds."""
MOST_S = 60.0
"""Audio that is written at once."""


class RecordingWork:
    """Writes the two files of a recording.

    Entries are ``(kind, what, at)``: ``client``, ``server`` and ``session`` events, ``audio`` of the agent as
    it was delivered, and the ``end``, which only tells the time; `at` in seconds since the beginning, never
    falling.

    Args:
        wav_path: the WAV file.
        events_path: the events.
        started: date and time, for the first line.
        keep_audio: audio stays in the events.
        keep_unheard: what the agent had still to say at the end is kept.

    Attributes:
        dropped_audio: pieces for which there was no room.

    Raises:
        OSError: a file cannot be opened.
    """

    def __init__(
        self, wav_path: Path, events_path: Path, *, started: str, keep_audio: bool, keep_unheard: bool
    ) -> None:
        self.dropped_audio = 0
        self._keep_audio = keep_audio
        self._keep_unheard = keep_unheard
        self._heard, self._spoken = Voice(), Voice()
        self._tracks: TwoTracks | None = None
        self._at = 0.0
        self._written = 0.0
        self._wav_file = wav_path.open("wb")
        try:
            self._events_file = events_path.open("w", encoding="utf-8", errors="replace")
        except OSError:
            self._wav_file.close()
            raise
        self._events_file.write(header_line(started=started, wav=wav_path.name))
        self._events_file.flush()
        self._wav = self._open_wav()

    def do(self, entries: list[tuple[Any, ...]]) -> None:
        """Write a batch.

        Raises:
            OSError: the disk refuses.
        """
        for kind, what, self._at in entries:
            if kind == "audio":
                self._agent_said(what)
            elif kind == "session":
                if what["type"] == "audio_interrupted":
                    self._interrupted()
                self._events_file.write(event_line(self._at, "session", what))
            elif kind != "end":
                self._listen(what)
                self._events_file.write(event_line(self._at, kind, event_form(what, audio=self._keep_audio)))
        self._events_file.flush()
        if self._at - self._written >= STEP_S:
            self._write_sound()

    def finish(self) -> None:
        """Write the rest and close the files.

        Raises:
            OSError: the disk refuses.
        """
        with self._wav_file, self._events_file:
            if self._tracks is None:
                return
            self._write_sound()
            if not self._keep_unheard:
                self._tracks.interrupt(self._at)
            self._write(self._tracks.finish(self._at))

    # --- sound ----------------------------------------------------------------------------------------------

    def _listen(self, event: Any) -> None:
        """Look for the person's speech, and for what the audio is."""
        if isinstance(event, InputAudioBufferAppend):
            tracks = self._open()
            tracks.person(self._heard.process(event.audio, tracks.rate), self._at)
            self._count(tracks)
        elif isinstance(event, SessionCreated | SessionUpdated) and isinstance(
            event.session, RealtimeSession
        ):
            audio = present(event.session.audio, None)
            listening = present(audio.input, None) if audio is not None else None
            speaking = present(audio.output, None) if audio is not None else None
            self._heard.set_format(listening.format if listening is not None else None)
            self._spoken.set_format(speaking.format if speaking is not None else None)

    def _agent_said(self, data: bytes) -> None:
        tracks = self._open()
        tracks.agent(self._spoken.process(data, tracks.rate), self._at)
        self._count(tracks)

    def _interrupted(self) -> None:
        self._spoken.begin_anew()
        if self._tracks is not None:
            self._tracks.interrupt(self._at)

    def _write_sound(self) -> None:
        """Write what can no longer change; a long silence, of which nobody said anything, piece by piece."""
        while self._tracks is not None and self._written < self._at:
            self._written = min(self._at, self._written + MOST_S)
            self._write(self._tracks.take(self._written))

    def _open(self) -> TwoTracks:
        if self._tracks is None:
            # No sound was written yet: begin again, at the rate that is known by now.
            self._wav = self._open_wav()
            self._tracks = TwoTracks(max(self._heard.rate, self._spoken.rate))
        return self._tracks

    def _open_wav(self) -> GrowingWav:
        return GrowingWav(self._wav_file, max(self._heard.rate, self._spoken.rate), channels=2)

    def _count(self, tracks: TwoTracks) -> None:
        if tracks.dropped_samples:
            self.dropped_audio += 1
            tracks.dropped_samples = 0

    def _write(self, stereo: bytes) -> None:
        if self._wav.write(stereo):
            self.dropped_audio += 1


class Voice:
    """One side's audio on its way from the wire to PCM16 at the rate of a recording."""

    def __init__(self) -> None:
        self._format: AudioFormat = PcmFormat()
        self._resampler: Resampler | None = None

    @property
    def rate(self) -> int:
        """Samples per second on the wire."""
        return self._format.sample_rate

    def set_format(self, audio_format: AudioFormat | UnsetType | None) -> None:
        """Say what the audio is from now on; nothing said, nothing changed."""
        if audio_format is None or isinstance(audio_format, UnsetType) or audio_format == self._format:
            return
        self._format = audio_format
        self._resampler = None

    def process(self, audio: bytes, rate: int) -> bytes:
        """Return audio as PCM16; half a sample waits for its other half."""
        if self._resampler is None:
            self._resampler = Resampler(self.rate, rate)
        decode = _DECODERS.get(type(self._format))
        return self._resampler.process(audio if decode is None else decode(audio))

    def begin_anew(self) -> None:
        """Forget what is left of the last piece."""
        if self._resampler is not None:
            self._resampler.reset()


_DECODERS: dict[type, Callable[[bytes], bytes]] = {PcmuFormat: decode_ulaw, PcmaFormat: decode_alaw}
