"""What settings are called: flat or nested, in snake_case or camelCase, of today or of the beta.

Every name ends at one place in the session of the Realtime API. Which values are accepted there is not said
here; `settings_check` asks the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vivavoce.connections.spelling import snake
from vivavoce.errors import ConfigurationError

FREE = frozenset(
    {
        *("tools", "handoffs", "provider_data", "tracing.metadata", "prompt.variables"),
        *("model_settings", "config", "trace_metadata", "history"),
    }
)
"""Settings whose insides are the user's own, or are read on their own: no key in them is respelled here."""
OTHER_KEYS = ("model_name", "tools", "handoffs", "audio", "provider_data")
REMOVED = {"temperature": "the Realtime API no longer has it"}

_INDEX = re.compile(r"\[\d+\]")
_FORMATS = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "pcm": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
    "audio/pcm": {"type": "audio/pcm", "rate": 24000},
    "audio/pcmu": {"type": "audio/pcmu"},
    "audio/pcma": {"type": "audio/pcma"},
}


@dataclass(frozen=True, slots=True)
class Spelled:
    """Settings with every key in snake_case, and how the user wrote them.

    Attributes:
        path: where the settings stand, for messages.
        values: the settings.
        names: dotted path in snake_case -> last key of it as the user wrote it, where the two differ.
    """

    path: str
    values: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict)

    def where(self, inner: str) -> str:
        """Return a path within the settings, such as ``"turn_detection.type"``, in the user's spelling."""
        steps, walked = [self.path], ""
        for step in inner.split("."):
            walked = f"{walked}.{step}" if walked else step
            bare = _INDEX.sub("", step)
            written = self.names.get(_INDEX.sub("", walked))
            steps.append(written + step[len(bare) :] if written is not None else step)
        return ".".join(steps)


def spell(settings: object, path: str) -> Spelled:
    """Return settings with their keys in snake_case.

    Args:
        settings: as the user wrote them; pydantic models of the official client count as their fields.
        path: where they stand, for messages.

    Raises:
        ConfigurationError: they are no dictionary, or a key is there in both spellings.
    """
    settings = _plain(settings)
    if not isinstance(settings, Mapping):
        raise ConfigurationError(f"{path} must be a dictionary, got {settings!r}")
    names: dict[str, str] = {}
    return Spelled(path, _spell(settings, path, "", names), names)


def _spell(settings: Mapping[Any, Any], path: str, inner: str, names: dict[str, str]) -> dict[str, Any]:
    spelled: dict[str, Any] = {}
    for written, given in settings.items():
        value = _plain(given)
        name = snake(written) if isinstance(written, str) else written
        where = f"{inner}.{name}" if inner else str(name)
        if name in spelled:
            raise ConfigurationError(f"{path} has both {names.get(where, name)!r} and {written!r}; keep one")
        if name != written:
            names[where] = written
        free = where in FREE or not isinstance(value, Mapping)
        spelled[name] = value if free else _spell(value, f"{path}.{written}", where, names)
    return spelled


def _plain(value: Any) -> Any:
    """Accept the official client's own types, which are pydantic models, for the dictionaries they are."""
    dump = getattr(value, "model_dump", None)
    return dump(exclude_unset=True) if callable(dump) and not isinstance(value, type) else value


# --- where each key goes ------------------------------------------------------------------------------------


def _same(value: object, _path: str) -> object:
    return value


def _modalities(value: object, _path: str) -> object:
    """Accept the beta's pair, which meant audio with its transcript, as audio always is."""
    if isinstance(value, Sequence) and not isinstance(value, str) and set(value) == {"text", "audio"}:
        return ["audio"]
    return value


def _format(value: object, path: str) -> object:
    if isinstance(value, str):
        if value not in _FORMATS:
            accepted = ", ".join(repr(name) for name in _FORMATS)
            raise ConfigurationError(f"{path}: {value!r} is not accepted; accepted are {accepted}")
        return _FORMATS[value]
    if isinstance(value, Mapping) and set(value) == {"type"} and value["type"] in _FORMATS:
        return _FORMATS[value["type"]]
    return value


def _prompt(value: object, _path: str) -> object:
    """Accept the name that the JavaScript SDK gives to the prompt's id."""
    if isinstance(value, Mapping) and "prompt_id" in value and "id" not in value:
        return {"id" if name == "prompt_id" else name: entry for name, entry in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Key:
    """Where a flat key goes.

    Attributes:
        path: its place in the session of the Realtime API.
        translate: from the value as users write it, and its path, to the value of the API.
    """

    path: tuple[str, ...]
    translate: Callable[[object, str], object] = _same


KEYS: dict[str, Key] = {
    "instructions": Key(("instructions",)),
    "modalities": Key(("output_modalities",), _modalities),
    "output_modalities": Key(("output_modalities",), _modalities),
    "voice": Key(("audio", "output", "voice")),
    "speed": Key(("audio", "output", "speed")),
    "input_audio_format": Key(("audio", "input", "format"), _format),
    "output_audio_format": Key(("audio", "output", "format"), _format),
    "input_audio_transcription": Key(("audio", "input", "transcription")),
    "input_audio_noise_reduction": Key(("audio", "input", "noise_reduction")),
    "turn_detection": Key(("audio", "input", "turn_detection")),
    "tool_choice": Key(("tool_choice",)),
    "parallel_tool_calls": Key(("parallel_tool_calls",)),
    "max_response_output_tokens": Key(("max_output_tokens",)),
    "max_output_tokens": Key(("max_output_tokens",)),
    "reasoning": Key(("reasoning",)),
    "prompt": Key(("prompt",), _prompt),
    "truncation": Key(("truncation",)),
    "tracing": Key(("tracing",)),
    "include": Key(("include",)),
}
"""The flat keys. Of two names for one thing the later one wins: that of today over that of the beta."""


def nested_formats(audio: object, path: str) -> object:
    """Accept the short names of audio formats in the nested form too.

    Args:
        audio: the `audio` setting.
        path: where it stands, for messages.

    Raises:
        ConfigurationError: a format is not known.
    """
    if not isinstance(audio, Mapping):
        return audio
    return {
        direction: {**half, "format": _format(half["format"], f"{path}.{direction}.format")}
        if isinstance(half, Mapping) and "format" in half
        else half
        for direction, half in audio.items()
    }
