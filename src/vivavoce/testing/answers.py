"""What a test lets a model say or a user do, in words; `server_side` makes sequences of events of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from vivavoce.engines.scripted import Pause
from vivavoce.testing.tones import WORD_MS

__all__ = [
    "Answer",
    "Failure",
    "Pause",
    "Spoken",
    "ToolCall",
    "UserTurn",
    "Written",
    "failed",
    "one_response",
    "spoken",
    "tool_call",
    "user_says",
    "written",
]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A spoken message.

    Attributes:
        text: its words.
        audio_ms: length of its audio.
        pace: seconds that one second of it takes to arrive: 0 is all at once, 1 as fast as it is spoken.
    """

    text: str
    audio_ms: int
    pace: float = 0.0


@dataclass(frozen=True, slots=True)
class Written:
    """A written message."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a function.

    Attributes:
        name: of the function.
        arguments: a JSON text; it may be a bad one.
        call_id: joins the call to its output; ``None`` lets the model choose.
    """

    name: str
    arguments: str
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The end of a response that fails."""

    message: str


Part: TypeAlias = Spoken | Written | ToolCall | Failure | Pause


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole response, from `response.created` to `response.done`.

    Attributes:
        parts: its items, in order; a `Pause` is time in which the model thinks.
    """

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class UserTurn:
    """One whole turn of the user, from `speech_started` to its transcript.

    Attributes:
        text: the transcript.
        audio_ms: length of the speech.
        pace: seconds that one second of it takes: 0 is none, 1 as long as it takes to say.
    """

    text: str
    audio_ms: int
    pace: float = 0.0


def _length(text: str, audio_ms: int | None) -> int:
    return len(text.split()) * WORD_MS if audio_ms is None else audio_ms


def spoken(text: str, *, audio_ms: int | None = None, pace: float = 0.0) -> Answer:
    """Return a response that says something.

    Args:
        text: its words.
        audio_ms: length of its audio; by default 300 for each word.
        pace: seconds that one second of it takes to arrive: 0 is all at once, 1 as fast as it is spoken.
    """
    return Answer((Spoken(text, _length(text, audio_ms), pace),))


def written(text: str) -> Answer:
    """Return a response that writes something."""
    return Answer((Written(text),))


def tool_call(name: str, arguments: Mapping[str, Any] | str = "{}", *, call_id: str | None = None) -> Answer:
    """Return a response that calls a function, or hands off: ``tool_call("transfer_to_billing")``.

    Args:
        name: of the function.
        arguments: a dictionary; or the text that the model sends, which may be no JSON.
        call_id: joins the call to its output; ``None`` lets the model choose.
    """
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Answer((ToolCall(name, text, call_id),))


def failed(message: str = "The model failed.") -> Answer:
    """Return a response that fails."""
    return Answer((Failure(message),))


def one_response(*answers: Answer | Pause | str) -> Answer:
    """Return the items of several answers as one response: parallel calls, a remark before a call.

    Args:
        answers: as they would be alone; a text is spoken, in a pause the model thinks.
    """
    parts: list[Part] = []
    for answer in answers:
        if isinstance(answer, Pause):
            parts.append(answer)
        else:
            parts += (spoken(answer) if isinstance(answer, str) else answer).parts
    return Answer(tuple(parts))


def user_says(text: str, *, audio_ms: int | None = None, pace: float = 0.0) -> UserTurn:
    """Return a turn of the user, as a server reports it that hears somebody speak.

    Args:
        text: the transcript.
        audio_ms: length of the speech; by default 300 for each word.
        pace: seconds that one second of it takes: 0 is none, 1 as long as it takes to say.
    """
    return UserTurn(text, _length(text, audio_ms), pace)
