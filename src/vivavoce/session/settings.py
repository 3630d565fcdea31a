"""From what users write to what a session is told: check, translate to the shape of today, merge.

The protocol knows which values are accepted; this module knows where each key goes and what users call it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vivavoce.agents import FunctionTool
from vivavoce.agents.agent import check_tools
from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.protocol import (
    AudioInput,
    AudioOutput,
    NoiseReduction,
    Prompt,
    RealtimeSession,
    Reasoning,
    SemanticVad,
    ServerVad,
    SessionAudio,
    TracingConfig,
    Transcription,
    replace,
)
from vivavoce.protocol.base import Wire
from vivavoce.protocol.codec import session_from

_NOT_YET = frozenset(
    {
        "output_guardrails",
        "guardrails_settings",
        "tracing_disabled",
        "async_tool_calls",
        "tool_execution",
        "tool_error_formatter",
    }
)
_FORMATS = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "pcm": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
    "audio/pcm": {"type": "audio/pcm", "rate": 24000},
    "audio/pcmu": {"type": "audio/pcmu"},
    "audio/pcma": {"type": "audio/pcma"},
}


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
    return value


@dataclass(frozen=True, slots=True)
class _Key:
    """Where a flat key goes."""

    path: tuple[str, ...]
    translate: Callable[[object, str], object] = _same


_KEYS: dict[str, _Key] = {
    "instructions": _Key(("instructions",)),
    "modalities": _Key(("output_modalities",), _modalities),
    "output_modalities": _Key(("output_modalities",), _modalities),
    "voice": _Key(("audio", "output", "voice")),
    "speed": _Key(("audio", "output", "speed")),
    "input_audio_format": _Key(("audio", "input", "format"), _format),
    "output_audio_format": _Key(("audio", "output", "format"), _format),
    "input_audio_transcription": _Key(("audio", "input", "transcription")),
    "input_audio_noise_reduction": _Key(("audio", "input", "noise_reduction")),
    "turn_detection": _Key(("audio", "input", "turn_detection")),
    "tool_choice": _Key(("tool_choice",)),
    "parallel_tool_calls": _Key(("parallel_tool_calls",)),
    "max_output_tokens": _Key(("max_output_tokens",)),
    "max_response_output_tokens": _Key(("max_output_tokens",)),
    "reasoning": _Key(("reasoning",)),
    "prompt": _Key(("prompt",)),
    "truncation": _Key(("truncation",)),
    "tracing": _Key(("tracing",)),
    "include": _Key(("include",)),
}
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
_OTHER_KEYS = ("model_name", "tools", "audio")
_REMOVED = {"temperature": "the Realtime API no longer has it"}


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Checked settings of a session.

    Attributes:
        session: the session in its JSON form, only what was set.
        model_name: which model, or ``None``.
        tools: tools given in the settings, or ``None``.
    """

    session: Mapping[str, Any]
    model_name: str | None = None
    tools: tuple[FunctionTool, ...] | None = None

    def over(self, below: ModelSettings) -> ModelSettings:
        """Return these settings laid over others."""
        return ModelSettings(
            session=overlay(below.session, self.session),
            model_name=self.model_name or below.model_name,
            tools=self.tools if self.tools is not None else below.tools,
        )


def check_run_config(config: object) -> ModelSettings:
    """Check a `RealtimeRunConfig` and return its settings.

    Raises:
        ConfigurationError: a key is not known or not supported, or a value is not accepted; says which.
    """
    config = {} if config is None else config
    if not isinstance(config, Mapping):
        raise ConfigurationError(f"config must be a dictionary, got {config!r}")
    for key in config:
        if key in _NOT_YET:
            raise ConfigurationError(f"config.{key} is not supported by this version")
        if key != "model_settings":
            raise ConfigurationError(f"config.{key} is not known; known is: model_settings")
    return read_settings(config.get("model_settings", {}), "config.model_settings")


def read_settings(settings: object, path: str) -> ModelSettings:
    """Check settings as a user writes them and translate them.

    Args:
        settings: a `RealtimeSessionModelSettings`.
        path: where they stand, for messages.

    Raises:
        ConfigurationError: a key is not known or a value is not accepted; names its path and what is.
    """
    if not isinstance(settings, Mapping):
        raise ConfigurationError(f"{path} must be a dictionary, got {settings!r}")
    session: Mapping[str, Any] = {}
    for name, value in settings.items():
        if name in _KEYS:
            key = _KEYS[name]
            part = _nest(key.path, key.translate(value, f"{path}.{name}"))
            _check(part, key.path, f"{path}.{name}")
            session = overlay(session, part)
        elif name not in _OTHER_KEYS:
            raise ConfigurationError(_unknown(name, path))
    if "audio" in settings:
        nested = _nested(settings["audio"], f"{path}.audio")
        _check({"audio": nested}, ("audio",), f"{path}.audio")
        session = overlay(session, {"audio": nested})
    return ModelSettings(session, _model_name(settings, path), _tools(settings, path))


def _unknown(name: object, path: str) -> str:
    if name == "handoffs":
        return f"{path}.handoffs is not supported by this version"
    if name in _REMOVED:
        return f"{path}.{name} is not accepted: {_REMOVED[str(name)]}"
    return f"{path}.{name} is not known; known are: {', '.join(sorted((*_KEYS, *_OTHER_KEYS)))}"


def _model_name(settings: Mapping[str, Any], path: str) -> str | None:
    name = settings.get("model_name")
    if name is not None and not (isinstance(name, str) and name):
        raise ConfigurationError(f"{path}.model_name must be a text that is not empty, got {name!r}")
    return name


def _tools(settings: Mapping[str, Any], path: str) -> tuple[FunctionTool, ...] | None:
    return tuple(check_tools(settings["tools"], owner=f"{path}.tools")) if "tools" in settings else None


def _nested(audio: object, path: str) -> object:
    """Accept the short names of formats in the nested form too."""
    if not isinstance(audio, Mapping):
        return audio
    return {
        direction: {**half, "format": _format(half["format"], f"{path}.{direction}.format")}
        if isinstance(half, Mapping) and "format" in half
        else half
        for direction, half in audio.items()
    }


def _nest(path: Sequence[str], value: object) -> dict[str, Any]:
    for step in reversed(path):
        value = {step: value}
    assert isinstance(value, dict)
    return value


def _check(part: Mapping[str, Any], wire_path: Sequence[str], user_path: str) -> None:
    """Have the protocol judge one setting, and say what is wrong in the user's own words."""
    wire = ".".join(("session", *wire_path))
    part = _with_vad_type(part)
    try:
        session_from({"type": "realtime", **part})
    except RemoteProtocolError as error:
        param = error.param or wire
        where = user_path + param.removeprefix(wire) if param.startswith(wire) else user_path
        if error.code == "unknown_parameter" and (known := _known_keys(param.rpartition(".")[0], part)):
            raise ConfigurationError(f"{where} is not known; known are: {', '.join(known)}") from error
        raise ConfigurationError(f"{where}: {error.message.replace(param, where)}") from error


def _known_keys(wire: str, part: Mapping[str, Any]) -> list[str]:
    """Return the keys of the object at a path of the session; none where the path is not one of these."""
    if wire == "session.audio.input.turn_detection":
        kind = part["audio"]["input"]["turn_detection"]["type"]
        return ["type", *(SemanticVad if kind == "semantic_vad" else ServerVad).__struct_fields__]
    struct = _STRUCTS.get(wire)
    return list(struct.__struct_fields__) if struct is not None else []


def _with_vad_type(session: Mapping[str, Any]) -> dict[str, Any]:
    """Name the kind of turn detection where only its numbers were set; the API wants it named."""
    detection: object = session
    for step in ("audio", "input", "turn_detection"):
        detection = detection.get(step) if isinstance(detection, Mapping) else None
    if not isinstance(detection, Mapping) or "type" in detection:
        return dict(session)
    kind = "semantic_vad" if "eagerness" in detection else "server_vad"
    return overlay(session, {"audio": {"input": {"turn_detection": {"type": kind}}}})


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one settings tree over another. ``None`` is a value; another `type` replaces, it does not mix."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping) and not _differs(old, value):
            merged[key] = overlay(old, value)
        else:
            merged[key] = value
    return merged


def _differs(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return "type" in old and "type" in new and old["type"] != new["type"]


def session_of(
    settings: ModelSettings, *, instructions: str, voice: str | None, tools: Sequence[FunctionTool]
) -> RealtimeSession:
    """Return the `session.update` of a run: what the user set, with the agent's own parts on top.

    Args:
        settings: of the run.
        instructions: the agent's; empty leaves those of the settings.
        voice: the agent's; ``None`` leaves that of the settings.
        tools: the effective tools of the agent.

    Raises:
        ConfigurationError: the parts do not go together.
    """
    parts: dict[str, Any] = {"type": "realtime"}
    if instructions:
        parts["instructions"] = instructions
    if voice is not None:
        parts["audio"] = {"output": {"voice": voice}}
    session = overlay(settings.session, parts)
    session = _with_vad_type(session)
    try:
        built = session_from(session)
    except RemoteProtocolError as error:
        raise ConfigurationError(f"the settings do not go together: {error.message}") from error
    assert isinstance(built, RealtimeSession)
    return replace(built, tools=[tool.to_wire() for tool in tools]) if tools else built
