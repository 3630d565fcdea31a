"""From a `RealtimeRunConfig` as users write it to `RunSettings`, checked before anything connects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vivavoce.connections.spelling import unknown
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.base import Wire
from vivavoce.session.merging import overlay
from vivavoce.session.messages import check_history
from vivavoce.session.model_settings import (
    ModelSettings,
    raw_update,
    read_settings,
    realtime_session,
    session_of,
)
from vivavoce.session.run_settings import (
    GuardrailSettings,
    InputGuardrailSettings,
    ReconnectSettings,
    RunSettings,
    ToolSettings,
)
from vivavoce.session.setting_rules import (
    COUNT,
    FLAG,
    FUNCTION,
    OBJECT,
    SECONDS,
    TEXT,
    Rule,
    is_count,
    list_of,
    one_of,
    or_none,
    read_record,
)
from vivavoce.session.settings_keys import Spelled, spell

if TYPE_CHECKING:
    from vivavoce.protocol import Item

__all__ = [
    "GuardrailSettings",
    "InputGuardrailSettings",
    "ModelSettings",
    "ReconnectSettings",
    "RunSettings",
    "ToolSettings",
    "check_run_config",
    "overlay",
    "raw_update",
    "read_settings",
    "realtime_session",
    "session_of",
]


_MESSAGE = or_none(Rule(lambda value: isinstance(value, str) or callable(value), "a text or a function"))
_ON_FAILURE = one_of("skip", "trip")
_GUARDRAILS = {
    "debounce_text_length": Rule(
        lambda value: value == -1 or is_count(value), "a number of characters from 1, or -1 for the end"
    ),
    "timeout_s": SECONDS,
    "on_failure": _ON_FAILURE,
    "hold_back": FLAG,
    "message": _MESSAGE,
}
_INPUT_GUARDRAILS = {
    "timeout_s": SECONDS,
    "on_failure": _ON_FAILURE,
    "transcript_timeout_s": SECONDS,
    "delete_item": FLAG,
    "respond": FLAG,
    "message": _MESSAGE,
}
_TOOL_EXECUTION = {
    "pre_approval_tool_input_guardrails": FLAG,
    "approval_timeout_s": or_none(SECONDS),
    "timeout_s": SECONDS,
}
_RECONNECT = {
    "enabled": FLAG,
    "attempts": COUNT,
    "first_delay_s": SECONDS,
    "longest_delay_s": SECONDS,
}
_TRACING = {
    "workflow_name": ("workflow_name", TEXT),
    "group_id": ("group_id", TEXT),
    "trace_metadata": ("metadata", OBJECT),
}
"""Key -> its label in the session's tracing, and what it must be."""
_OBSERVING = ("on_client_event", "on_server_event", "on_session_event", "close")
_ALIASES = {
    "config": "model_settings",
    "output_guardrail_settings": "guardrails_settings",
    "input_guardrail_settings": "input_guardrails_settings",
}
_KNOWN = (
    "model_settings",
    "output_guardrails",
    "guardrails_settings",
    "input_guardrails",
    "input_guardrails_settings",
    "async_tool_calls",
    "tool_execution",
    "tool_error_formatter",
    "tracing_disabled",
    *_TRACING,
    "reconnect",
    "hooks",
    "observers",
    "history",
)
_ELSEWHERE = {
    "history_store_audio": "the history keeps words, not sound; a SessionRecorder keeps the sound",
    "context": "it belongs to one session: runner.run(context=…)",
    "model": "choose the connection with RealtimeRunner(model=…), its model with model_settings.model_name",
    "api_key": "it belongs to the connection: runner.run(model_config={'api_key': …})",
    "transport": "it belongs to the connection: runner.run(model_config={'transport': …})",
}


def check_run_config(config: object) -> RunSettings:
    """Check a `RealtimeRunConfig` and return its settings.

    Args:
        config: keys in snake_case or camelCase; ``None`` is an empty one.

    Raises:
        ConfigurationError: a key is not known or not supported, or a value is not accepted; says which.
    """
    spelled = _aliased(spell({} if config is None else config, "config"))
    for name in spelled.values:
        if name in _ELSEWHERE:
            raise ConfigurationError(f"{spelled.where(name)} is not accepted here: {_ELSEWHERE[name]}")
        if name not in _KNOWN:
            raise unknown(spelled.where(str(name)), name, _KNOWN)
    disabled = _value(spelled, "tracing_disabled", FLAG, default=False)
    return RunSettings(
        model=_model(spelled, untraced=disabled),
        guardrails=GuardrailSettings(**read_record(spelled, "guardrails_settings", _GUARDRAILS)),
        input_guarding=InputGuardrailSettings(
            **read_record(spelled, "input_guardrails_settings", _INPUT_GUARDRAILS)
        ),
        tools=_tools(spelled),
        reconnect=_reconnect(spelled),
        observers=_observers(spelled),
        history=_history(spelled),
        tracing_disabled=disabled,
        **_agents_parts(spelled),
    )


def _aliased(spelled: Spelled) -> Spelled:
    """Accept the JavaScript SDK's names for some of the keys."""
    values, names = dict(spelled.values), dict(spelled.names)
    for alias, name in _ALIASES.items():
        if alias not in values:
            continue
        written = names.pop(alias, alias)
        if name in values:
            both = f"both {names.get(name, name)!r} and {written!r}"
            raise ConfigurationError(f"{spelled.path} has {both}; keep one")
        values[name] = values.pop(alias)
        names = {
            (name + inner.removeprefix(alias) if inner.startswith(f"{alias}.") else inner): last
            for inner, last in names.items()
        }
        names[name] = written
    return replace(spelled, values=values, names=names)


def _value(spelled: Spelled, name: str, rule: Rule, default: Any = None) -> Any:
    value = spelled.values.get(name)
    return default if value is None else rule.check(value, spelled.where(name))


def _model(spelled: Spelled, *, untraced: bool) -> ModelSettings:
    """Read the settings of the model; labels of the trace that stand beside them go below those in them."""
    tracing: dict[str, Any] = {}
    for name, (label, rule) in _TRACING.items():
        value = _value(spelled, name, rule)
        if value is not None:
            tracing[label] = value
    below = ModelSettings(session={"tracing": tracing} if tracing else {}, untraced=untraced)
    settings = spelled.values.get("model_settings")
    return below if settings is None else read_settings(settings, spelled.where("model_settings")).over(below)


def _tools(spelled: Spelled) -> ToolSettings:
    defaults = ToolSettings()
    return ToolSettings(
        async_tool_calls=_value(spelled, "async_tool_calls", FLAG, default=defaults.async_tool_calls),
        tool_error_formatter=_value(spelled, "tool_error_formatter", FUNCTION),
        **read_record(spelled, "tool_execution", _TOOL_EXECUTION),
    )


def _reconnect(spelled: Spelled) -> ReconnectSettings:
    value = spelled.values.get("reconnect")
    if isinstance(value, bool):
        return ReconnectSettings(enabled=value)
    return ReconnectSettings(**read_record(spelled, "reconnect", _RECONNECT))


def _agents_parts(spelled: Spelled) -> dict[str, Any]:
    from vivavoce.agents.guardrails import InputGuardrail, OutputGuardrail
    from vivavoce.agents.hooks import RunHooksBase

    outputs = list_of(OutputGuardrail, "OutputGuardrails; decorate a function with @output_guardrail")
    inputs = list_of(InputGuardrail, "InputGuardrails; decorate a function with @input_guardrail")
    hooks = Rule(lambda value: isinstance(value, RunHooksBase), "RealtimeRunHooks")
    return {
        "output_guardrails": tuple(_value(spelled, "output_guardrails", outputs, default=())),
        "input_guardrails": tuple(_value(spelled, "input_guardrails", inputs, default=())),
        "hooks": _value(spelled, "hooks", hooks),
    }


def _observers(spelled: Spelled) -> tuple[Any, ...]:
    observers = tuple(_value(spelled, "observers", list_of(object, "observers"), default=()))
    for index, observer in enumerate(observers):
        if callable(observer) and (isinstance(observer, type) or not hasattr(observer, _OBSERVING[0])):
            continue  # makes one for each session
        for method in _OBSERVING:
            if not callable(getattr(observer, method, None)):
                where = spelled.where(f"observers[{index}]")
                raise ConfigurationError(f"{where} must be a SessionObserver; {observer!r} has no {method}()")
    return observers


def _history(spelled: Spelled) -> tuple[Item, ...]:
    """Read the items a conversation starts with, each a struct or in its JSON form."""
    entries = _value(spelled, "history", list_of((Wire, Mapping), "conversation items"), default=())
    try:
        return tuple(check_history(entries))
    except ConfigurationError as error:
        raise ConfigurationError(f"{spelled.path}.{error}") from error
