"""A recording as a file of events: one JSON object in a line, `call.jsonl`.

A line is ``{"t": seconds, "from": "client" | "server" | "session", "event": {…}}``; the first says what the
file is: ``{"recording": 1, …}``. Audio is in the WAV file beside it: here it is only its length
(``"960 bytes"``), unless the recorder was asked to keep it. Keys and other secrets of hosted tools are left
out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vivavoce.errors import ConfigurationError
from vivavoce.protocol import InputAudioBufferAppend, ResponseOutputAudioDelta, Unknown
from vivavoce.protocol.base import Tagged, replace
from vivavoce.protocol.codec import to_builtins
from vivavoce.urls import shown_url

FORMAT = 1
"""Version of the file format."""

HIDDEN = "hidden"
"""What stands where a secret was."""

Sender = Literal["client", "server", "session"]
_SENDERS = ("client", "server", "session")
_SECRETS = {"authorization", "api_key"}


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event of a recording.

    Attributes:
        at: seconds since the recording began.
        sender: ``client`` and ``server`` are the two ends of the protocol; ``session`` is what the
            application was told besides.
        event: its JSON form.
    """

    at: float
    sender: Sender
    event: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The event's wire name."""
        return str(self.event.get("type", ""))


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded session.

    Attributes:
        events: in order.
        name: where it was read from.
        complete: the file ends where it should; otherwise its writer died, and the last line was left out.
    """

    events: Sequence[RecordedEvent]
    name: str = "recording"
    complete: bool = True

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return self.events[-1].at if self.events else 0.0


def event_form(event: Tagged | Unknown, *, audio: bool = False) -> dict[str, Any]:
    """Return the JSON form of an event as it stands in a recording.

    Args:
        event: of client or server.
        audio: keep audio, in base64; otherwise only its length stays.
    """
    if not audio:
        # Fifty of these a second each way: no base64 only to throw it away.
        if isinstance(event, InputAudioBufferAppend):
            size, event = len(event.audio), replace(event, audio=b"")
            return {**to_builtins(event), "audio": _length(size)}
        if isinstance(event, ResponseOutputAudioDelta):
            size, event = len(event.delta), replace(event, delta=b"")
            return {**to_builtins(event), "delta": _length(size)}
    form = dict(event.raw) if isinstance(event, Unknown) else to_builtins(event)
    cleaned: dict[str, Any] = _clean(form, keep_audio=audio)
    return cleaned


def _length(size: int) -> str:
    return f"{size} bytes"


def _clean(value: Any, *, keep_audio: bool) -> Any:
    """Return a JSON value without secrets and, where not wanted, without audio."""
    if isinstance(value, list | tuple):
        return [_clean(part, keep_audio=keep_audio) for part in value]
    if not isinstance(value, Mapping):
        return value
    cleaned = {}
    for key, part in value.items():
        if key in _SECRETS and isinstance(part, str):
            part = HIDDEN  # noqa: PLW2901
        elif key == "server_url" and isinstance(part, str):
            part = shown_url(part)  # noqa: PLW2901
        elif key == "headers" and isinstance(part, Mapping):
            part = dict.fromkeys(part, HIDDEN)  # noqa: PLW2901
        elif key == "audio" and isinstance(part, str) and not keep_audio:
            part = _length(len(part) * 3 // 4 - part[-2:].count("="))  # noqa: PLW2901
        cleaned[key] = _clean(part, keep_audio=keep_audio)
    return cleaned


def audio_length(value: object) -> int | None:
    """Return how many bytes of audio a recording left out, or ``None`` where `value` says no such thing."""
    if isinstance(value, str) and value.endswith(" bytes") and value[:-6].isdecimal():
        return int(value[:-6])
    return None


def header_line(*, started: str, wav: str) -> str:
    """Return the first line of a recording.

    Args:
        started: date and time, in ISO 8601.
        wav: name of the WAV file.
    """
    return json.dumps({"recording": FORMAT, "started": started, "wav": wav}) + "\n"


def event_line(at: float, sender: Sender, event: Mapping[str, Any]) -> str:
    """Return one line of a recording."""
    return json.dumps({"t": round(at, 4), "from": sender, "event": event}, ensure_ascii=False) + "\n"


def read_recording(path: str | Path) -> Recording:
    """Read the events of a recording.

    Args:
        path: the ``.jsonl`` file.

    Raises:
        ConfigurationError: it cannot be read or is no recording; the message says which line and why.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = (
            "it is not UTF-8 text; the events of a recording are in its .jsonl file"
            if isinstance(error, UnicodeDecodeError)
            else error.strerror
        )
        raise ConfigurationError(f"{path}: cannot be read: {reason}") from error
    complete = text.endswith("\n")
    lines = text.split("\n")
    events = tuple(_events(str(path), lines if complete else lines[:-1]))
    if not events:
        raise ConfigurationError(
            f"{path}: there is no event in it; expected a recording, one event in a line"
        )
    return Recording(events, str(path), complete)


def _events(path: str, lines: Sequence[str]) -> Iterator[RecordedEvent]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                raw = json.loads(line)
            except ValueError as error:
                raise ConfigurationError(f"{path}, line {number}: no JSON: {error}") from error
            event = _event(f"{path}, line {number}", raw)
            if event is not None:
                yield event


def _event(place: str, raw: Any) -> RecordedEvent | None:
    """Return the event in a line, or ``None`` for the line that says what the file is."""
    if isinstance(raw, dict) and "recording" in raw:
        if raw["recording"] != FORMAT:
            raise ConfigurationError(
                f"{place}: a recording of format {raw['recording']!r}; this version reads {FORMAT}"
            )
        return None
    if not isinstance(raw, dict) or not isinstance(raw.get("event"), dict):
        raise ConfigurationError(f"{place}: no event of a recording; expected t, from and event")
    at, sender, event = raw.get("t"), raw.get("from"), raw["event"]
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise ConfigurationError(f"{place}: 't' is {at!r}; it must be a time in seconds")
    if sender not in _SENDERS:
        raise ConfigurationError(f"{place}: 'from' is {sender!r}; it must be one of {', '.join(_SENDERS)}")
    if not isinstance(event.get("type"), str):
        raise ConfigurationError(f"{place}: the event has no 'type'")
    return RecordedEvent(float(at), sender, event)
