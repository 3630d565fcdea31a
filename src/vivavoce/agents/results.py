"""What a tool returned: as text for the model, and whether the model is to speak of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BackgroundResult:
    """A tool's result that the model gets to know without being asked to respond.

    Attributes:
        content: the result.
    """

    content: Any


def background_result(content: Any) -> BackgroundResult:
    """Return a result of which the model need not speak: it is sent, and no response is asked for.

    Args:
        content: the result; `to_text` makes the model's text of it.
    """
    return BackgroundResult(content)


def to_text(result: object) -> str:
    """Return a tool's result as the model reads it: text as it is, everything else as JSON.

    Pydantic models, dataclasses, enums, dates and collections of them become JSON; what JSON cannot hold is
    written with `str`. Of a `BackgroundResult` it is the content. Texts are made `sendable`.
    """
    if isinstance(result, BackgroundResult):
        result = result.content
    if isinstance(result, str):
        return sendable(result)
    from pydantic_core import PydanticSerializationError, to_json

    try:
        return to_json(result, fallback=str).decode()
    except (PydanticSerializationError, ValueError):
        return sendable(str(result))


def sendable(text: str) -> str:
    """Return a text with ``?`` for each half of a surrogate pair, which nothing in UTF-8 can hold.

    They come from texts that were cut in the middle of an emoji, and from odd file names.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text
