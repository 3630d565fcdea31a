"""What a run is given to read: a text, or a conversation in one of the forms that people have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from vivavoce.agents.results import sendable
from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputText,
    codec,
)
from vivavoce.protocol.base import Wire
from vivavoce.protocol.items import ContentPart, Role

RunInput: TypeAlias = str | Sequence[Item | Mapping[str, Any]]
"""What may be given to a run: a text of the user, or items (protocol items or their JSON form)."""

_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}


def read_input(given: RunInput) -> list[Item]:
    """Return a conversation as items.

    Args:
        given: a text of the user; or a list of protocol items, their JSON form (a realtime conversation's
            history), `to_input_list()` of an earlier run, or messages ``{"role": …, "content": …}``.

    Raises:
        ConfigurationError: it is none of these; the message names the place.
    """
    if isinstance(given, str):
        return [MessageItem(role="user", content=[InputText(text=sendable(given))])]
    if isinstance(given, bytes | Mapping) or not isinstance(given, Sequence):
        raise ConfigurationError(f"input must be a text or a list of items, got {given!r}")
    return [_item(item, f"input[{index}]") for index, item in enumerate(given)]


def input_json(given: RunInput) -> str | list[dict[str, Any]]:
    """Return the input as guardrails see it: the text, or the items in their JSON form."""
    return given if isinstance(given, str) else [codec.to_builtins(item) for item in read_input(given)]


def _item(given: object, path: str) -> Item:
    if isinstance(given, Wire):
        if not isinstance(given, Item):
            raise ConfigurationError(f"{path} is no item of a conversation: {given!r}")
        return given
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{path} must be an item or a dictionary, got {given!r}")
    kind = given.get("type", "message" if "role" in given else None)
    if kind == "message":
        return _message(given, path)
    if kind == "function_call":
        return FunctionCallItem(
            name=_text(given, "name", path),
            arguments=_text(given, "arguments", path),
            call_id=_text(given, "call_id", path),
        )
    if kind == "function_call_output":
        output = given.get("output")
        return FunctionCallOutputItem(
            call_id=_text(given, "call_id", path),
            output=output if isinstance(output, str) else json.dumps(output, ensure_ascii=False),
        )
    try:
        return codec.item_from(dict(given))
    except RemoteProtocolError as error:
        where = (error.param or "item").removeprefix("item")
        raise ConfigurationError(f"{path}{where}: {error.message}") from error


def _message(given: Mapping[str, Any], path: str) -> MessageItem:
    role = _ROLES.get(given.get("role", ""))
    if role is None:
        raise ConfigurationError(f"{path}.role must be one of {', '.join(_ROLES)}, got {given.get('role')!r}")
    content = given.get("content", ())
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, Sequence):
        raise ConfigurationError(f"{path}.content must be a text or a list of parts, got {content!r}")
    parts = [_part(part, role, f"{path}.content[{index}]") for index, part in enumerate(content)]
    return MessageItem(role=cast("Role", role), content=parts)


def _part(given: object, role: str, path: str) -> ContentPart:
    if isinstance(given, ContentPart):
        return given
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{path} must be a dictionary, got {given!r}")
    kind = given.get("type")
    if kind in {"input_audio", "output_audio", "audio"}:
        # The words are all that a text agent can use of speech.
        words = given.get("transcript") or ""
        return _words(words, role, path)
    if kind in {"input_image", "image_url"}:
        return _image(given, path)
    if kind in {"text", "input_text", "output_text"}:
        return _words(given.get("text"), role, path)
    raise ConfigurationError(
        f"{path}.type must be input_text, output_text, input_image, input_audio or output_audio, got {kind!r}"
    )


def _words(text: object, role: str, path: str) -> ContentPart:
    if not isinstance(text, str):
        raise ConfigurationError(f"{path}.text must be a text, got {text!r}")
    words = sendable(text)
    return OutputText(text=words) if role == "assistant" else InputText(text=words)


def _image(given: Mapping[str, Any], path: str) -> InputImage:
    image = given.get("image_url")
    url, detail = image, given.get("detail")
    if isinstance(image, Mapping):
        url, detail = image.get("url"), image.get("detail", detail)
    if not isinstance(url, str):
        raise ConfigurationError(f"{path}.image_url must be a URL, got {url!r}")
    if detail in {"auto", "low", "high"}:
        return InputImage(image_url=url, detail=cast("Any", detail))
    return InputImage(image_url=url)


def _text(given: Mapping[str, Any], name: str, path: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise ConfigurationError(f"{path}.{name} must be a text, got {value!r}")
    return value
