"""`SessionRecorder`: a session as a stereo WAV file and a file of its events."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vivavoce.errors import ConfigurationError
from vivavoce.observe.base import SessionObserver
from vivavoce.observe.recording_work import RecordingWork
from vivavoce.observe.writer import WriterThread
from vivavoce.protocol import (
    ClientEvent,
    InputAudioBufferAppend,
    ResponseOutputAudioDelta,
    ServerEvent,
    Unknown,
)

if TYPE_CHECKING:
    from types import TracebackType

logger = logging.getLogger(__name__)

FINISH_S = 5.0
"""Seconds that a recording may take to be written when its session has ended."""


class SessionRecorder(SessionObserver):
    """Records one session: ``call.wav`` (left the person, right the agent) and ``call.jsonl`` (every event).

    The agent's side is what was heard: speech plays at the speed of time from its arrival on, and an
    interruption ends it at that moment. The rate is that of the session's audio: 8 kHz when both sides speak
    G.711, otherwise 24 kHz.

    Files are written by a thread; the event loop never waits. Should the disk be too slow, audio is dropped
    first (silence takes its place) and then events; both are counted. The files can be read at any time, also
    when the program died: the last second may then be missing. Files of the same name are replaced.

    A recording ends with its session. ``with`` or ``async with`` waits until the files are complete.

    Args:
        path: of the files, with or without an ending: ``calls/today`` makes ``calls/today.wav`` and
            ``calls/today.jsonl``. Folders are made.
        audio: keep audio in the events too, so that `vivavoce replay` has it; makes the file large.
        unheard: keep also what the agent had still to say when the session ended.

    Attributes:
        wav_path: the WAV file.
        events_path: the events.

    Raises:
        ConfigurationError: the files cannot be written.
    """

    def __init__(self, path: str | Path, *, audio: bool = False, unheard: bool = False) -> None:
        path = Path(path)
        base = path.with_suffix("") if path.suffix in {".wav", ".jsonl"} else path
        self.wav_path = base.with_name(f"{base.name}.wav")
        self.events_path = base.with_name(f"{base.name}.jsonl")
        started = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            self.wav_path.parent.mkdir(parents=True, exist_ok=True)
            work = RecordingWork(
                self.wav_path, self.events_path, started=started, keep_audio=audio, keep_unheard=unheard
            )
        except OSError as error:
            raise ConfigurationError(
                f"cannot record to {error.filename or base}: {error.strerror or error}; choose another path"
            ) from error
        self._work = work
        self._thread = WriterThread(work, name=f"recorder {base.name}")
        self._began: float | None = None
        self._last = 0.0
        self._closed = False

    # --- what it lost ---------------------------------------------------------------------------------------

    @property
    def dropped_audio(self) -> int:
        """Pieces of audio that were dropped, because the disk was too slow or the WAV file was full."""
        return self._thread.dropped_audio + self._work.dropped_audio

    @property
    def dropped_events(self) -> int:
        """Other events that were dropped, because the disk was too slow."""
        return self._thread.dropped_events

    @property
    def finished(self) -> bool:
        """Whether the session has ended and the files are complete."""
        return self._closed and self._thread.join(0)

    @property
    def error(self) -> Exception | None:
        """What ended the recording before its session, or ``None``."""
        return self._thread.error

    # --- what happens ---------------------------------------------------------------------------------------

    def on_client_event(self, event: ClientEvent, now: float) -> None:
        """Record an event of ours; the person's speech among them."""
        audio = len(event.audio) if isinstance(event, InputAudioBufferAppend) else 0
        self._put("client", event, now, audio)

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Record an event of the model."""
        audio = len(event.delta) if isinstance(event, ResponseOutputAudioDelta) else 0
        self._put("server", event, now, audio)

    def on_session_event(self, event: Any, now: float) -> None:
        """Record what the application is told: the agent's speech, tools, handoffs, interruptions."""
        kind = str(event.type)
        if kind == "audio":
            self.heard(event.audio.data, now)
        elif kind in _TOLD:
            self._put("session", {"type": kind, **_told(event, _TOLD[kind])}, now)

    def heard(self, audio: bytes, now: float) -> None:
        """Record speech of the agent, in the format of the session's output; it plays from now on."""
        self._put("audio", audio, now, len(audio))

    def interrupted(self, now: float) -> None:
        """Record that nothing more is heard of what the agent has said so far."""
        self._put("session", {"type": "audio_interrupted"}, now)

    def close(self, now: float) -> None:
        """End the recording; the files are completed in the background."""
        if not self._closed:
            self._closed = True
            self._thread.end(("end", None, self._offset(now)))

    def _offset(self, now: float) -> float:
        if self._began is None:
            self._began = now
        self._last = max(self._last, now - self._began)
        return self._last

    def _put(self, sender: str, event: Any, now: float, audio: int = 0) -> None:
        if not self._closed:
            self._thread.put((sender, event, self._offset(now)), audio)

    # --- the end --------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.wait)

    def wait(self, timeout: float = FINISH_S) -> bool:
        """End the recording, if its session has not, and wait until the files are complete.

        Args:
            timeout: longest wait, in seconds.

        Returns:
            Whether they are; `error` says what went wrong.
        """
        if not self._closed:
            self._closed = True
            self._thread.end()
        done = self._thread.join(timeout)
        if not done:
            logger.warning("A recording was not finished in time", extra={"path": str(self.wav_path)})
        return done and self.error is None


_TOLD = {
    "agent_start": ("agent", "response_id"),
    "agent_end": ("agent", "response_id", "status", "output"),
    "audio_interrupted": ("item_id", "content_index", "heard_ms"),
    "connection_lost": ("error",),
    "connection_status": ("status",),
    "error": ("error",),
    "guardrail_tripped": ("item_id", "response_id", "message"),
    "handoff": ("from_agent", "to_agent"),
    "input_guardrail_tripped": ("item_id", "message"),
    "playback_ended": ("item_id",),
    "reconnected": ("attempt",),
    "reconnecting": ("attempt", "delay_s"),
    "tool_approval_required": ("agent", "tool", "call_id", "arguments"),
    "tool_end": ("agent", "tool", "call_id", "arguments", "output"),
    "tool_start": ("agent", "tool", "call_id", "arguments"),
}
"""Type of a session event -> fields that are recorded. What the server's events say already is not here."""


def _told(event: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return fields of a session event as JSON values: agents and tools by name, the rest as text."""
    told = {}
    for name in names:
        value = getattr(event, name, None)
        if value is not None:
            plain = isinstance(value, str | int | float | bool)
            told[name] = value if plain else str(getattr(value, "name", value))
    return told
