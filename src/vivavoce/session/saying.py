"""Having the agent say something word for word."""

from __future__ import annotations

from vivavoce.errors import ConfigurationError
from vivavoce.protocol import ResponseCreate, ResponseCreateParams

SAY_PREFIX = "Say exactly the following to the user, word for word, and nothing else:\n"
"""What a model is told before the words."""
SAY_METADATA = {"vivavoce.say": "1"}
"""What tells such a response from others."""


def say_request(text: str) -> ResponseCreate:
    """Return the request for an answer of exactly these words.

    It is an answer like any other: it waits for the one that is running, can be interrupted, and becomes
    part of the conversation. A hosted model may still change a word.

    Args:
        text: what to say; not empty.

    Raises:
        ConfigurationError: there is nothing to say.
    """
    given: object = text
    if not isinstance(given, str) or not given.strip():
        raise ConfigurationError(f"say() needs a text that is not empty, got {given!r}")
    return ResponseCreate(
        response=ResponseCreateParams(
            instructions=SAY_PREFIX + given.strip(), tool_choice="none", metadata=dict(SAY_METADATA)
        )
    )
