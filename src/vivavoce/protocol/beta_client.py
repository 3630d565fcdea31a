"""From the beta dialect: what its clients send, as events of the GA API.

Shapes are checked after the translation, so an error speaks of GA fields; `beta_server` puts the names of
the beta into it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol.base import UNSET, UnsetType, replace
from vivavoce.protocol.beta import (
    AUDIO_FORMATS,
    FORMAT_FIELDS,
    RESPONSE_FIELDS,
    SESSION_FIELDS,
    TEMPERATURE,
    TRANSCRIPTION_SESSION_FIELDS,
    Path,
    place,
)
from vivavoce.protocol.client_events import ClientEvent, ResponseCreate, SessionUpdate
from vivavoce.protocol.codec import client_event_from, decode_client_event, parse_json, session_from
from vivavoce.protocol.session import RealtimeSession, Session, TranscriptionSession
from vivavoce.protocol.shapes import refuse_choice

__all__ = ["MAX_TEMPERATURE", "MIN_TEMPERATURE", "beta_event_from", "beta_session_from", "decode_beta_event"]

MIN_TEMPERATURE = 0.6
MAX_TEMPERATURE = 1.2

Form: TypeAlias = dict[str, Any]

_TOOL_CHOICES = ("auto", "none", "required")


def decode_beta_event(data: str | bytes) -> ClientEvent:
    """Read what a client of the beta dialect sent, as an event of the GA API.

    Args:
        data: one JSON object.

    Raises:
        RemoteProtocolError: and nothing else, as `decode_client_event`.
    """
    raw = parse_json(data)
    return decode_client_event(data) if _translation_of(raw) is None else beta_event_from(raw)


def beta_event_from(raw: object) -> ClientEvent:
    """Build an event of the GA API from one of the beta in its JSON form.

    Raises:
        RemoteProtocolError: as `decode_beta_event`.
    """
    translate = _translation_of(raw)
    if translate is None:
        return client_event_from(raw)
    assert isinstance(raw, Mapping)
    try:
        return translate(raw)
    except RemoteProtocolError as error:
        event_id = raw.get("event_id")
        error.event_id = event_id if isinstance(event_id, str) else None
        raise


def beta_session_from(raw: object, *, transcription: bool = False) -> Session:
    """Build a session of the GA API from a flat one of the beta.

    Args:
        raw: the flat session, whole or in part, as plain JSON.
        transcription: whether it is a transcription session.

    Raises:
        RemoteProtocolError: if it is not a session; `param` begins with ``"session"``.
    """
    if not isinstance(raw, Mapping):
        return session_from(raw)
    form, temperature = _session(raw, transcription=transcription)
    return _warmed(session_from(form), temperature)


def _translation_of(raw: object) -> Callable[[Mapping[str, Any]], ClientEvent] | None:
    kind = raw.get("type") if isinstance(raw, Mapping) else None
    return _TRANSLATIONS.get(kind) if isinstance(kind, str) else None


def _session_update(raw: Mapping[str, Any]) -> ClientEvent:
    return _update(raw, transcription=False)


def _transcription_session_update(raw: Mapping[str, Any]) -> ClientEvent:
    return _update(raw, transcription=True)


def _update(raw: Mapping[str, Any], *, transcription: bool) -> ClientEvent:
    raw = {**raw, "type": SessionUpdate.type}
    if not isinstance(raw.get("session"), Mapping):
        return client_event_from(raw)
    form, temperature = _session(raw["session"], transcription=transcription)
    event = client_event_from({**raw, "session": form})
    assert isinstance(event, SessionUpdate)
    return replace(event, session=_warmed(event.session, temperature))


def _session(flat: Mapping[str, Any], *, transcription: bool) -> tuple[Form, float | UnsetType]:
    if transcription:
        form = _nested(flat, TRANSCRIPTION_SESSION_FIELDS, "session")
        form.pop("modalities", None)  # it says nothing there: a transcription session never answers
        return {**form, "type": TranscriptionSession.type}, UNSET
    form = _nested(flat, SESSION_FIELDS, "session")
    temperature = _temperature(form.pop(TEMPERATURE, None), "session")
    return {**form, "type": RealtimeSession.type}, temperature


def _warmed(session: Session, temperature: float | UnsetType) -> Session:
    return replace(session, temperature=temperature) if isinstance(session, RealtimeSession) else session


def _response_create(raw: Mapping[str, Any]) -> ClientEvent:
    if not isinstance(raw.get("response"), Mapping):
        return client_event_from(raw)
    wishes = _nested(raw["response"], RESPONSE_FIELDS, "response")
    temperature = _temperature(wishes.pop(TEMPERATURE, None), "response")
    if isinstance(wishes.get("input"), list):
        wishes["input"] = [_item(item) for item in wishes["input"]]
    event = client_event_from({**raw, "response": wishes})
    assert isinstance(event, ResponseCreate)
    assert not isinstance(event.response, UnsetType)
    return replace(event, response=replace(event.response, temperature=temperature))


def _item_create(raw: Mapping[str, Any]) -> ClientEvent:
    return client_event_from({**raw, "item": _item(raw["item"])} if "item" in raw else raw)


_TRANSLATIONS: Mapping[str, Callable[[Mapping[str, Any]], ClientEvent]] = {
    "session.update": _session_update,
    "transcription_session.update": _transcription_session_update,
    "response.create": _response_create,
    "conversation.item.create": _item_create,
}
"""The events that have another form in the beta; all others are the same."""


def _nested(flat: Mapping[str, Any], fields: Mapping[str, Path], where: str) -> Form:
    """Return flat settings in their GA places."""
    foreign = {"type", *(path[0] for path in fields.values())} - set(fields)
    form: Form = {}
    for name, value in flat.items():
        if name in foreign:
            raise _unknown(f"{where}.{name}")
        if name in FORMAT_FIELDS:
            value = _format(value, f"{where}.{name}")  # noqa: PLW2901
        place(form, fields.get(name, (name,)), value)
    if "tool_choice" in form:
        form["tool_choice"] = _tool_choice(form["tool_choice"])
    _check_tools(form.get("tools"), where)
    return form


def _unknown(param: str) -> RemoteProtocolError:
    return RemoteProtocolError(
        f"Unknown parameter: '{param}'. It belongs to the GA shape of the API, and this connection speaks "
        "the beta: drop the OpenAI-Beta header.",
        code="unknown_parameter",
        param=param,
    )


def _format(name: object, param: str) -> Mapping[str, Any]:
    if not isinstance(name, str) or name not in AUDIO_FORMATS:
        refuse_choice(name, AUDIO_FORMATS, param)
    return AUDIO_FORMATS[name]


def _tool_choice(choice: object) -> object:
    if isinstance(choice, str) and choice not in _TOOL_CHOICES:
        return {"type": "function", "name": choice}
    return choice


def _check_tools(tools: object, where: str) -> None:
    for index, tool in enumerate(tools if isinstance(tools, list) else ()):
        if isinstance(tool, Mapping) and tool.get("type", "function") != "function":
            refuse_choice(tool["type"], ("function",), f"{where}.tools[{index}].type")


def _temperature(given: object, where: str) -> float | UnsetType:
    if given is None:
        return UNSET
    param = f"{where}.{TEMPERATURE}"
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise RemoteProtocolError(
            f"Invalid type for '{param}': expected a number.", code="invalid_type", param=param
        )
    if not MIN_TEMPERATURE <= given <= MAX_TEMPERATURE:
        # The number itself is not repeated: Python refuses to write the very long ones.
        raise RemoteProtocolError(
            f"Invalid value for '{param}'. Expected one between {MIN_TEMPERATURE} and {MAX_TEMPERATURE}.",
            code="invalid_value",
            param=param,
        )
    return float(given)


def _item(item: object) -> object:
    """Return an item with the GA names of its content parts."""
    if not isinstance(item, Mapping) or not isinstance(item.get("content"), list):
        return item
    names = _PARTS_OF_ASSISTANT if item.get("role") == "assistant" else _PARTS_OF_OTHERS
    return {**item, "content": [_part(part, names) for part in item["content"]]}


_PARTS_OF_ASSISTANT: Mapping[object, str] = {"text": "output_text", "audio": "output_audio"}
_PARTS_OF_OTHERS: Mapping[object, str] = {"text": "input_text", "audio": "input_audio"}


def _part(part: object, names: Mapping[object, str]) -> object:
    if not isinstance(part, Mapping):
        return part
    kind = part.get("type")
    return {**part, "type": names[kind]} if isinstance(kind, str) and kind in names else part
