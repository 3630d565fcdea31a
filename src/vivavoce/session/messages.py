"""What an application may say in a user's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.protocol import ConversationItemCreate, InputText, MessageItem, present, replace
from vivavoce.protocol.codec import item_from

PIECE_BYTES = 256 * 1024
"""Largest piece of audio sent at once; even, so that no sample is torn."""


def user_message(message: str | Mapping[str, Any]) -> MessageItem:
    """Return a user's message as an item.

    Args:
        message: a text, or a message in its JSON form.

    Raises:
        ConfigurationError: it is neither.
    """
    if isinstance(message, str):
        return MessageItem(role="user", content=(InputText(text=message),))
    if not isinstance(message, Mapping):
        raise ConfigurationError(f"a message is a text or a dictionary, got {message!r}")
    try:
        item = item_from({"type": "message", "role": "user", **message})
    except RemoteProtocolError as error:
        raise ConfigurationError(f"the message is not accepted: {error.message}") from error
    assert isinstance(item, MessageItem)  # no other item has a role
    return item


def with_item_id(event: ConversationItemCreate) -> tuple[ConversationItemCreate, str]:
    """Return the event with an id for its item, and that id; a new one where it has none."""
    item_id = present(event.item.id, "") or f"item_{uuid4().hex[:27]}"
    return replace(event, item=replace(event.item, id=item_id)), item_id


def audio_pieces(audio: bytes) -> list[bytes]:
    """Return audio in pieces of a size that every server takes.

    Raises:
        ConfigurationError: it is not bytes.
    """
    if not isinstance(audio, bytes | bytearray | memoryview):
        raise ConfigurationError(f"audio must be bytes, got {type(audio).__name__}")
    whole = bytes(audio)
    return [whole[start : start + PIECE_BYTES] for start in range(0, len(whole), PIECE_BYTES)]
