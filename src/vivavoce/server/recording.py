"""Recordings of sessions, where the operator allows them: sound and events of each, in a folder.

Nothing is recorded unless `Recordings` is there, and then only what its `RecordingPolicy` says.
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vivavoce.errors import ConfigurationError
from vivavoce.observe.base import SessionObserver
from vivavoce.observe.recorder import SessionRecorder
from vivavoce.protocol import (
    ClientEvent,
    InputAudioBufferSpeechStarted,
    OutputAudioBufferCleared,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ServerEvent,
    Unknown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["RECORD_HEADER", "RecordingPolicy", "Recordings"]

RECORD_HEADER = "x-vivavoce-record"
"""A client that sends it with the value `1` asks that its session be recorded."""

FINISH_S = 1.0
"""Seconds that the last recordings have to be completed when the server ends."""

LOOK_S = 1.0
"""How often it is looked how large a recording has grown, in seconds of its session."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordingPolicy:
    """Which sessions are recorded.

    Attributes:
        folder: where they go, one folder a day; made when it is not there, and readable to its owner only.
        sessions: `"asked"`: those whose client asks for it (`RECORD_HEADER`); `"all"`.
        keys: names of API keys whose sessions are recorded in any case.
        audio_in_events: keep audio in the events, too, so that `vivavoce replay` can say it again; makes
            files large.
        max_bytes: what all recordings may take on the disk. Beyond it nothing more is recorded, those that
            run end there, and the log says so: nothing is deleted.
    """

    folder: Path
    sessions: Literal["asked", "all"] = "asked"
    keys: tuple[str, ...] = ()
    audio_in_events: bool = False
    max_bytes: int = 10 * 1024**3

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            ConfigurationError: a value is not accepted.
        """
        if self.sessions not in {"asked", "all"}:
            raise ConfigurationError(f"recording.sessions is {self.sessions!r}; use 'asked' or 'all'")
        if self.max_bytes < 1:
            raise ConfigurationError(f"recording.max_bytes is {self.max_bytes}; it must be positive")

    def wants(self, key: str | None, headers: Mapping[str, str]) -> bool:
        """Return whether a session is to be recorded.

        Args:
            key: name of the API key it came with.
            headers: of the request, their names in lower case.
        """
        return self.sessions == "all" or key in self.keys or headers.get(RECORD_HEADER, "").strip() == "1"


class Recordings:
    """Makes recordings under one policy. Blocks while it looks into the folder: make it at the start.

    Args:
        policy: which sessions, where.

    Raises:
        ConfigurationError: the folder cannot be written.
    """

    def __init__(self, policy: RecordingPolicy) -> None:
        self._policy = policy
        self._unfinished: set[ServedRecorder] = set()
        try:
            policy.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._bytes = sum(file.stat().st_size for file in policy.folder.rglob("*.*") if file.is_file())
        except OSError as error:
            raise ConfigurationError(
                f"recording.folder {policy.folder} cannot be used: {error.strerror or error}"
            ) from error
        if not os.access(policy.folder, os.W_OK):
            raise ConfigurationError(f"recording.folder {policy.folder} cannot be written")

    def observer(
        self, session_id: str, key: str | None, headers: Mapping[str, str]
    ) -> SessionObserver | None:
        """Return what records a session, or `None` when it is not to be recorded or cannot be.

        Args:
            session_id: of the session; the files are named after it.
            key: name of the API key it came with.
            headers: of the request, their names in lower case.
        """
        if not self._policy.wants(key, headers):
            return None
        where = {"session_id": session_id}
        if self._bytes >= self._policy.max_bytes:
            _log.warning("a session is not recorded: recordings take all they may", extra=where)
            return None
        day = datetime.now(UTC).strftime("%Y-%m-%d")
        try:
            (self._policy.folder / day).mkdir(mode=0o700, exist_ok=True)
            recorder = ServedRecorder(
                self._policy.folder / day / session_id, audio=self._policy.audio_in_events, grown=self._grown
            )
        except (ConfigurationError, OSError) as error:
            _log.error("a session is not recorded", extra={**where, "detail": str(error)})
            return None
        self._unfinished = {one for one in self._unfinished if not one.finished} | {recorder}
        _log.info("a session is recorded", extra=where)
        return recorder

    def _grown(self, by: int) -> bool:
        self._bytes += by
        return self._bytes < self._policy.max_bytes

    async def aclose(self) -> None:
        """Wait a moment for recordings that are still being written; safe to call twice."""
        unfinished, self._unfinished = self._unfinished, set()
        await asyncio.gather(*(asyncio.to_thread(one.finish, FINISH_S) for one in unfinished))


class ServedRecorder(SessionObserver):
    """Records a session on the server's side, where what the agent says is known when it is sent.

    Args:
        path: of the files, without an ending.
        audio: keep audio in the events.
        grown: told by how many bytes the files have grown; says whether they may grow on.
    """

    def __init__(self, path: Path, *, audio: bool, grown: Callable[[int], bool]) -> None:
        self._recorder = SessionRecorder(path, audio=audio)
        for file in self._files():
            file.chmod(0o600)
        self._grown = grown
        self._counted = 0
        self._looked = 0.0
        self._closed = False
        self._apart: set[str] = set()

    def on_client_event(self, event: ClientEvent, now: float) -> None:
        """Record what the client sends."""
        if not self._may_go_on(now):
            return
        self._recorder.on_client_event(event, now)

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Record what the client is sent, and as sound what it plays of it."""
        if not self._may_go_on(now):
            return
        self._recorder.on_server_event(event, now)
        match event:
            case ResponseOutputAudioDelta() if event.response_id not in self._apart:
                self._recorder.heard(event.delta, now)
            case ResponseCreated() if event.response.conversation_id is None:
                self._apart.add(event.response.id)  # out of band: nobody knows whether it is played
            case ResponseDone():
                self._apart.discard(event.response.id)
            case InputAudioBufferSpeechStarted() | OutputAudioBufferCleared():
                self._recorder.interrupted(now)

    def close(self, now: float) -> None:
        """End the recording; the files are completed in the background. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._recorder.close(now)
            self._count()

    def _may_go_on(self, now: float) -> bool:
        if not self._closed and now - self._looked >= LOOK_S:
            self._looked = now
            if not self._count():
                _log.warning("a recording ends early: recordings take all they may")
                self.close(now)
        return not self._closed

    def _count(self) -> bool:
        size = self.size()
        by, self._counted = size - self._counted, size
        return self._grown(by)

    @property
    def finished(self) -> bool:
        """Whether the session has ended and the files are complete."""
        return self._recorder.finished

    def finish(self, seconds: float) -> bool:
        """End it and wait until the files are complete; return whether they are."""
        return self._recorder.wait(seconds)

    def size(self) -> int:
        """Return how many bytes the files have by now."""
        return sum(file.stat().st_size for file in self._files() if file.exists())

    def _files(self) -> tuple[Path, Path]:
        return self._recorder.wav_path, self._recorder.events_path
