"""From what users write about the model's session to what the server is told: check, translate, merge.

This is the one place of the merge. When a session opens, when it hands off and when its agent is updated, the
same layers lie over one another: the run's settings, the connection's initial settings, the agent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vivavoce.agents import RealtimeAgent
from vivavoce.agents.base import check_tools
from vivavoce.agents.handoff import check_handoffs
from vivavoce.connections.spelling import unknown
from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.protocol import McpTool, RealtimeSession, SessionUpdate, UnsetType, replace
from vivavoce.protocol.codec import session_from, to_builtins
from vivavoce.session.merging import at, nest, overlay, without
from vivavoce.session.settings_check import TURN_DETECTION, check_setting, split_vendor_keys, with_vad_type
from vivavoce.session.settings_keys import KEYS, OTHER_KEYS, REMOVED, Spelled, nested_formats, spell

if TYPE_CHECKING:
    from vivavoce.agents.tool import Tool
    from vivavoce.protocol import Tool as WireTool

CHECKED_BY = "gpt-4o-mini-transcribe"
"""Model that writes the user's words down for input guardrails, where the settings name none."""
_VOICE = ("audio", "output", "voice")
_INPUT = ("audio", "input")
_CLEARED: Mapping[str, Any] = {"instructions": "", "tools": [], "prompt": None}
"""What the agent before may have set, and the value that takes it back."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Checked settings of the model's session.

    Attributes:
        session: the session in its JSON form, only what was set. A turn detection may hold keys that only
            some vendor's server knows.
        model_name: which model, or ``None``.
        tools: tools given in the settings, or ``None``.
        handoffs: handoffs given in the settings, or ``None``.
        provider_data: merged last into the session as it is sent, whatever it says.
        untraced: whether the session must ask for no tracing.
    """

    session: Mapping[str, Any] = field(default_factory=dict)
    model_name: str | None = None
    tools: tuple[Tool, ...] | None = None
    handoffs: tuple[Any, ...] | None = None
    provider_data: Mapping[str, Any] = field(default_factory=dict)
    untraced: bool = False

    def over(self, below: ModelSettings) -> ModelSettings:
        """Return these settings laid over others."""
        return ModelSettings(
            session=overlay(below.session, self.session),
            model_name=self.model_name or below.model_name,
            tools=self.tools if self.tools is not None else below.tools,
            handoffs=self.handoffs if self.handoffs is not None else below.handoffs,
            provider_data=overlay(below.provider_data, self.provider_data),
            untraced=self.untraced or below.untraced,
        )

    @property
    def extra(self) -> dict[str, Any]:
        """What goes beyond the Realtime API: vendors' keys of the turn detection, and `provider_data`."""
        return overlay(split_vendor_keys(self.session)[1], self.provider_data)


def read_settings(settings: object, path: str) -> ModelSettings:
    """Check settings as a user writes them and translate them.

    Args:
        settings: a `RealtimeSessionModelSettings`, its keys in snake_case or camelCase.
        path: where they stand, for messages.

    Raises:
        ConfigurationError: a key is not known or a value is not accepted; names its path and what is.
    """
    spelled = spell(settings, path)
    values = spelled.values
    for name in values:
        if name not in KEYS and name not in OTHER_KEYS:
            raise _unknown(name, spelled)
    session: Mapping[str, Any] = {}
    for name, key in KEYS.items():
        if name in values:
            part = nest(key.path, key.translate(values[name], spelled.where(name)))
            check_setting(part, key.path, name, spelled)
            session = overlay(session, part)
    if "audio" in values:
        part = {"audio": nested_formats(values["audio"], spelled.where("audio"))}
        check_setting(part, ("audio",), "audio", spelled)
        session = overlay(session, part)
    return ModelSettings(
        session, _model_name(spelled), _tools(spelled), _handoffs(spelled), _provider_data(spelled)
    )


def _unknown(name: object, spelled: Spelled) -> ConfigurationError:
    where = spelled.where(str(name))
    if name in REMOVED:
        return ConfigurationError(f"{where} is not accepted: {REMOVED[str(name)]}")
    return unknown(where, name, sorted((*KEYS, *OTHER_KEYS)))


def _model_name(spelled: Spelled) -> str | None:
    name = spelled.values.get("model_name")
    if name is not None and not (isinstance(name, str) and name):
        where = spelled.where("model_name")
        raise ConfigurationError(f"{where} must be a text that is not empty, got {name!r}")
    return name


def _tools(spelled: Spelled) -> tuple[Tool, ...] | None:
    tools = spelled.values.get("tools")
    return None if tools is None else tuple(check_tools(tools, owner=spelled.where("tools")))


def _handoffs(spelled: Spelled) -> tuple[Any, ...] | None:
    handoffs = spelled.values.get("handoffs")
    where = spelled.where("handoffs")
    return None if handoffs is None else tuple(check_handoffs(handoffs, where, RealtimeAgent))


def _provider_data(spelled: Spelled) -> Mapping[str, Any]:
    data = spelled.values.get("provider_data")
    where = spelled.where("provider_data")
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"{where} must be a dictionary, got {data!r}")
    try:
        copy: dict[str, Any] = json.loads(json.dumps(dict(data), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where} must be plain JSON: {error}") from error
    return copy


def session_of(
    settings: ModelSettings,
    *,
    instructions: str,
    voice: str | None,
    prompt: Mapping[str, Any] | None = None,
    tools: Sequence[WireTool],
    gated: bool = False,
    voice_fixed: bool = False,
    replaces: RealtimeSession | None = None,
) -> RealtimeSession:
    """Return what a `session.update` says: the settings of the run, with the agent's own parts on top.

    Used when a session opens, when it hands off, and when its agent is updated. What nobody set is left out.

    Args:
        settings: of the run and of the connection.
        instructions: the agent's; empty leaves those of the settings.
        voice: the agent's; ``None`` leaves that of the settings.
        prompt: the agent's stored prompt, ``{"id", "version", "variables"}``; ``None`` leaves that of the
            settings.
        tools: all that the agent may call: tools, MCP servers, handoffs.
        gated: whether turn detection must leave it to the application to ask for responses, as input
            guardrails need it.
        voice_fixed: whether the user has heard a voice: servers refuse another one then, so none is named.
        replaces: what the server was told before, for another agent. Instructions, tools and a prompt that
            it had and that are now left out are taken back.

    Raises:
        ConfigurationError: the parts do not go together.
    """
    session: dict[str, Any] = {"type": "realtime", **split_vendor_keys(settings.session)[0]}
    if settings.untraced:
        session.pop("tracing", None)
    if instructions:
        session["instructions"] = instructions
    if voice is not None:
        session = overlay(session, nest(_VOICE, voice))
    if voice_fixed:
        session = without(session, _VOICE)
    if prompt is not None:
        session["prompt"] = dict(prompt)
    if gated:
        session = _with_gate(session)
    _check_names(tools)
    try:
        built = session_from(with_vad_type(session))
    except RemoteProtocolError as error:
        raise ConfigurationError(f"the settings do not go together: {error.message}") from error
    assert isinstance(built, RealtimeSession)
    return _taking_back(replace(built, tools=list(tools)) if tools else built, replaces)


def realtime_session(settings: Mapping[str, Any], *, path: str = "settings") -> RealtimeSession:
    """Return the session of the Realtime API that settings ask for.

    For a `session.update` of one's own, or for `create_client_secret`. Handoffs belong to agents and are left
    out, as is what goes beyond the Realtime API.

    Args:
        settings: a `RealtimeSessionModelSettings`, its keys in snake_case or camelCase.
        path: what they are called, for messages.

    Raises:
        ConfigurationError: a key is not known or a value is not accepted; names its path and what is.
    """
    read = read_settings(settings, path)
    tools = [tool.to_wire() for tool in read.tools or ()]
    built = session_of(read, instructions="", voice=None, tools=tools)
    return built if read.model_name is None else replace(built, model=read.model_name)


def _with_gate(session: dict[str, Any]) -> dict[str, Any]:
    """Have the user's words written down, and turn detection create no responses before they were checked.

    Where turn detection is off it creates none anyway.
    """
    if "transcription" not in (at(session, _INPUT) or {}):
        session = overlay(session, nest((*_INPUT, "transcription"), {"model": CHECKED_BY}))
    off = at(session, TURN_DETECTION[:-1]) is not None and at(session, TURN_DETECTION) is None
    if off and "turn_detection" in session["audio"]["input"]:
        return session
    return overlay(session, nest(TURN_DETECTION, {"create_response": False}))


def _taking_back(session: RealtimeSession, before: RealtimeSession | None) -> RealtimeSession:
    if before is None:
        return session
    changes = {
        name: empty
        for name, empty in _CLEARED.items()
        if isinstance(getattr(session, name), UnsetType) and not isinstance(getattr(before, name), UnsetType)
    }
    return replace(session, **changes)


def _check_names(tools: Sequence[WireTool]) -> None:
    names: set[tuple[type, str]] = set()
    for tool in tools:
        name = tool.server_label if isinstance(tool, McpTool) else tool.name
        if (type(tool), name) in names:
            raise ConfigurationError(
                f"the agent has two tools or handoffs named {name!r}; rename one with name_override or "
                "tool_name_override"
            )
        names.add((type(tool), name))


def raw_update(update: SessionUpdate, settings: ModelSettings) -> dict[str, Any] | None:
    """Return a `session.update` in its JSON form with `ModelSettings.extra`; ``None`` where there is none.

    Args:
        update: made of `session_of` with the same settings.
        settings: of the run and of the connection.
    """
    if not settings.extra:
        return None
    raw = to_builtins(update)
    return {**raw, "session": overlay(raw["session"], settings.extra)}
