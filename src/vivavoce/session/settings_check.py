"""Whether settings are accepted: the protocol judges, in the user's words and spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vivavoce.connections.spelling import closest, unknown
from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.protocol import (
    AudioInput,
    AudioOutput,
    NoiseReduction,
    Prompt,
    Reasoning,
    SemanticVad,
    ServerVad,
    SessionAudio,
    TracingConfig,
    Transcription,
)
from vivavoce.protocol.base import Wire
from vivavoce.protocol.codec import session_from
from vivavoce.session.merging import at, nest, overlay
from vivavoce.session.settings_keys import Spelled

TURN_DETECTION = ("audio", "input", "turn_detection")

_DETECTION_KEYS = ("type", *dict.fromkeys((*ServerVad.__struct_fields__, *SemanticVad.__struct_fields__)))
_TYPING_ERROR = 0.85
"""How alike an unknown key and a known one are where it is a typing error and no vendor's key."""
_STRUCTS: dict[str, type[Wire]] = {
    "session.audio": SessionAudio,
    "session.audio.input": AudioInput,
    "session.audio.input.transcription": Transcription,
    "session.audio.input.noise_reduction": NoiseReduction,
    "session.audio.output": AudioOutput,
    "session.prompt": Prompt,
    "session.reasoning": Reasoning,
    "session.tracing": TracingConfig,
}


def check_setting(part: Mapping[str, Any], wire_path: Sequence[str], name: str, spelled: Spelled) -> None:
    """Have the protocol judge one setting.

    Args:
        part: the setting in the session's JSON form, and nothing else.
        wire_path: its place there.
        name: its key, as in `settings_keys.KEYS`.
        spelled: all the settings, which know how the user wrote them.

    Raises:
        ConfigurationError: it is not accepted; names the path and what is.
    """
    wire = ".".join(("session", *wire_path))
    known_part, vendor = split_vendor_keys(part)
    for key in at(vendor, TURN_DETECTION) or ():
        if closest(key, _DETECTION_KEYS, likeness=_TYPING_ERROR) is not None:
            inner = ".".join(("session", *TURN_DETECTION, str(key))).removeprefix(wire)
            raise unknown(spelled.where(name + inner), key, _DETECTION_KEYS)
    known_part = with_vad_type(known_part)
    try:
        session_from({"type": "realtime", **known_part})
    except RemoteProtocolError as error:
        param = error.param or wire
        where = spelled.where(name + param.removeprefix(wire) if param.startswith(wire) else name)
        known = _known_keys(param.rpartition(".")[0], known_part)
        if error.code == "unknown_parameter" and known:
            raise unknown(where, param.rpartition(".")[2], known) from error
        # The protocol names its own path in the message; the user's stands before it.
        message = error.message.replace(f" for '{param}'", "").replace(f": '{param}'", "")
        raise ConfigurationError(f"{where}: {message.replace(param, where)}") from error


def _known_keys(wire: str, part: Mapping[str, Any]) -> list[str]:
    """Return the keys of the object at a path of the session; none where the path is not one of these."""
    if wire == ".".join(("session", *TURN_DETECTION)):
        kind = at(part, TURN_DETECTION)["type"]
        return ["type", *(SemanticVad if kind == "semantic_vad" else ServerVad).__struct_fields__]
    struct = _STRUCTS.get(wire)
    return list(struct.__struct_fields__) if struct is not None else []


def with_vad_type(session: Mapping[str, Any]) -> dict[str, Any]:
    """Name the kind of turn detection where only its numbers were set; the API wants it named."""
    detection = at(session, TURN_DETECTION)
    if not isinstance(detection, Mapping) or "type" in detection:
        return dict(session)
    kind = "semantic_vad" if "eagerness" in detection else "server_vad"
    return overlay(session, nest(TURN_DETECTION, {"type": kind}))


def split_vendor_keys(session: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take those keys out of the turn detection that only some vendor's server knows.

    Returns:
        the session without them, and a tree that holds nothing else, empty where there are none.
    """
    detection = at(session, TURN_DETECTION)
    if not isinstance(detection, Mapping):
        return dict(session), {}
    vendor = {key: value for key, value in detection.items() if key not in _DETECTION_KEYS}
    if not vendor:
        return dict(session), {}
    known = {key: value for key, value in detection.items() if key in _DETECTION_KEYS}
    halves = {**session["audio"]["input"], "turn_detection": known}
    stripped = {**session, "audio": {**session["audio"], "input": halves}}
    return stripped, nest(TURN_DETECTION, vendor)
