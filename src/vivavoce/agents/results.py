"""What a tool returned, as text for the model."""

from __future__ import annotations


def to_text(result: object) -> str:
    """Return a tool's result as the model reads it: text as it is, everything else as JSON.

    Pydantic models, dataclasses, enums, dates and collections of them become JSON; what JSON cannot hold is
    written with `str`.
    """
    if isinstance(result, str):
        return result
    from pydantic_core import PydanticSerializationError, to_json

    try:
        return to_json(result, fallback=str).decode()
    except (PydanticSerializationError, ValueError):
        return str(result)
