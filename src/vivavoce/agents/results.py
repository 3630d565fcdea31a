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
    written with `str`. Of a `BackgroundResult` it is the content.
    """
    if isinstance(result, BackgroundResult):
        result = result.content
    if isinstance(result, str):
        return result
    from pydantic_core import PydanticSerializationError, to_json

    try:
        return to_json(result, fallback=str).decode()
    except (PydanticSerializationError, ValueError):
        return str(result)
