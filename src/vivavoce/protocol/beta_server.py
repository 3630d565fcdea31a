"""Into the beta dialect: what a server says in events of the GA API, as clients of the beta know it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from vivavoce.protocol.base import present
from vivavoce.protocol.beta import (
    AUDIO_FORMATS,
    FORMAT_FIELDS,
    RESPONSE_FIELDS,
    SESSION_FIELDS,
    TRANSCRIPTION_SESSION_FIELDS,
    Path,
)
from vivavoce.protocol.codec import to_builtins
from vivavoce.protocol.server_events import (
    ErrorEvent,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    Unknown,
)
from vivavoce.protocol.session import RealtimeSession, Session

__all__ = ["BetaTranslator", "beta_session"]

Form: TypeAlias = dict[str, Any]

_RENAMED: Mapping[str, str] = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}

_UNKNOWN_TO_BETA = frozenset(
    {
        "conversation.item.done",
        "conversation.item.input_audio_transcription.segment",
        "input_audio_buffer.dtmf_event_received",
        "input_audio_buffer.timeout_triggered",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        "mcp_list_tools.in_progress",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
        "response.mcp_call.in_progress",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
    }
)
"""Events that came with the GA API: a client of the beta is not shown them."""

_ITEMS = frozenset({"message", "function_call", "function_call_output"})
_PARTS: Mapping[object, str] = {"output_text": "text", "output_audio": "audio"}
_FORMAT_NAMES: Mapping[object, str] = {form["type"]: name for name, form in AUDIO_FORMATS.items()}
_LISTENING_WISHES = ("model", "language", "prompt")


class BetaTranslator:
    """Translates the events of one connection. Remembers what the beta says at other places than the GA API.

    The beta names the conversation after the session, and rate limits at the beginning of a response: those
    that the GA API told after the response before it.
    """

    def __init__(self) -> None:
        self._conversation: str | None = None
        self._limits: Form | None = None
        self._special: Mapping[str, Callable[[Any, Form], Sequence[Form]]] = {
            "error": _error,
            "session.created": self._session_created,
            "session.updated": _session_updated,
            "rate_limits.updated": self._rate_limits,
            "response.created": self._response,
            "response.done": self._response,
            "conversation.item.added": _of_item,
            "conversation.item.created": _of_item,
            "conversation.item.retrieved": _of_item,
            "response.output_item.added": _of_item,
            "response.output_item.done": _of_item,
        }

    def translate(self, event: ServerEvent | Unknown) -> Sequence[Form]:
        """Return the events of the beta that say the same, as plain JSON: usually one, maybe none or two."""
        if isinstance(event, Unknown) or event.type in _UNKNOWN_TO_BETA:
            return ()
        form = to_builtins(event)
        kind = form["type"]
        form["type"] = _RENAMED.get(kind, kind)
        form.pop("obfuscation", None)
        special = self._special.get(kind)
        return (form,) if special is None else special(event, form)

    def _session_created(self, event: SessionCreated, form: Form) -> Sequence[Form]:
        form["session"] = _shown(event.session)
        self._conversation = "conv_" + present(event.session.id, "").removeprefix("sess_")
        conversation = {"id": self._conversation, "object": "realtime.conversation"}
        created = {
            "type": "conversation.created",
            "event_id": event.event_id + "_conv",
            "conversation": conversation,
        }
        return (form, created)

    def _rate_limits(self, _event: ServerEvent, form: Form) -> Sequence[Form]:
        first = self._limits is None
        self._limits = form
        return (form,) if first else ()

    def _response(self, _event: ServerEvent, form: Form) -> Sequence[Form]:
        response = form["response"] = _response(form["response"])
        if response["conversation_id"] is not None:
            response["conversation_id"] = self._conversation or response["conversation_id"]
        if form["type"] == "response.created" and self._limits is not None:
            return (form, {**self._limits, "event_id": form["event_id"] + "_limits"})
        return (form,)


def beta_session(session: Session) -> Form:
    """Return a session, or a transcription session, in the flat form of the beta, as plain JSON.

    `client_secret` is not in it.
    """
    nested = to_builtins(session)
    del nested["type"]
    if not isinstance(session, RealtimeSession):
        return _flat(nested, TRANSCRIPTION_SESSION_FIELDS)
    flat = _flat(nested, SESSION_FIELDS)
    choice = flat.get("tool_choice")
    if isinstance(choice, Mapping):
        flat["tool_choice"] = choice.get("name")
    if "tools" in flat:
        flat["tools"] = [tool for tool in flat["tools"] if tool["type"] == "function"]
    return flat


def _flat(nested: Form, fields: Mapping[str, Path]) -> Form:
    """Return settings with those in `fields` taken out of their GA places."""
    flat: Form = {name: value for name, value in nested.items() if not _is_root(name, fields)}
    for name, path in fields.items():
        value: Any = nested
        for step in path:
            value = value.get(step, _ABSENT) if isinstance(value, Mapping) else _ABSENT
        if value is not _ABSENT:
            flat[name] = _FLATTENED.get(name, _as_it_is)(value)
    return flat


_ABSENT = object()


def _is_root(name: str, fields: Mapping[str, Path]) -> bool:
    return any(path[0] == name for path in fields.values())


def _as_it_is(value: Any) -> Any:
    return value


def _transcription(wishes: Any) -> Any:
    return wishes and {name: wishes[name] for name in _LISTENING_WISHES if name in wishes}


def _turn_detection(detection: Any) -> Any:
    return detection and {name: value for name, value in detection.items() if name != "idle_timeout_ms"}


def _voice(voice: Any) -> Any:
    return voice["id"] if isinstance(voice, Mapping) else voice


def _modalities(modalities: Any) -> Any:
    """Return both: in the beta, speech comes with its text."""
    return ["text", "audio"] if "audio" in modalities else ["text"]


_FLATTENED: Mapping[str, Callable[[Any], Any]] = {
    **{name: lambda form: _FORMAT_NAMES[form["type"]] for name in FORMAT_FIELDS},
    "input_audio_transcription": _transcription,
    "modalities": _modalities,
    "turn_detection": _turn_detection,
    "voice": _voice,
}


def _response(response: Form) -> Form:
    flat = _flat(response, _FIELDS_OF_RESPONSE)
    flat["output"] = [_item(item) for item in flat["output"] if item["type"] in _ITEMS]
    return flat


_FIELDS_OF_RESPONSE = {
    name: path for name, path in RESPONSE_FIELDS.items() if name != "max_response_output_tokens"
}


def _item(item: Form) -> Form:
    item = {"object": "realtime.item", **item}
    item.pop("phase", None)
    if "content" in item:
        item["content"] = [
            {**part, "type": _PARTS.get(part["type"], part["type"])} for part in item["content"]
        ]
    return item


def _of_item(_event: ServerEvent, form: Form) -> Sequence[Form]:
    if form["item"]["type"] not in _ITEMS:
        return ()
    form["item"] = _item(form["item"])
    return (form,)


def _session_updated(event: SessionUpdated, form: Form) -> Sequence[Form]:
    form["session"] = _shown(event.session)
    if not isinstance(event.session, RealtimeSession):
        form["type"] = "transcription_session.updated"
    return (form,)


def _shown(session: Session) -> Form:
    """Return a session as its own connection is shown it: the secret, if there was one, has done its work."""
    secret = None if isinstance(session, RealtimeSession) else {"value": "", "expires_at": 0}
    return {**beta_session(session), "client_secret": secret}


def _error(event: ErrorEvent, form: Form) -> Sequence[Form]:
    """Name fields as the client named them."""
    param = event.error.param
    flat = _flat_param(param) if param is not None else None
    unknown = event.error.code == "unknown_parameter"
    if flat != param and not (
        unknown and param in _GA_PARAMS
    ):  # the client did name it so, which is the error
        form["error"]["param"] = flat
        form["error"]["message"] = event.error.message.replace(f"'{param}'", f"'{flat}'")
    return (form,)


def _flat_param(param: str) -> str:
    root, _, rest = param.partition(".")
    for name, path in _PARAMS.get(root, {}).items():
        nested = ".".join(path)
        if rest == nested or rest.startswith((f"{nested}.", f"{nested}[")):
            return f"{root}.{name}{rest[len(nested) :]}"
    return param


_PARAMS: Mapping[str, Mapping[str, Path]] = {"session": SESSION_FIELDS, "response": RESPONSE_FIELDS}
_GA_PARAMS = {".".join((root, *path)) for root, fields in _PARAMS.items() for path in fields.values()}
