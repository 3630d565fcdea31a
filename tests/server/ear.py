"""Somebody who listens to a `PlayedOutput`: what a session says, and what came of it, in few words."""

from __future__ import annotations

from typing import Any

from vivavoce.protocol import (
    AudioFormat,
    AudioInput,
    AudioOutput,
    AudioPart,
    InputAudioBufferSpeechStarted,
    PcmFormat,
    RealtimeSession,
    Response,
    ResponseAudio,
    ResponseAudioOutput,
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ServerEvent,
    ServerVad,
    SessionAudio,
    SessionCreated,
    SessionUpdated,
    TextPart,
)
from vivavoce.server.played_output import PlayedOutput

SHOWN = {
    "output_audio_buffer.started": "started",
    "output_audio_buffer.stopped": "stopped",
    "output_audio_buffer.cleared": "cleared",
    "input_audio_buffer.speech_started": "speech",
    "response.done": "done",
    "error": "error",
}


def sound(ms: float, level: int = 1000) -> bytes:
    """PCM16 at 24 kHz, every sample the same."""
    return level.to_bytes(2, "little") * round(ms * 24)


def created(response: str, *, beside: bool = False, fmt: AudioFormat | None = None) -> ServerEvent:
    audio = ResponseAudio(output=ResponseAudioOutput(format=fmt)) if fmt is not None else ResponseAudio()
    conversation = None if beside else "conv"
    shown = Response(id=response, status="in_progress", conversation_id=conversation, audio=audio)
    return ResponseCreated(event_id="e", response=shown)


def _where(response: str, item: str) -> dict[str, Any]:
    return {
        "event_id": "e",
        "response_id": response,
        "item_id": item,
        "output_index": 0,
        "content_index": 0,
    }


def part(response: str, item: str, *, spoken: bool = True) -> ServerEvent:
    shown = AudioPart(transcript="") if spoken else TextPart(text="")
    return ResponseContentPartAdded(**_where(response, item), part=shown)


def audio(response: str, item: str, ms: float | bytes) -> ServerEvent:
    pcm = ms if isinstance(ms, bytes) else sound(ms)
    return ResponseOutputAudioDelta(**_where(response, item), delta=pcm)


def audio_done(response: str, item: str) -> ServerEvent:
    return ResponseOutputAudioDone(**_where(response, item))


def done(response: str, *, beside: bool = False) -> ServerEvent:
    conversation = None if beside else "conv"
    shown = Response(id=response, status="completed", conversation_id=conversation)
    return ResponseDone(event_id="e", response=shown)


def speech() -> ServerEvent:
    return InputAudioBufferSpeechStarted(event_id="e", item_id="u", audio_start_ms=0)


def updated(
    *,
    detection: ServerVad | None = None,
    fmt_in: AudioFormat | None = None,
    fmt_out: AudioFormat | None = None,
) -> ServerEvent:
    """The whole session, as `session.updated` shows it."""
    listening = AudioInput(format=fmt_in or PcmFormat(), turn_detection=detection)
    speaking = AudioOutput(format=fmt_out or PcmFormat())
    session = RealtimeSession(audio=SessionAudio(input=listening, output=speaking))
    return SessionUpdated(event_id="e", session=session)


def opened() -> ServerEvent:
    return SessionCreated(event_id="e", session=RealtimeSession())


def speaking(ms: float, response: str = "r1", item: str = "a1") -> list[ServerEvent]:
    """A response that has said so much and goes on."""
    return [created(response), part(response, item), audio(response, item, ms)]


def spoken(ms: float, response: str = "r1", item: str = "a1") -> list[ServerEvent]:
    """A response that has said so much, and that is all."""
    return [*speaking(ms, response, item), audio_done(response, item), done(response)]


class Ear:
    """Feeds one `PlayedOutput` and notes, in order, what it said and what it had the session told.

    Attributes:
        log: `"started r1"`, `"truncate a1 40"` …
        heard: what was played, frame by frame.
    """

    def __init__(self) -> None:
        self._count = 0
        self.output = PlayedOutput(self._new_id)
        self.log: list[str] = []
        self.passed: list[ServerEvent] = []
        self.told: list[str] = []
        self.heard: list[bytes] = []

    def _new_id(self) -> str:
        self._count += 1
        return f"event_{self._count}"

    def say(self, *events: ServerEvent) -> list[str]:
        """Take what a session says in one go; return what came of it."""
        for event in events:
            self.output.receive(event)
        return self.note()

    def pull(self, ms: int = 20) -> list[str]:
        """Play for so long; return what came of it."""
        before = len(self.log)
        for _ in range(ms // 20):
            self.heard.append(self.output.pull())
            self.note()
        return self.log[before:]

    def clear(self) -> list[str]:
        self.output.clear()
        return self.note()

    def note(self) -> list[str]:
        news: list[str] = []
        for event in self.output.events_to_send():
            self.passed.append(event)
            if event.type in SHOWN:
                response = getattr(event, "response", None)
                name = response.id if response is not None else getattr(event, "response_id", "")
                news.append(f"{SHOWN[event.type]} {name}".strip())
        for truncation in self.output.truncations():
            self.told.append(str(truncation.event_id))
            news.append(f"truncate {truncation.item_id} {truncation.audio_end_ms}")
        self.log += news
        return news

    @property
    def heard_ms(self) -> float:
        """How much that was not silent was played."""
        return len(b"".join(self.heard).replace(b"\x00\x00", b"")) / 48
