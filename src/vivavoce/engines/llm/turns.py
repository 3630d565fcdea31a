"""What a conversation's items say about whose turn it is and what is still open."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any, cast

from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpCallItem,
    MessageItem,
    OutputAudio,
    OutputText,
)

_LOOK_BACK = 12  # newest items whose order in time is asked for
_SPEAKING = MessageItem | FunctionCallItem | FunctionCallOutputItem | McpCallItem


def text_of(message: MessageItem) -> str:
    """Return what a message says: its texts and transcripts."""
    parts: list[str] = []
    for part in message.content:
        if isinstance(part, InputText | OutputText):
            parts.append(part.text)
        elif isinstance(part, InputAudio | OutputAudio) and isinstance(part.transcript, str):
            parts.append(part.transcript)
    return " ".join(part.strip() for part in parts if part.strip())


def has_picture(message: MessageItem) -> bool:
    """Whether a message carries an image."""
    return any(isinstance(part, InputImage) for part in message.content)


def talk(items: Sequence[Item]) -> list[Item]:
    """Return the items that belong to the talk, with the system messages in it: no lists of tools."""
    return [item for item in items if isinstance(item, _SPEAKING)]


def relevant(items: Sequence[Item]) -> list[Item]:
    """Return the items that belong to the talk: no system messages, no lists of tools."""
    return [item for item in talk(items) if not (isinstance(item, MessageItem) and item.role == "system")]


def last_order(items: Sequence[Item]) -> str:
    """Return what a system message says that nobody has answered yet: the newest item; else nothing."""
    newest = items[-1] if items else None
    return text_of(newest) if isinstance(newest, MessageItem) and newest.role == "system" else ""


def is_user(item: Item) -> bool:
    """Whether an item is a message of the user."""
    return isinstance(item, MessageItem) and item.role == "user"


def is_assistant(item: Item) -> bool:
    """Whether an item is a message of the assistant."""
    return isinstance(item, MessageItem) and item.role == "assistant"


def in_time(items: Sequence[Item], answers: Callable[[Sequence[Item], str], bool]) -> list[Item]:
    """Return the items in the order in which they were begun.

    An answer takes its place in the conversation with its first word. Where somebody writes between its
    beginning and that word, it stands behind a message that it knows nothing of.

    Args:
        items: the talk, with its system messages: one between a message and its answer says how to answer.
        answers: whether a text may be the answer to the items, which end with a message of the user.
    """
    ordered: list[Item] = list(items[:-_LOOK_BACK])
    for index, item in enumerate(items[-_LOOK_BACK:], len(ordered)):
        asked = waiting(ordered) if is_assistant(item) else []
        after = items[index + 1] if index + 1 < len(items) else None
        # Who goes on to speak has been served, or has given up; who writes may write ahead.
        early = after is None or is_assistant(after) or (is_user(after) and all(map(is_written, asked)))
        if asked and early and not answers(ordered, text_of(cast(MessageItem, item))):
            ordered.insert(len(ordered) - len(asked), item)
        else:
            ordered.append(item)
    return ordered


def waiting(items: Sequence[Item]) -> list[MessageItem]:
    """Return the user's messages that the items end with, the oldest first."""
    return [cast(MessageItem, item) for item in takewhile(is_user, reversed(items))][::-1]


def waiting_before(items: Sequence[Item], message: MessageItem) -> list[MessageItem]:
    """Return the user's messages directly before one of them, the oldest first."""
    at = next((index for index, item in enumerate(items) if item is message), 0)
    return waiting(items[:at])


def is_written(message: MessageItem) -> bool:
    """Whether a message was written, not spoken."""
    return any(isinstance(part, InputText) for part in message.content)


def last_user(items: Sequence[Item]) -> int:
    """Return the index of the newest user message, or -1."""
    return next((i for i in range(len(items) - 1, -1, -1) if is_user(items[i])), -1)


def last_assistant_text(items: Sequence[Item]) -> str:
    """Return what the assistant said last, or nothing."""
    for item in reversed(items):
        if isinstance(item, MessageItem) and item.role == "assistant" and text_of(item):
            return text_of(item)
    return ""


def assistant_count(items: Sequence[Item]) -> int:
    """Return how many times the assistant has spoken."""
    return sum(1 for item in items if is_assistant(item))


def fresh_outputs(items: Sequence[Item]) -> list[tuple[str, str]]:
    """Return name and output of the calls that ended after anybody last spoke, in order."""
    names = {item.call_id: item.name for item in items if isinstance(item, FunctionCallItem)}
    outputs: list[tuple[str, str]] = []
    for item in reversed(items):
        if isinstance(item, MessageItem):
            break
        if isinstance(item, FunctionCallOutputItem):
            outputs.append((names.get(item.call_id, ""), item.output))
        elif isinstance(item, McpCallItem):
            error = "error: the tool failed" if item.error else ""
            outputs.append((item.name, item.output if item.output is not None else error))
    return outputs[::-1]


def arguments_of(text: str) -> Any:
    """Return the arguments of a call as an object; the text itself when it is no JSON."""
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return text


def calls_since(items: Sequence[Item], start: int) -> list[tuple[str, Any]]:
    """Return name and arguments of the calls from index `start` on."""
    return [
        (item.name, arguments_of(item.arguments))
        for item in items[max(start, 0) :]
        if isinstance(item, FunctionCallItem | McpCallItem)
    ]
