"""What an application may say in a user's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vivavoce.agents.results import sendable
from vivavoce.conversation.client_session import input_format
from vivavoce.conversation.ids import IdSource
from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.protocol import (
    InputText,
    Item,
    MessageItem,
    PcmaFormat,
    PcmuFormat,
    RealtimeSession,
    present,
    replace,
    to_builtins,
)
from vivavoce.protocol.codec import item_from

PIECE_BYTES = 256 * 1024
"""Largest piece of audio sent at once; even, so that no sample is torn."""

SILENCE: Mapping[type, bytes] = {PcmuFormat: b"\xff", PcmaFormat: b"\xd5"}
"""A byte of silence, in formats where it is not zero."""


def user_message(message: str | Mapping[str, Any]) -> MessageItem:
    """Return a user's message as an item.

    Args:
        message: a text, or a message in its JSON form.

    Raises:
        ConfigurationError: it is neither.
    """
    if isinstance(message, str):
        return MessageItem(role="user", content=(InputText(text=sendable(message)),))
    if not isinstance(message, Mapping):
        raise ConfigurationError(f"a message is a text or a dictionary, got {message!r}")
    try:
        item = item_from({"type": "message", "role": "user", **message})
    except RemoteProtocolError as error:
        raise ConfigurationError(f"the message is not accepted: {error.message}") from error
    assert isinstance(item, MessageItem)  # no other item has a role
    return item


def image_message(image_url: object) -> dict[str, Any]:
    """Return a user's message with one picture, in its JSON form.

    Raises:
        ConfigurationError: `image_url` is no ``data:`` URL.
    """
    if not isinstance(image_url, str) or not image_url.startswith("data:image/"):
        shown = image_url[:40] if isinstance(image_url, str) else image_url
        raise ConfigurationError(
            f"a picture must be a data: URL of a PNG or JPEG (data:image/png;base64,…), got {shown!r}"
        )
    return {"content": [{"type": "input_image", "image_url": image_url}]}


def merged(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event in its JSON form; the `other_data` of a `RealtimeClientMessage` become part of it."""
    event = dict(message)
    other = event.pop("other_data", None)
    return {**other, **event} if isinstance(other, Mapping) else event


def named(item: MessageItem, ids: IdSource) -> MessageItem:
    """Return the message with an id; one that is there stays."""
    return replace(item, id=present(item.id, None) or ids.new("item"))


def check_history(history: object) -> list[Item]:
    """Return a conversation as items.

    Args:
        history: items, or their JSON form.

    Raises:
        ConfigurationError: one of them is not accepted; the message says where it stands.
    """
    if isinstance(history, str | Mapping) or not isinstance(history, Iterable):
        raise ConfigurationError(f"a history is a list of items, got {history!r}")
    items: list[Item] = []
    for index, item in enumerate(history):
        try:
            items.append(item_from(item) if isinstance(item, Mapping) else item_from(to_builtins(item)))
        except (RemoteProtocolError, TypeError) as error:
            raise ConfigurationError(f"history[{index}] is not accepted: {error}") from error
    return items


def silence_like(audio: bytes, session: RealtimeSession | None) -> bytes:
    """Return silence that lasts as long as a piece of audio in the session's input format."""
    return SILENCE.get(type(input_format(session)), b"\0") * len(audio)


def audio_pieces(audio: bytes) -> list[bytes]:
    """Return audio in pieces of a size that every server takes.

    Raises:
        ConfigurationError: it is not bytes.
    """
    if not isinstance(audio, bytes | bytearray | memoryview):
        raise ConfigurationError(f"audio must be bytes, got {type(audio).__name__}")
    whole = bytes(audio)
    return [whole[start : start + PIECE_BYTES] for start in range(0, len(whole), PIECE_BYTES)]
