"""JSON to structs and back: the one module that calls msgspec's encoders and decoders.

Clients are held to the letter: what the API does not know is refused, with the error that the API gives.
Servers are read with patience: unknown fields are dropped, unknown events come out as `Unknown`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import msgspec

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import shapes
from vivavoce.protocol.base import Wire
from vivavoce.protocol.client_events import CLIENT_EVENT_TYPES, ClientEvent, InputAudioBufferAppend
from vivavoce.protocol.items import Item
from vivavoce.protocol.response_events import FromServer
from vivavoce.protocol.server_events import SERVER_EVENT_TYPES, ServerEvent, Unknown
from vivavoce.protocol.session import Session

__all__ = [
    "client_event_from",
    "decode_client_event",
    "decode_server_event",
    "encode",
    "encode_text",
    "item_from",
    "parse_json",
    "relayed",
    "server_event_from",
    "session_from",
    "to_builtins",
    "write_json",
]

# All that msgspec raises for input that it cannot read: malformed JSON or the wrong type, text that is not
# UTF-8 or holds half a surrogate pair, nesting deeper than the stack.
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""What is escaped in JSON; the group is half a surrogate pair: JSON by its grammar, and no text."""

_encode = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder().decode
_decode_append = msgspec.json.Decoder(InputAudioBufferAppend).decode
_decode_server_event: Callable[[str | bytes], ServerEvent] = msgspec.json.Decoder(ServerEvent).decode


def encode(event: Wire) -> bytes:
    """Return a struct as JSON in UTF-8; absent fields are left out, ``None`` is ``null``.

    What came from a server and is passed on has the form in which it came.
    """
    return _encode(event) if _is_plain(event) else encode_text(event).encode()


def encode_text(event: Wire) -> str:
    """Return a struct as JSON text, for the text frames of a WebSocket."""
    if _is_plain(event):
        return _encode(event).decode()
    return event.verbatim or _encode(event.raw).decode()  # type: ignore[attr-defined]  # an `Unknown` has it


def _is_plain(event: Wire) -> bool:
    """Return whether an event is written from its fields."""
    return event.verbatim is None and type(event) is not Unknown


def relayed(data: str) -> ServerEvent | Unknown:
    """Read an event of a server that is to be passed on: `encode_text` gives the same text again.

    What does not have the shape of its type is passed on as well, as an `Unknown`: the client may know more.

    Args:
        data: one JSON object.

    Raises:
        RemoteProtocolError: it is no JSON object with a `type`.
    """
    try:
        event: ServerEvent | Unknown = _decode_server_event(data)
    except _UNREADABLE:
        raw = parse_json(data)
        wire_name = _wire_name(raw)
        assert isinstance(raw, Mapping)
        try:
            event = server_event_from(raw)
        except RemoteProtocolError:
            event = Unknown(type=wire_name, raw=raw)
    if isinstance(event, FromServer):
        event.__dict__["verbatim"] = data  # past the frozen fields, none of which it is
    return event


def decode_client_event(data: str | bytes) -> ClientEvent:
    """Read what a client sent.

    Args:
        data: one JSON object.

    Raises:
        RemoteProtocolError: and nothing else, with the `code`, `param` and `event_id` for an `error` event.
    """
    try:
        # Fifty of these arrive a second. All else is rare and takes the way that explains what is wrong.
        return _decode_append(data)
    except _UNREADABLE:
        return client_event_from(parse_json(data))


def client_event_from(raw: object) -> ClientEvent:
    """Build a client event from its JSON form, as `decode_client_event` does from text.

    Raises:
        RemoteProtocolError: as `decode_client_event`.
    """
    try:
        wire_name = _wire_name(raw)
        if wire_name not in CLIENT_EVENT_TYPES:
            shapes.refuse_choice(wire_name, CLIENT_EVENT_TYPES, "type")
        event: ClientEvent = _strict(raw, CLIENT_EVENT_TYPES[wire_name], "")
    except RemoteProtocolError as error:
        event_id = raw.get("event_id") if isinstance(raw, Mapping) else None
        error.event_id = event_id if isinstance(event_id, str) else None
        raise
    return event


def item_from(raw: object) -> Item:
    """Build a conversation item from its JSON form, as strictly as in an event of a client.

    Raises:
        RemoteProtocolError: if it is not an item; `param` begins with ``"item"``.
    """
    item: Item = _strict(raw, Item, "item")
    return item


def session_from(raw: object) -> Session:
    """Build a session, whole or in part, from its JSON form, as strictly as in an event of a client.

    Raises:
        RemoteProtocolError: if it is not a session; `param` begins with ``"session"``.
    """
    session: Session = _strict(raw, Session, "session")
    return session


_LATER_WORD = re.compile(r"^Invalid (enum )?value '.*`\$\.(item|part)\b.*\.(type|status|role)`$", re.DOTALL)
"""What msgspec says of a word that the protocol may have learned since: no error of anybody's."""


def decode_server_event(data: str | bytes) -> ServerEvent | Unknown:
    """Read what a server sent; an event of an unknown type, or with an unknown kind of part, is an `Unknown`.

    Raises:
        RemoteProtocolError: if it is no JSON object with a `type`, or an event of a known type lacks what
            that type needs.
    """
    try:
        return _decode_server_event(data)
    except _UNREADABLE:
        return server_event_from(parse_json(data))


def server_event_from(raw: object) -> ServerEvent | Unknown:
    """Build a server event from its JSON form, as `decode_server_event` does from text.

    Raises:
        RemoteProtocolError: as `decode_server_event`.
    """
    wire_name = _wire_name(raw)
    struct = SERVER_EVENT_TYPES.get(wire_name)
    if struct is None:
        assert isinstance(raw, Mapping)
        return Unknown(type=wire_name, raw=raw)
    try:
        return msgspec.convert(shapes.without_stray_nulls(raw, shapes.type_of(struct)), struct)
    except _UNREADABLE as error:
        if isinstance(raw, Mapping) and _LATER_WORD.search(str(error)):
            return Unknown(type=wire_name, raw=raw)
        _refuse(f"The event '{wire_name}' does not have its shape: {error}", "invalid_value")


def to_builtins(event: Wire) -> dict[str, Any]:
    """Return the JSON form of a struct: audio in base64, absent fields left out."""
    form: dict[str, Any] = msgspec.to_builtins(event)
    return form


def write_json(form: Mapping[str, Any]) -> str:
    """Return plain values as JSON text; what `parse_json` reads."""
    return _encode(form).decode()


def parse_json(data: str | bytes) -> object:
    """Read JSON into plain values, before anybody asks what it means.

    Half an emoji, which is what a text cut at some length may end with, becomes a replacement character.

    Raises:
        RemoteProtocolError: it is no JSON.
    """
    try:
        try:
            return _decode_json(data)
        except _UNREADABLE:
            text = data if isinstance(data, str) else data.decode()
            return _decode_json(_ESCAPE.sub(lambda found: r"\ufffd" if found[1] else found[0], text))
    except _UNREADABLE as error:
        _refuse(f"The event is not valid JSON: {error}", "invalid_json")


def _wire_name(raw: object) -> str:
    if not isinstance(raw, Mapping) or "type" not in raw:
        _refuse("The 'type' field is missing.", "invalid_event")
    shapes.check(raw["type"], shapes.type_of(str), "type")
    return str(raw["type"])


def _strict(raw: object, expected: Any, path: str) -> Any:
    # Clients that are generated from a schema write null for what they leave out.
    raw = shapes.without_stray_nulls(raw, shapes.type_of(expected), of_required=False)
    shapes.check(raw, shapes.type_of(expected), path)
    try:
        return msgspec.convert(raw, expected)
    except _UNREADABLE as error:
        _refuse(f"Invalid value: {error}", "invalid_value", path or None)


def _refuse(message: str, code: str, param: str | None = None) -> NoReturn:
    raise RemoteProtocolError(message, code=code, param=param) from None
