"""The beta dialect of the Realtime API: which of its flat fields is which field of the GA shape.

Nothing but the edge knows the dialect. `beta_client` turns what a client of the beta sends into events of
the GA API, `beta_server` turns the answers back; both read these tables.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

__all__ = [
    "AUDIO_FORMATS",
    "FORMAT_FIELDS",
    "RESPONSE_FIELDS",
    "SESSION_FIELDS",
    "TEMPERATURE",
    "TRANSCRIPTION_SESSION_FIELDS",
    "asks_for_beta",
    "place",
]

Path: TypeAlias = tuple[str, ...]

AUDIO_FORMATS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "pcm16": {"type": "audio/pcm", "rate": 24000},
        "g711_ulaw": {"type": "audio/pcmu"},
        "g711_alaw": {"type": "audio/pcma"},
    }
)
"""Name of an audio format in the beta -> the format."""

FORMAT_FIELDS = frozenset({"input_audio_format", "output_audio_format"})
"""The fields that hold such a name."""

TEMPERATURE = "temperature"
"""What the GA shape has lost: the structs have it for the sake of the beta, GA clients may not send it."""

_LISTENING: Mapping[str, Path] = {
    "input_audio_format": ("audio", "input", "format"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
}

SESSION_FIELDS: Mapping[str, Path] = MappingProxyType(
    {
        **_LISTENING,
        "modalities": ("output_modalities",),
        "max_response_output_tokens": ("max_output_tokens",),
        "voice": ("audio", "output", "voice"),
        "speed": ("audio", "output", "speed"),
        "output_audio_format": ("audio", "output", "format"),
    }
)
"""Where the fields of a beta session stand in a GA session; what is not listed has kept its name."""

TRANSCRIPTION_SESSION_FIELDS: Mapping[str, Path] = MappingProxyType(dict(_LISTENING))
"""The same for a transcription session."""

RESPONSE_FIELDS: Mapping[str, Path] = MappingProxyType(
    {
        "modalities": ("output_modalities",),
        "max_response_output_tokens": ("max_output_tokens",),
        "max_output_tokens": ("max_output_tokens",),
        "voice": ("audio", "output", "voice"),
        "output_audio_format": ("audio", "output", "format"),
    }
)
"""The same for the parameters of `response.create`. Early clients of the beta call the bound on the tokens of
one response `max_output_tokens`, as the GA API does again; so does the response itself."""


def place(form: dict[str, Any], path: Path, value: Any) -> None:
    """Set a member of nested JSON objects, making those on the way."""
    for name in path[:-1]:
        form = form.setdefault(name, {})
    form[path[-1]] = value


def asks_for_beta(raw: object) -> bool:
    """Return whether only a client of the beta dialect would send this as its first event.

    That is an event which only the beta has, or one whose session or response has fields that only the
    beta has and, for a session, no type.

    Args:
        raw: the event as plain JSON.
    """
    if not isinstance(raw, Mapping):
        return False
    if raw.get("type") == "transcription_session.update":
        return True
    for event_type, member, fields in (
        ("session.update", "session", SESSION_FIELDS),
        ("response.create", "response", RESPONSE_FIELDS),
    ):
        flat = raw.get(member)
        if raw.get("type") == event_type and isinstance(flat, Mapping):
            return "type" not in flat and any(
                name in flat for name in {*fields, TEMPERATURE} - {"max_output_tokens"}
            )
    return False
